/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of the two 8237A DMA controllers and their page registers. No device of this board uses ISA DMA: firmware and
 * kernels reset and probe them, and read back what they wrote.
 */
#include "vmwp/chipset/board.h"
#include "vmwp/state.h"

#include <string.h>

#define PORT_PAGES	0x80

struct dma8237 {
	uint16_t base[8];		/* address and count of four channels, in turn */
	bool high_next;			/* the byte pointer flip-flop */
	uint8_t mask, command;
};

struct dma {
	struct dma8237 chip[2];
	uint8_t page[16];
};

/* The second controller's registers are two ports apart. */
static unsigned int dma_register(uint16_t port, unsigned int *chip)
{
	*chip = port >= 0xc0;
	return *chip ? (port - 0xc0u) / 2 : port;
}

static uint32_t dma_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct dma *dma = device_state(dev);
	unsigned int chip, reg = dma_register(port, &chip);
	struct dma8237 *c = &dma->chip[chip];
	uint8_t value = 0;

	(void)size;
	if (reg < 8) {
		value = (uint8_t)(c->base[reg] >> (c->high_next ? 8 : 0));
		c->high_next = !c->high_next;
	} else if (reg == 15) {
		value = c->mask | 0xf0;
	}
	return value;			/* status (8): nothing requested, nothing done */
}

static void dma_write_base(struct dma8237 *c, unsigned int reg, uint8_t value)
{
	c->base[reg] = c->high_next ? (uint16_t)((c->base[reg] & 0x00ff) | value << 8)
				    : (uint16_t)((c->base[reg] & 0xff00) | value);
	c->high_next = !c->high_next;
}

static void dma_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t data)
{
	struct dma *dma = device_state(dev);
	unsigned int chip, reg = dma_register(port, &chip);
	struct dma8237 *c = &dma->chip[chip];
	uint8_t value = (uint8_t)data, bit = (uint8_t)(1u << (value & 3));

	(void)size;
	switch (reg) {
	case 8: c->command = value; break;
	case 10: c->mask = value & 4 ? c->mask | bit : c->mask & (uint8_t)~bit; break;
	case 12: c->high_next = false; break;
	case 13: memset(c, 0, sizeof(*c)); c->mask = 15; break;
	case 14: c->mask = 0; break;
	case 15: c->mask = value & 15; break;
	default:
		if (reg < 8)
			dma_write_base(c, reg, value);
		break;			/* request (9) and mode (11): nothing to transfer */
	}
}

static uint32_t page_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct dma *dma = device_state(dev);

	(void)size;
	return dma->page[(port - PORT_PAGES) & 15];
}

static void page_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct dma *dma = device_state(dev);

	(void)size;
	dma->page[(port - PORT_PAGES) & 15] = (uint8_t)value;	/* 0x80 is the POST code port: stored alike */
}

static void dma_reset(struct device *dev)
{
	struct dma *dma = device_state(dev);

	memset(dma, 0, sizeof(*dma));
	dma->chip[0].mask = dma->chip[1].mask = 15;
}

static void dma_state(struct device *dev, struct state *s)
{
	struct dma *dma = device_state(dev);

	for (unsigned int i = 0; i < 2; i++) {
		for (unsigned int reg = 0; reg < 8; reg++)
			state_u16(s, &dma->chip[i].base[reg]);
		state_bool(s, &dma->chip[i].high_next);
		state_u8(s, &dma->chip[i].mask);
		state_u8(s, &dma->chip[i].command);
	}
	state_bytes(s, dma->page, sizeof(dma->page));
}

const struct device_model dma_model = {
	.name = "dma", .state_size = sizeof(struct dma), .state_version = 1,
	.ports = {
		{ 0x00, 16, dma_port_read, dma_port_write, NULL, NULL },
		{ 0xc0, 32, dma_port_read, dma_port_write, NULL, NULL },
		{ PORT_PAGES, 16, page_port_read, page_port_write, NULL, NULL },
	},
	.reset = dma_reset, .state = dma_state,
};
