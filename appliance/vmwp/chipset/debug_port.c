/* SPDX-License-Identifier: Apache-2.0 */
/* Port 0x402, where SeaBIOS and OVMF write their log: kept from the guest's view unless the worker was asked to log it. */
#include "vmwp/chipset/board.h"

#include <stdio.h>

#define PORT_DEBUG	0x402
#define DEBUG_PRESENT	0xe9
#define LINE_MAX_LENGTH	160

struct debug_port { char line[LINE_MAX_LENGTH]; unsigned int length; };

static bool debug_port_on;

void debug_port_enable(bool enable)
{
	debug_port_on = enable;
}

static uint32_t debug_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	(void)dev;
	(void)port;
	return debug_port_on ? DEBUG_PRESENT : port_float(size);
}

static void debug_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct debug_port *d = device_state(dev);
	char c = (char)value;

	(void)port;
	(void)size;
	if (!debug_port_on)
		return;
	if (c != '\n')
		d->line[d->length++] = c >= ' ' && c < 0x7f ? c : '.';
	if (c == '\n' || d->length == LINE_MAX_LENGTH) {
		fprintf(stderr, "firmware: %.*s\n", (int)d->length, d->line);
		d->length = 0;
	}
}

const struct device_model debug_port_model = {
	.name = "debug-port", .state_size = sizeof(struct debug_port), .state_version = 1,
	.ports = { { PORT_DEBUG, 1, debug_port_read, debug_port_write, NULL, NULL } },
};
