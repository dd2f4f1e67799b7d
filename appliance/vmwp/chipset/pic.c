/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 8259A pair (Intel 231468-003) with the PIIX edge/level registers 0x4d0/0x4d1. The acknowledge cycle happens in the
 * hypervisor: every entry point first asks whether the vector offered was taken (vmwp/irq.c) and then offers anew.
 */
#include "vmwp/chipset/pic.h"
#include "vmwp/machine.h"
#include "vmwp/state.h"

#include <string.h>

#define ICW1_INIT	0x10
#define ICW1_SINGLE	0x02
#define ICW1_ICW4	0x01
#define ICW4_AUTO_EOI	0x02
#define OCW3_SELECT	0x08
#define CASCADE_LINE	2

struct pic8259 {
	uint8_t irr, isr, imr, lines;		/* lines: levels as the devices drive them */
	uint8_t elcr;				/* 1 = level triggered */
	uint8_t base;				/* ICW2 */
	uint8_t lowest;				/* the line with the lowest priority; 7 after ICW */
	uint8_t icw_next;			/* which ICW the data port expects; 0 = OCW1 */
	bool icw4_wanted, auto_eoi, rotate_on_auto_eoi, read_isr, special_mask, poll;
};

struct pic {
	struct pic8259 chip[2];			/* master, slave */
	bool offered;				/* a vector is with the hypervisor */
	uint8_t offered_vector;
};

/* Requests in the order of priority, from the line after `lowest` on; -1 when none may interrupt. */
static int chip_pending(const struct pic8259 *c)
{
	uint8_t requests = c->irr & ~c->imr;

	for (unsigned int i = 1; i <= 8; i++) {
		unsigned int line = (c->lowest + i) & 7;

		if (c->isr & (1u << line) && !c->special_mask)
			return -1;			/* fully nested: only what is above the one in service */
		if (requests & (1u << line) && !(c->isr & (1u << line)))
			return (int)line;
	}
	return -1;
}

static void chip_set_line(struct pic8259 *c, unsigned int line, bool level)
{
	uint8_t bit = (uint8_t)(1u << line);

	if (c->elcr & bit)
		c->irr = level ? c->irr | bit : c->irr & (uint8_t)~bit;
	else if (level && !(c->lines & bit))
		c->irr |= bit;
	else if (!level)
		c->irr &= (uint8_t)~bit;		/* the 8259 wants an edge to stay until acknowledged */
	c->lines = level ? c->lines | bit : c->lines & (uint8_t)~bit;
}

static void chip_acknowledge(struct pic8259 *c, unsigned int line)
{
	uint8_t bit = (uint8_t)(1u << line);

	if (!(c->elcr & bit))
		c->irr &= (uint8_t)~bit;
	if (!c->auto_eoi)
		c->isr |= bit;
	else if (c->rotate_on_auto_eoi)
		c->lowest = (uint8_t)line;
}

static void pic_cascade(struct pic *pic)
{
	chip_set_line(&pic->chip[0], CASCADE_LINE, chip_pending(&pic->chip[1]) >= 0);
}

static bool pic_vector(struct pic *pic, uint8_t *vector)
{
	int line = chip_pending(&pic->chip[0]), slave;

	if (line < 0)
		return false;
	if (line != CASCADE_LINE) {
		*vector = (uint8_t)(pic->chip[0].base + line);
		return true;
	}
	slave = chip_pending(&pic->chip[1]);
	*vector = (uint8_t)(pic->chip[1].base + (slave < 0 ? 7 : slave));
	return true;
}

/* The acknowledge cycle (INTA), for what chip_pending() would have said at that time. */
static void pic_acknowledge(struct pic *pic)
{
	int line = chip_pending(&pic->chip[0]), slave;

	if (line < 0)
		return;
	if (line == CASCADE_LINE) {
		slave = chip_pending(&pic->chip[1]);
		if (slave >= 0)
			chip_acknowledge(&pic->chip[1], (unsigned int)slave);
	}
	chip_acknowledge(&pic->chip[0], (unsigned int)line);
	pic_cascade(pic);
}

/* Before anything reads or changes the pair: learn whether the guest took what it was offered. */
static void pic_settle(struct device *dev)
{
	struct pic *pic = device_state(dev);

	if (!pic->offered)
		return;
	pic->offered = false;
	if (irq_pic_was_taken(dev->machine))
		pic_acknowledge(pic);
}

static void pic_offer(struct device *dev)
{
	struct pic *pic = device_state(dev);

	pic_cascade(pic);
	pic->offered = pic_vector(pic, &pic->offered_vector);
	if (pic->offered)
		irq_pic_output(dev->machine, true, pic->offered_vector);
}

/* A line that cannot change what is offered costs no hypercall: the common case of masked or repeated levels. */
void pic_set_line(struct device *dev, unsigned int line, bool level)
{
	struct pic *pic = device_state(dev);
	struct pic8259 *c = &pic->chip[line >> 3 & 1];
	uint8_t bit = (uint8_t)(1u << (line & 7));

	if (!(c->lines & bit) == !level)
		return;
	if (c->imr & bit) {
		chip_set_line(c, line & 7, level);
		return;
	}
	pic_settle(dev);
	chip_set_line(c, line & 7, level);
	pic_offer(dev);
}

static void chip_icw1(struct pic8259 *c, uint8_t value)
{
	uint8_t lines = c->lines, elcr = c->elcr;

	memset(c, 0, sizeof(*c));
	c->lines = lines;
	c->elcr = elcr;
	c->irr = lines & elcr;
	c->lowest = 7;
	c->icw_next = 2;
	c->icw4_wanted = value & ICW1_ICW4;
}

