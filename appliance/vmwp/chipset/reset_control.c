/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to ask for a reset that are not the keyboard controller's: port 0x92 (fast A20 and INIT) and PIIX' 0xcf9. */
#include "vmwp/chipset/board.h"
#include "vmwp/state.h"

#define PORT_A20	0x92
#define PORT_RESET	0xcf9
#define A20_INIT	0x01
#define A20_GATE	0x02
#define RESET_HARD	0x02
#define RESET_CPU	0x04

struct reset_control { uint8_t a20, reset; };

static uint32_t reset_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct reset_control *rc = device_state(dev);

	(void)size;
	return port == PORT_A20 ? rc->a20 : rc->reset;
}

static void reset_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct reset_control *rc = device_state(dev);

	if (size != 1)
		return;
	if (port == PORT_A20) {		/* the gate itself is stuck open: no software this machine runs wants wrapping at 1 MiB */
		rc->a20 = value & A20_GATE;
		if (value & A20_INIT)
			machine_request_reset(dev->machine);
		return;
	}
	if (value & RESET_CPU && !(rc->reset & RESET_CPU))	/* its rising edge */
		machine_request_reset(dev->machine);
	rc->reset = value & RESET_HARD;
}

static void reset_control_reset(struct device *dev)
{
	struct reset_control *rc = device_state(dev);

	*rc = (struct reset_control){ .a20 = A20_GATE };
}

static void reset_control_state(struct device *dev, struct state *s)
{
	struct reset_control *rc = device_state(dev);

	state_u8(s, &rc->a20);
	state_u8(s, &rc->reset);
}

const struct device_model reset_control_model = {
	.name = "reset-control", .state_size = sizeof(struct reset_control), .state_version = 1,
	.ports = {
		{ PORT_A20, 1, reset_port_read, reset_port_write, NULL, NULL },
		{ PORT_RESET, 1, reset_port_read, reset_port_write, NULL, NULL },
	},
	.reset = reset_control_reset, .state = reset_control_state,
};
