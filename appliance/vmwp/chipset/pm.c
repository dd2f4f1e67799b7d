/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ACPI register block (ACPI 6.5, 4.8): PM timer, PM1a event and control blocks and an empty GPE0. Where it lies is said
 * by a PCI function that firmware programs, PIIX4's (piix4.c) or the Q35's LPC bridge (q35.c).
 */
#include "vmwp/chipset/board.h"
#include "vmwp/machine.h"
#include "vmwp/state.h"

#include <errno.h>

#define PM_HZ		3579545ull
#define NS		1000000000ull

#define PM1_STATUS	0x00
#define PM1_ENABLE	0x02
#define PM1_CONTROL	0x04
#define PM_TIMER	0x08
#define GPE0_STATUS	0x0c			/* 4 bytes: status, enable */
#define PM_PORTS	0x40

#define PM1_TIMER	0x0001
#define PM1_BUS_MASTER	0x0010
#define PM1_GLOBAL	0x0020
#define PM1_POWER_BUTTON 0x0100
#define PM1_RTC		0x0400		/* enabled and read back by ACPICA; alarms come by IRQ 8 here */
#define PM1_WAKE	0x8000
#define PM1_IMPLEMENTED	(PM1_TIMER | PM1_GLOBAL | PM1_POWER_BUTTON | PM1_RTC)
#define CONTROL_SCI	0x0001
#define CONTROL_SLEEP	0x2000
#define CONTROL_TYPE(v)	((v) >> 10 & 7)
#define SLEEP_TYPE_S5	0			/* firmware/dsdt.asl, _S5 */

struct pm {
	struct device_timer *timer;		/* PM timer carry, only while the guest wants that interrupt */
	uint16_t base;				/* claimed ports; 0 = none */
	uint16_t status, enable, control;
	uint16_t gpe_status, gpe_enable;
};

static uint32_t pm_timer_value(struct device *dev)
{
	uint64_t ns = machine_now_ns(dev->machine);

	return (uint32_t)(ns / NS * PM_HZ + ns % NS * PM_HZ / NS) & 0xffffff;
}

static void pm_update_sci(struct device *dev)
{
	struct pm *pm = device_state(dev);
	bool wanted = pm->status & pm->enable & PM1_IMPLEMENTED;

	irq_set(dev->machine, PM_SCI_IRQ, wanted && pm->control & CONTROL_SCI);
}

/* TMR_STS is set whenever bit 23 of the timer changes: every 2.34 s. */
static void pm_schedule_carry(struct device *dev)
{
	struct pm *pm = device_state(dev);
	uint64_t left = 0x800000 - (pm_timer_value(dev) & 0x7fffff);

	device_timer_arm(pm->timer, pm->enable & PM1_TIMER ? machine_now_ns(dev->machine) + left * NS / PM_HZ + 1 : 0);
}

static void pm_carry(struct device *dev)
{
	struct pm *pm = device_state(dev);

	pm->status |= PM1_TIMER;
	pm_update_sci(dev);
	pm_schedule_carry(dev);
}

static void pm_control_write(struct device *dev, uint16_t value)
{
	struct pm *pm = device_state(dev);

	pm->control = (value & ~CONTROL_SLEEP) | CONTROL_SCI;	/* there is no SMM: ACPI mode is always on */
	if (value & CONTROL_SLEEP && CONTROL_TYPE(value) == SLEEP_TYPE_S5)
		machine_request_power_off(dev->machine);
}

static uint16_t pm_read16(struct device *dev, unsigned int reg)
{
	struct pm *pm = device_state(dev);

	switch (reg) {
	case PM1_STATUS: return pm->status;
	case PM1_ENABLE: return pm->enable;
	case PM1_CONTROL: return pm->control;
	case PM_TIMER: return (uint16_t)pm_timer_value(dev);
	case PM_TIMER + 2: return (uint16_t)(pm_timer_value(dev) >> 16);
	case GPE0_STATUS: return pm->gpe_status;
	case GPE0_STATUS + 2: return pm->gpe_enable;
	default: return 0;
	}
}