static void chip_eoi(struct pic8259 *c, bool specific, unsigned int line, bool rotate)
{
	for (unsigned int i = 1; !specific && i <= 8; i++) {
		line = (c->lowest + i) & 7;
		specific = c->isr & (1u << line);
	}
	if (!specific)
		return;				/* nothing in service */
	c->isr &= (uint8_t)~(1u << line);
	if (rotate)
		c->lowest = (uint8_t)line;
}

static void chip_ocw2(struct pic8259 *c, uint8_t value)
{
	unsigned int line = value & 7;

	switch (value >> 5) {
	case 0: c->rotate_on_auto_eoi = false; break;
	case 4: c->rotate_on_auto_eoi = true; break;
	case 1: chip_eoi(c, false, 0, false); break;
	case 5: chip_eoi(c, false, 0, true); break;
	case 3: chip_eoi(c, true, line, false); break;
	case 7: chip_eoi(c, true, line, true); break;
	case 6: c->lowest = (uint8_t)line; break;
	default: break;				/* 2: no operation */
	}
}

static void chip_ocw3(struct pic8259 *c, uint8_t value)
{
	c->poll = value & 0x04;
	if (value & 0x02)
		c->read_isr = value & 0x01;
	if (value & 0x40)
		c->special_mask = value & 0x20;
}

static void chip_write_command(struct pic8259 *c, uint8_t value)
{
	if (value & ICW1_INIT)
		chip_icw1(c, value);
	else if (value & OCW3_SELECT)
		chip_ocw3(c, value);
	else
		chip_ocw2(c, value);
}

static void chip_write_data(struct pic8259 *c, uint8_t value)
{
	switch (c->icw_next) {
	case 2:
		c->base = value & 0xf8;
		c->icw_next = 3;
		break;
	case 3:
		c->icw_next = c->icw4_wanted ? 4 : 0;
		break;
	case 4:
		c->auto_eoi = value & ICW4_AUTO_EOI;
		c->icw_next = 0;
		break;
	default:
		c->imr = value;
		break;
	}
}

static uint32_t chip_poll(struct pic8259 *c)
{
	int line = chip_pending(c);

	c->poll = false;
	if (line < 0)
		return 0;
	chip_acknowledge(c, (unsigned int)line);
	return 0x80u | (uint32_t)line;
}

static struct pic8259 *pic_chip(struct pic *pic, uint16_t port)
{
	return &pic->chip[port >= 0xa0];
}

static uint32_t pic_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct pic *pic = device_state(dev);
	struct pic8259 *c = pic_chip(pic, port);
	uint32_t value;

	(void)size;
	if (port & 1)
		return c->imr;
	pic_settle(dev);
	value = c->poll ? chip_poll(c) : c->read_isr ? c->isr : c->irr;
	pic_offer(dev);
	return value;
}

static void pic_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct pic *pic = device_state(dev);

	(void)size;
	pic_settle(dev);
	if (port & 1)
		chip_write_data(pic_chip(pic, port), (uint8_t)value);
	else
		chip_write_command(pic_chip(pic, port), (uint8_t)value);
	pic_offer(dev);
}

static uint32_t elcr_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct pic *pic = device_state(dev);

	(void)size;
	return pic->chip[port & 1].elcr;
}

static void elcr_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	static const uint8_t changeable[2] = { 0xf8, 0xde };	/* IRQ 0-2, 8 and 13 are always edges */
	struct pic *pic = device_state(dev);

	(void)size;
	pic_settle(dev);
	pic->chip[port & 1].elcr = (uint8_t)value & changeable[port & 1];
	pic_offer(dev);
}

static void pic_reset(struct device *dev)
{
	struct pic *pic = device_state(dev);

	memset(pic, 0, sizeof(*pic));
	pic->chip[0].lowest = pic->chip[1].lowest = 7;
	pic->chip[0].imr = pic->chip[1].imr = 0xff;	/* silent until ICW1: before that it has no vectors */
}

static void pic_resumed(struct device *dev)
{
	pic_settle(dev);
	pic_offer(dev);
}

/* What was offered is taken back before (settle), and offered anew when the machine runs again: it is not saved. */
static void chip_state(struct pic8259 *c, struct state *s)
{
	bool *const flags[] = { &c->icw4_wanted, &c->auto_eoi, &c->rotate_on_auto_eoi, &c->read_isr, &c->special_mask, &c->poll };
	uint8_t *const bytes[] = { &c->irr, &c->isr, &c->imr, &c->lines, &c->elcr, &c->base, &c->lowest, &c->icw_next };

	for (unsigned int i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
		state_u8(s, bytes[i]);
	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		state_bool(s, flags[i]);
	if (c->lowest > 7 || c->icw_next > 4)
		state_refuse(s);
	c->lowest &= 7;
}

static void pic_state(struct device *dev, struct state *s)
{
	struct pic *pic = device_state(dev);

	chip_state(&pic->chip[0], s);
	chip_state(&pic->chip[1], s);
	pic->offered = false;
}

static int pic_init(struct device *dev)
{
	dev->machine->pic = dev;
	return 0;
}

const struct device_model pic_model = {
	.name = "pic", .state_size = sizeof(struct pic), .state_version = 1,
	.ports = {
		{ 0x20, 2, pic_port_read, pic_port_write, NULL, NULL },
		{ 0xa0, 2, pic_port_read, pic_port_write, NULL, NULL },
		{ 0x4d0, 2, elcr_port_read, elcr_port_write, NULL, NULL },
	},
	.init = pic_init, .reset = pic_reset, .settle = pic_settle, .resumed = pic_resumed, .state = pic_state,
};
