/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 8254 interval timer (Intel 231164-005) with system control port B (0x61). Channel 0 drives IRQ 0, channel 2 the speaker
 * gate whose output software reads at port 0x61. Counts are computed from machine time, never ticked.
 */
#include "vmwp/chipset/board.h"
#include "vmwp/state.h"

#include <errno.h>
#include <string.h>

#define PIT_HZ		1193182ull
#define NS		1000000000ull
#define PORT_CHANNEL0	0x40
#define PORT_COMMAND	0x43
#define PORT_CONTROL_B	0x61
#define CONTROL_GATE2	0x01
#define CONTROL_SPEAKER	0x02
#define CONTROL_REFRESH	0x10
#define CONTROL_OUT2	0x20

#define ACCESS_LOW	1
#define ACCESS_HIGH	2
#define ACCESS_BOTH	3

struct pit_channel {
	uint16_t reload;			/* 0 = 65536 */
	uint64_t loaded_ns;			/* machine time at which counting began */
	uint8_t mode, access;
	bool bcd, gate, armed;			/* armed: a count was written since the mode was set */
	bool write_high_next, read_high_next;
	uint8_t write_low;
	bool count_latched, status_latched;
	uint16_t latched_count;
	uint8_t latched_status;
};

struct pit {
	struct pit_channel channel[3];
	struct device_timer *timer;		/* survives reset */
	uint64_t next_irq_ns;
	uint8_t control_b;
};

static uint64_t channel_period(const struct pit_channel *c)
{
	return c->reload ? c->reload : 0x10000;
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
	return (ticks * NS + PIT_HZ - 1) / PIT_HZ;
}

static uint64_t channel_elapsed(struct device *dev, const struct pit_channel *c)
{
	uint64_t ns = machine_now_ns(dev->machine) - c->loaded_ns;

	return ns / NS * PIT_HZ + ns % NS * PIT_HZ / NS;
}

static bool channel_is_periodic(const struct pit_channel *c)
{
	return c->mode == 2 || c->mode == 3;
}

static uint16_t channel_count(struct device *dev, const struct pit_channel *c)
{
	uint64_t elapsed = channel_elapsed(dev, c), period = channel_period(c);

	if (!c->armed)
		return 0;
	if (c->mode == 3)
		return (uint16_t)((period - elapsed * 2 % period) & ~1ull);
	if (c->mode == 2)
		return (uint16_t)(period - elapsed % period);
	return (uint16_t)(period - elapsed);		/* one-shot: runs on through 0xffff */
}

static bool channel_output(struct device *dev, const struct pit_channel *c)
{
	uint64_t elapsed = channel_elapsed(dev, c), period = channel_period(c);

	if (!c->armed)
		return c->mode != 0;
	switch (c->mode) {
	case 2: return elapsed % period != period - 1;
	case 3: return elapsed % period < (period + 1) / 2;
	case 4: case 5: return elapsed != period;
	default: return elapsed >= period;		/* 0 and 1: low while counting */
	}
}

/* Channel 0's next rising edge of OUT: IRQ 0. */
static void pit_schedule(struct device *dev)
{
	struct pit *pit = device_state(dev);
	struct pit_channel *c = &pit->channel[0];

	pit->next_irq_ns = 0;
	if (c->armed && c->mode != 1 && c->mode != 5)		/* those wait for a gate that channel 0 does not have */
		pit->next_irq_ns = c->loaded_ns + ticks_to_ns(channel_period(c));
	device_timer_arm(pit->timer, pit->next_irq_ns);
}

static void pit_fire(struct device *dev)
{
	struct pit *pit = device_state(dev);
	uint64_t now = machine_now_ns(dev->machine), period_ns = ticks_to_ns(channel_period(&pit->channel[0]));

	irq_set(dev->machine, 0, false);
	irq_set(dev->machine, 0, true);
	if (!channel_is_periodic(&pit->channel[0]))
		return;
	pit->next_irq_ns += period_ns;
	if (now > pit->next_irq_ns + 8 * period_ns)		/* far behind (host asleep): do not flood the guest */
		pit->next_irq_ns = now + period_ns;
	device_timer_arm(pit->timer, pit->next_irq_ns);
}

static void channel_load(struct device *dev, unsigned int index, uint16_t count)
{
	struct pit *pit = device_state(dev);
	struct pit_channel *c = &pit->channel[index];

	c->reload = count;
	c->loaded_ns = machine_now_ns(dev->machine);
	c->armed = true;
	if (index == 0)
		pit_schedule(dev);
}

static void channel_write(struct device *dev, unsigned int index, uint8_t value)
{
	struct pit *pit = device_state(dev);
	struct pit_channel *c = &pit->channel[index];

	if (c->access == ACCESS_LOW) {
		channel_load(dev, index, value);
	} else if (c->access == ACCESS_HIGH) {
		channel_load(dev, index, (uint16_t)(value << 8));
	} else if (!c->write_high_next) {
		c->write_low = value;
		c->write_high_next = true;
	} else {
		c->write_high_next = false;
		channel_load(dev, index, (uint16_t)(value << 8 | c->write_low));
	}
}

static uint8_t channel_read(struct device *dev, struct pit_channel *c)
{
	uint16_t count;
	bool high;

	if (c->status_latched) {
		c->status_latched = false;
		return c->latched_status;
	}
	count = c->count_latched ? c->latched_count : channel_count(dev, c);
	high = c->access == ACCESS_HIGH || (c->access == ACCESS_BOTH && c->read_high_next);
	if (c->access == ACCESS_BOTH)
		c->read_high_next = !c->read_high_next;
	if (c->access != ACCESS_BOTH || high)
		c->count_latched = false;
	return (uint8_t)(high ? count >> 8 : count);
}