static void pm_write16(struct device *dev, unsigned int reg, uint16_t value)
{
	struct pm *pm = device_state(dev);

	switch (reg) {
	case PM1_STATUS: pm->status &= (uint16_t)~value; break;
	case PM1_ENABLE: pm->enable = value & PM1_IMPLEMENTED; pm_schedule_carry(dev); break;
	case PM1_CONTROL: pm_control_write(dev, value); break;
	case GPE0_STATUS: pm->gpe_status &= (uint16_t)~value; break;
	case GPE0_STATUS + 2: pm->gpe_enable = value; break;
	default: break;
	}
	pm_update_sci(dev);
}

static uint32_t pm_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct pm *pm = device_state(dev);
	unsigned int reg = port - pm->base;

	if (reg == PM_TIMER && size == 4)
		return pm_timer_value(dev);
	if (size == 4)
		return pm_read16(dev, reg) | (uint32_t)pm_read16(dev, reg + 2) << 16;
	return size == 2 ? pm_read16(dev, reg) : pm_read16(dev, reg & ~1u) >> (reg & 1 ? 8 : 0);
}

/* A byte write leaves the other byte alone; for write-1-to-clear registers that is a 0 there. */
static void pm_write8(struct device *dev, unsigned int reg, uint8_t value)
{
	unsigned int even = reg & ~1u, shift = reg & 1 ? 8 : 0;
	bool clears = even == PM1_STATUS || even == GPE0_STATUS;
	uint16_t other = clears ? 0 : (uint16_t)(pm_read16(dev, even) & ~(0xffu << shift));

	pm_write16(dev, even, (uint16_t)(other | value << shift));
}

static void pm_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct pm *pm = device_state(dev);
	unsigned int reg = port - pm->base;

	if (size == 1) {
		pm_write8(dev, reg, (uint8_t)value);
		return;
	}
	pm_write16(dev, reg, (uint16_t)value);
	if (size == 4)
		pm_write16(dev, reg + 2, (uint16_t)(value >> 16));
}

void pm_press_power_button(struct device *dev)
{
	struct pm *pm = device_state(dev);

	pm->status |= PM1_POWER_BUTTON;
	pm_update_sci(dev);
}

void pm_place(struct device *dev, uint16_t base)
{
	struct pm *pm = device_state(dev);
	struct port_range range = { base, PM_PORTS, pm_port_read, pm_port_write, NULL, NULL };

	if (base == pm->base)
		return;
	if (pm->base)
		port_unclaim(dev, pm->base);
	pm->base = base && port_claim(dev, &range) == 0 ? base : 0;
}

static int pm_init(struct device *dev)
{
	struct pm *pm = device_state(dev);

	dev->machine->pm = dev;
	pm->timer = device_timer_new(dev, pm_carry);
	return pm->timer ? 0 : -ENOMEM;
}

static void pm_reset(struct device *dev)
{
	struct pm *pm = device_state(dev);

	pm->status = pm->enable = pm->gpe_status = pm->gpe_enable = 0;
	pm->control = CONTROL_SCI;
	device_timer_arm(pm->timer, 0);
	pm_place(dev, 0);
}

/* Where the registers are follows from the record of the function that places them. */
static void pm_state(struct device *dev, struct state *s)
{
	struct pm *pm = device_state(dev);

	state_u16(s, &pm->status);
	state_u16(s, &pm->enable);
	state_u16(s, &pm->control);
	state_u16(s, &pm->gpe_status);
	state_u16(s, &pm->gpe_enable);
	if (state_loading(s))
		pm_schedule_carry(dev);
}

const struct device_model pm_model = {
	.name = "pm", .state_size = sizeof(struct pm), .state_version = 1,
	.init = pm_init, .reset = pm_reset, .state = pm_state,
};
