/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv's log on COM1. The root owns the port once it runs; hv's few lines then come between the root's. A machine without
 * the UART reads 0xFF from its status register: nothing is sent and nobody waits.
 */
#include <arch/x86/cpu.h>
#include <hv/console.h>
#include <hv/lock.h>

#define COM1			0x3f8
#define UART_LINE_STATUS	5
#define UART_TX_EMPTY		0x20
#define UART_PATIENCE		100000		/* polls for room before a character is given up */

enum log_level console_level = LOG_INFO;
static struct spinlock console_lock;

static void serial_put(char c)
{
	if (in8(COM1 + UART_LINE_STATUS) == 0xff)
		return;
	for (int i = 0; i < UART_PATIENCE && !(in8(COM1 + UART_LINE_STATUS) & UART_TX_EMPTY); i++)
		cpu_pause();
	out8(COM1, (uint8_t)c);
}

void console_write(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			serial_put('\r');
		serial_put(text[i]);
	}
}

void hv_log(enum log_level level, const char *format, ...)
{
	char line[256];
	va_list args;
	int n;

	if (level > console_level)
		return;
	va_start(args, format);
	n = hv_vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	spin_lock(&console_lock);
	console_write("hv: ", 4);
	console_write(line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
	spin_unlock(&console_lock);
}
