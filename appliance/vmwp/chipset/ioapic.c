/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IOAPIC with 24 pins (Intel 82093AA, version 0x20 for the EOI register). Interrupts go out as hypervisor calls; the
 * guest's EOI of a level interrupt comes back as an intercept of the VP that wrote it.
 */
#include "vmwp/chipset/ioapic.h"
#include "vmwp/machine.h"
#include "vmwp/state.h"

#include <string.h>

#define REG_SELECT	0x00
#define REG_WINDOW	0x10
#define REG_EOI		0x40
#define INDEX_ID	0x00
#define INDEX_VERSION	0x01
#define INDEX_ARB	0x02
#define INDEX_REDIRECT	0x10

#define RTE_VECTOR(rte)		((uint8_t)(rte))
#define RTE_DELIVERY(rte)	((rte) >> 8 & 7)
#define RTE_LOGICAL		(1ull << 11)
#define RTE_STATUS		(1ull << 12)
#define RTE_REMOTE_IRR		(1ull << 14)
#define RTE_LEVEL		(1ull << 15)
#define RTE_MASKED		(1ull << 16)
#define RTE_READ_ONLY		(RTE_STATUS | RTE_REMOTE_IRR)
#define RTE_WRITABLE		(0xff0000000001ffffull & ~RTE_READ_ONLY)

struct ioapic {
	uint8_t select, id;
	uint64_t redirect[IOAPIC_PINS];
	uint32_t lines;			/* levels as the devices drive them; polarity is the board's business */
};

static void ioapic_deliver(struct device *dev, unsigned int pin)
{
	struct ioapic *io = device_state(dev);
	uint64_t rte = io->redirect[pin];
	struct hv_interrupt irq = {
		.type = (enum hv_interrupt_type)RTE_DELIVERY(rte), .level = rte & RTE_LEVEL, .logical = rte & RTE_LOGICAL,
		.destination = rte >> 56, .vector = RTE_VECTOR(rte),
	};

	if (irq.type == HV_INTERRUPT_EXTINT || (irq.type <= HV_INTERRUPT_LOWEST_PRIORITY && irq.vector < 16))
		return;			/* ExtINT comes through LINT0 here; vectors below 16 are illegal */
	if (rte & RTE_LEVEL)
		io->redirect[pin] |= RTE_REMOTE_IRR;
	if (dev->machine->partition)
		(void)hv_partition_assert_interrupt(dev->machine->partition, &irq);
}

static void ioapic_evaluate_level(struct device *dev, unsigned int pin)
{
	struct ioapic *io = device_state(dev);
	uint64_t rte = io->redirect[pin];

	if (rte & RTE_LEVEL && !(rte & (RTE_MASKED | RTE_REMOTE_IRR)) && io->lines & (1u << pin))
		ioapic_deliver(dev, pin);
}

void ioapic_set_line(struct device *dev, unsigned int pin, bool level)
{
	struct ioapic *io = device_state(dev);
	uint32_t bit = 1u << pin;
	bool rises = level && !(io->lines & bit);

	io->lines = level ? io->lines | bit : io->lines & ~bit;
	if (io->redirect[pin] & RTE_LEVEL)
		ioapic_evaluate_level(dev, pin);
	else if (rises && !(io->redirect[pin] & RTE_MASKED))
		ioapic_deliver(dev, pin);
}

void ioapic_eoi(struct device *dev, uint8_t vector)
{
	struct ioapic *io = device_state(dev);

	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++) {
		if (!(io->redirect[pin] & RTE_REMOTE_IRR) || RTE_VECTOR(io->redirect[pin]) != vector)
			continue;
		io->redirect[pin] &= ~RTE_REMOTE_IRR;
		ioapic_evaluate_level(dev, pin);
	}
}

static uint32_t ioapic_read_index(struct ioapic *io)
{
	unsigned int pin = (io->select - INDEX_REDIRECT) / 2u;

	if (io->select == INDEX_ID || io->select == INDEX_ARB)
		return (uint32_t)io->id << 24;
	if (io->select == INDEX_VERSION)
		return (IOAPIC_PINS - 1) << 16 | 0x20;
	if (io->select < INDEX_REDIRECT || pin >= IOAPIC_PINS)
		return ~0u;
	return (uint32_t)(io->select & 1 ? io->redirect[pin] >> 32 : io->redirect[pin]);
}

static void ioapic_write_redirect(struct device *dev, unsigned int pin, bool high, uint32_t value)
{
	struct ioapic *io = device_state(dev);
	uint64_t *rte = &io->redirect[pin];
	uint64_t wanted = high ? (*rte & 0xffffffffu) | (uint64_t)value << 32 : (*rte & ~0xffffffffull) | value;

	*rte = (wanted & RTE_WRITABLE) | (*rte & RTE_READ_ONLY);
	if (!(*rte & RTE_LEVEL))
		*rte &= ~RTE_REMOTE_IRR;	/* how software clears it on parts without an EOI register */
	ioapic_evaluate_level(dev, pin);
}

static void ioapic_write_index(struct device *dev, uint32_t value)
{
	struct ioapic *io = device_state(dev);
	unsigned int pin = (io->select - INDEX_REDIRECT) / 2u;

	if (io->select == INDEX_ID)
		io->id = value >> 24 & 0x0f;
	else if (io->select >= INDEX_REDIRECT && pin < IOAPIC_PINS)
		ioapic_write_redirect(dev, pin, io->select & 1, value);
}

static uint64_t ioapic_mmio_read(struct device *dev, uint64_t offset, unsigned int size)
{
	struct ioapic *io = device_state(dev);

	(void)size;
	if (offset == REG_SELECT)
		return io->select;
	return offset == REG_WINDOW ? ioapic_read_index(io) : 0;
}

static void ioapic_mmio_write(struct device *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct ioapic *io = device_state(dev);

	(void)size;
	if (offset == REG_SELECT)
		io->select = (uint8_t)value;
	else if (offset == REG_WINDOW)
		ioapic_write_index(dev, (uint32_t)value);
	else if (offset == REG_EOI)
		ioapic_eoi(dev, (uint8_t)value);
}

static void ioapic_reset(struct device *dev)
{
	struct ioapic *io = device_state(dev);

	memset(io, 0, sizeof(*io));
	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++)
		io->redirect[pin] = RTE_MASKED;
}

static void ioapic_state(struct device *dev, struct state *s)
{
	struct ioapic *io = device_state(dev);

	state_u8(s, &io->select);
	state_u8(s, &io->id);
	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++)
		state_u64(s, &io->redirect[pin]);
	state_u32(s, &io->lines);
}

static int ioapic_init(struct device *dev)
{
	dev->machine->ioapic = dev;
	return 0;
}

const struct device_model ioapic_model = {
	.name = "ioapic", .state_size = sizeof(struct ioapic), .state_version = 1,
	.mmio = { { IOAPIC_BASE, 0x1000, ioapic_mmio_read, ioapic_mmio_write } },
	.init = ioapic_init, .reset = ioapic_reset, .state = ioapic_state,
};