static void channel_latch_count(struct device *dev, struct pit_channel *c)
{
	if (c->count_latched)
		return;
	c->latched_count = channel_count(dev, c);
	c->count_latched = true;
	c->read_high_next = false;
}

static void channel_latch_status(struct device *dev, struct pit_channel *c)
{
	if (c->status_latched)
		return;
	c->latched_status = (uint8_t)(channel_output(dev, c) << 7 | !c->armed << 6 | c->access << 4 | c->mode << 1 | c->bcd);
	c->status_latched = true;
}

static void pit_read_back(struct device *dev, uint8_t command)
{
	struct pit *pit = device_state(dev);

	for (unsigned int i = 0; i < 3; i++) {
		if (!(command & (2u << i)))
			continue;
		if (!(command & 0x20))
			channel_latch_count(dev, &pit->channel[i]);
		if (!(command & 0x10))
			channel_latch_status(dev, &pit->channel[i]);
	}
}

static void channel_set_mode(struct device *dev, unsigned int index, uint8_t command)
{
	struct pit *pit = device_state(dev);
	struct pit_channel *c = &pit->channel[index];
	bool gate = c->gate;
	uint8_t mode = command >> 1 & 7;

	memset(c, 0, sizeof(*c));
	c->gate = gate;
	c->access = command >> 4 & 3;
	c->mode = mode > 5 ? mode & 3 : mode;			/* 6 and 7 are 2 and 3 */
	c->bcd = command & 1;
	c->loaded_ns = machine_now_ns(dev->machine);
	if (index == 0)
		pit_schedule(dev);
}

static void pit_command(struct device *dev, uint8_t command)
{
	struct pit *pit = device_state(dev);
	unsigned int index = command >> 6;

	if (index == 3)
		pit_read_back(dev, command);
	else if ((command & 0x30) == 0)
		channel_latch_count(dev, &pit->channel[index]);
	else
		channel_set_mode(dev, index, command);
}

static uint32_t pit_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct pit *pit = device_state(dev);

	if (port == PORT_COMMAND)
		return port_float(size);
	return channel_read(dev, &pit->channel[port - PORT_CHANNEL0]);
}

static void pit_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	(void)size;
	if (port == PORT_COMMAND)
		pit_command(dev, (uint8_t)value);
	else
		channel_write(dev, port - PORT_CHANNEL0, (uint8_t)value);
}

static uint32_t control_b_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct pit *pit = device_state(dev);

	(void)port;
	(void)size;
	pit->control_b ^= CONTROL_REFRESH;		/* toggles with every refresh; software only waits for changes */
	return pit->control_b | (channel_output(dev, &pit->channel[2]) ? CONTROL_OUT2 : 0);
}

static void control_b_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct pit *pit = device_state(dev);
	struct pit_channel *c = &pit->channel[2];
	bool gate = value & CONTROL_GATE2;

	(void)port;
	(void)size;
	if (gate && !c->gate && c->armed)		/* a rising gate restarts modes 1, 2, 3, 5; mode 0 waited for it */
		c->loaded_ns = machine_now_ns(dev->machine);
	c->gate = gate;
	pit->control_b = (pit->control_b & ~(CONTROL_GATE2 | CONTROL_SPEAKER)) | (value & (CONTROL_GATE2 | CONTROL_SPEAKER));
}

static int pit_init(struct device *dev)
{
	struct pit *pit = device_state(dev);

	pit->timer = device_timer_new(dev, pit_fire);
	return pit->timer ? 0 : -ENOMEM;
}

static void pit_reset(struct device *dev)
{
	struct pit *pit = device_state(dev);

	device_timer_arm(pit->timer, 0);
	memset(pit->channel, 0, sizeof(pit->channel));
	pit->control_b = 0;
	for (unsigned int i = 0; i < 3; i++) {
		pit->channel[i].access = ACCESS_BOTH;
		pit->channel[i].gate = i != 2;
	}
}

static void channel_state(struct pit_channel *c, struct state *s)
{
	bool *const flags[] = { &c->bcd, &c->gate, &c->armed, &c->write_high_next, &c->read_high_next, &c->count_latched, &c->status_latched };

	state_u16(s, &c->reload);
	state_u64(s, &c->loaded_ns);
	state_u8(s, &c->mode);
	state_u8(s, &c->access);
	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		state_bool(s, flags[i]);
	state_u8(s, &c->write_low);
	state_u16(s, &c->latched_count);
	state_u8(s, &c->latched_status);
}

static void pit_state(struct device *dev, struct state *s)
{
	struct pit *pit = device_state(dev);
	bool armed = device_timer_armed(pit->timer);

	for (unsigned int i = 0; i < 3; i++)
		channel_state(&pit->channel[i], s);
	state_u64(s, &pit->next_irq_ns);
	state_bool(s, &armed);			/* a one-shot that has fired is not */
	state_u8(s, &pit->control_b);
	if (state_loading(s))
		device_timer_arm(pit->timer, armed ? pit->next_irq_ns : 0);
}

const struct device_model pit_model = {
	.name = "pit", .state_size = sizeof(struct pit), .state_version = 1,
	.ports = {
		{ PORT_CHANNEL0, 4, pit_port_read, pit_port_write, NULL, NULL },
		{ PORT_CONTROL_B, 1, control_b_read, control_b_write, NULL, NULL },
	},
	.init = pit_init, .reset = pit_reset, .state = pit_state,
};
