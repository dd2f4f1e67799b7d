/* SPDX-License-Identifier: Apache-2.0 */
/* 16550A: interrupts, FIFO, loopback, and what viewers of the port get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_machine.h"
#include "vmwp/chipset/serial.h"

#define COM1 0x3f8
#define COM2 0x2f8
enum { DATA, IER, IIR, LCR, MCR, LSR, MSR };

struct fixture { struct machine m; struct device *serial; };

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->serial = fake_add(&f->m, &serial_model);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_clear(&f->m);
	free(f);
	return 0;
}

static uint8_t in(struct fixture *f, uint16_t port) { return (uint8_t)fake_in(&f->m, port, 1); }
static void out(struct fixture *f, uint16_t port, uint8_t value) { fake_out(&f->m, port, 1, value); }

static int open_port(struct fixture *f, unsigned int port)
{
	int fd;

	assert_int_equal(serial_open(f->serial, port, &fd), 0);
	return fd;
}

static void test_divisor_and_scratch_are_kept(void **state)
{
	struct fixture *f = *state;

	out(f, COM1 + LCR, 0x83);
	out(f, COM1 + DATA, 0x34);
	out(f, COM1 + IER, 0x12);
	assert_int_equal(in(f, COM1 + DATA), 0x34);
	assert_int_equal(in(f, COM1 + IER), 0x12);
	out(f, COM1 + LCR, 0x03);
	assert_int_equal(in(f, COM1 + IER), 0);
	out(f, COM1 + 7, 0xa5);
	assert_int_equal(in(f, COM1 + 7), 0xa5);
	assert_int_equal(in(f, COM1 + LSR), 0x60);
	assert_int_equal(in(f, COM1 + MSR), 0xb0);
	out(f, COM1 + IIR, 0x01);
	assert_int_equal(in(f, COM1 + IIR), 0xc1);	/* a 16550A shows its FIFOs */
}

static void test_sent_bytes_reach_every_viewer(void **state)
{
	struct fixture *f = *state;
	int a = open_port(f, 1), b = open_port(f, 1), other = open_port(f, 2);
	char text[16];

	for (const char *p = "hello"; *p; p++)
		out(f, COM1, (uint8_t)*p);
	assert_int_equal(recv(a, text, sizeof(text), MSG_DONTWAIT), 5);
	assert_memory_equal(text, "hello", 5);
	assert_int_equal(recv(b, text, sizeof(text), MSG_DONTWAIT), 5);
	assert_int_equal(recv(other, text, sizeof(text), MSG_DONTWAIT), -1);
	close(a);
	close(b);
	close(other);
}

static void test_a_late_viewer_gets_the_last_64k(void **state)
{
	struct fixture *f = *state;
	static uint8_t text[70000];
	size_t count = 0;
	int fd;

	for (unsigned int i = 0; i < 70000; i++)
		out(f, COM1, (uint8_t)(i % 251));
	fd = open_port(f, 1);
	for (ssize_t n; (n = recv(fd, text + count, sizeof(text) - count, MSG_DONTWAIT)) > 0 || fake_pump(&f->m, 0);)
		count += n > 0 ? (size_t)n : 0;
	assert_int_equal(count, 65536);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(text[i], (70000 - 65536 + i) % 251);
	close(fd);
}

static void test_a_viewer_that_does_not_read_blocks_nobody(void **state)
{
	struct fixture *f = *state;
	int slow = open_port(f, 1), fast = open_port(f, 1);
	uint8_t byte;

	for (unsigned int i = 0; i < 1000000; i++) {
		out(f, COM1, (uint8_t)i);
		assert_int_equal(recv(fast, &byte, 1, MSG_DONTWAIT), 1);
		assert_int_equal(byte, (uint8_t)i);
	}
	close(slow);
	close(fast);
}

static void test_received_bytes_interrupt_and_wait_for_room(void **state)
{
	struct fixture *f = *state;
	int fd = open_port(f, 1);
	char text[40];

	out(f, COM1 + IIR, 0x81);			/* FIFO, trigger at 8 */
	out(f, COM1 + IER, 0x01);
	assert_false(f->m.irq[4].level);
	assert_int_equal(send(fd, "0123456789abcdefghijklmnopqrstuvwxyz", 36, 0), 36);
	while (fake_pump(&f->m, 0))
		;
	assert_false(f->m.irq[4].level);		/* OUT2 gates the line */
	out(f, COM1 + MCR, 0x0b);
	assert_true(f->m.irq[4].level);
	assert_int_equal(in(f, COM1 + IIR), 0xc4);
	for (int i = 0; i < 36; i++) {
		assert_int_equal(in(f, COM1 + LSR) & 0x03, 1);	/* data, no overrun */
		text[i] = (char)in(f, COM1);
		if (i == 10)
			assert_int_equal(in(f, COM1 + IIR), 0xcc);	/* fewer than 8 left */
		while (i >= 15 && fake_pump(&f->m, 0))
			;
	}
	assert_memory_equal(text, "0123456789abcdefghijklmnopqrstuvwxyz", 36);
	assert_int_equal(in(f, COM1 + LSR) & 1, 0);
	assert_false(f->m.irq[4].level);
	close(fd);
}

static void test_transmitter_empty_interrupts_once_per_byte(void **state)
{
	struct fixture *f = *state;

	out(f, COM2 + MCR, 0x08);
	out(f, COM2 + IER, 0x02);
	assert_true(f->m.irq[3].level);
	assert_int_equal(in(f, COM2 + IIR), 0x02);
	assert_false(f->m.irq[3].level);
	out(f, COM2, 'x');
	assert_true(f->m.irq[3].level);
	out(f, COM2 + IER, 0);
	assert_false(f->m.irq[3].level);
}

static void test_loopback_returns_bytes_and_lines(void **state)
{
	struct fixture *f = *state;
	int fd = open_port(f, 1);
	char byte;

	out(f, COM1 + MCR, 0x1a);			/* loop, OUT2, RTS */
	assert_int_equal(in(f, COM1 + MSR) & 0xf0, 0x90);
	out(f, COM1, 0x5a);
	assert_int_equal(in(f, COM1), 0x5a);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	close(fd);
}

static void test_closed_viewers_give_their_place_back(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 20; i++) {
		close(open_port(f, 1));
		fake_pump(&f->m, 0);
	}
	assert_int_equal(serial_open(f->serial, 3, &(int) { 0 }), -22);
	for (int i = 0; i < 4; i++)
		open_port(f, 2);
	assert_int_equal(serial_open(f->serial, 2, &(int) { 0 }), -24);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_divisor_and_scratch_are_kept),
		T(test_sent_bytes_reach_every_viewer),
		T(test_a_late_viewer_gets_the_last_64k),
		T(test_a_viewer_that_does_not_read_blocks_nobody),
		T(test_received_bytes_interrupt_and_wait_for_room),
		T(test_transmitter_empty_interrupts_once_per_byte),
		T(test_loopback_returns_bytes_and_lines),
		T(test_closed_viewers_give_their_place_back),
	};

	return cmocka_run_group_tests_name("serial", tests, NULL, NULL);
}
