/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual APIC timer: one-shot, periodic and TSC-deadline (SDM 3, 11.5.4). It is a TSC of expiry; nothing counts.
 * vp_timers.c arms hv's deadline for the earliest timer of a VP and polls this one when it fires or the VP is entered.
 */
#include <hv/deadline.h>
#include <hv/lapic_internal.h>
#include <hv/partition.h>
#include <hv/vp.h>
#include <hv/vp_timers.h>

/* 0b111 divides by 1, 0b000 by 2, ... 0b110 by 128; the code is bits 3, 1 and 0. */
static unsigned int divide_shift(const struct lapic *l)
{
	return (((l->reg[APIC_DIVIDE] & 3) | (l->reg[APIC_DIVIDE] >> 1 & 4)) + 1) & 7;
}

/* In kHz so that the largest count (2^39 input clocks) does not overflow. */
static uint64_t ticks_to_tsc(const struct lapic *l, uint64_t ticks)
{
	return (ticks << divide_shift(l)) * (tsc_hz / 1000) / (LAPIC_HZ / 1000);
}

static uint64_t tsc_to_ticks(const struct lapic *l, uint64_t tsc)
{
	return tsc * (LAPIC_HZ / 1000) / (tsc_hz / 1000) >> divide_shift(l);
}

/* Counting stands still while the partition's time is frozen. */
static uint64_t now_of(const struct lapic *l)
{
	const struct partition *p = l->vp->partition;

	return p->time_frozen ? p->frozen_tsc : tsc_now();
}

void lapic_timer_stop(struct lapic *l)
{
	l->timer_expiry = l->tsc_deadline = 0;
	l->reg[APIC_INITIAL_COUNT] = 0;
	vp_timers_changed(l->vp);
}

void lapic_timer_start(struct lapic *l, uint32_t count)
{
	if (LVT_TIMER_MODE(l->reg[APIC_LVT_TIMER]) == LVT_TIMER_DEADLINE)
		return;
	l->reg[APIC_INITIAL_COUNT] = count;
	l->timer_expiry = count ? now_of(l) + ticks_to_tsc(l, count) : 0;
	vp_timers_changed(l->vp);
}

void lapic_timer_restore(struct lapic *l, uint32_t initial, uint32_t current)
{
	l->reg[APIC_INITIAL_COUNT] = initial;
	l->timer_expiry = current ? now_of(l) + ticks_to_tsc(l, current) : 0;
	vp_timers_changed(l->vp);
}

uint32_t lapic_timer_count(const struct lapic *l)
{
	uint64_t now = now_of(l);

	if (LVT_TIMER_MODE(l->reg[APIC_LVT_TIMER]) == LVT_TIMER_DEADLINE || l->timer_expiry <= now)
		return 0;
	return (uint32_t)tsc_to_ticks(l, l->timer_expiry - now);
}

/* The MSR counts in the guest's TSC. */
uint64_t lapic_timer_deadline(const struct lapic *l)
{
	uint64_t offset;

	if (!l->tsc_deadline)
		return l->timer_expiry;
	offset = l->vp->tsc_offset;
	return l->tsc_deadline <= tsc_now() + offset ? 1 : l->tsc_deadline - offset;
}

/* After a freeze: what was left of the count then is left now. A TSC deadline is a point in time and stays one. */
void lapic_timer_shift(struct lapic *l, uint64_t ticks)
{
	if (l->timer_expiry)
		l->timer_expiry += ticks;
}

/* A periodic timer that fell behind does not owe the periods it missed: the next one counts from now. */
void lapic_timer_poll(struct lapic *l, uint64_t now)
{
	uint64_t deadline = lapic_timer_deadline(l), period;
	uint32_t lvt = l->reg[APIC_LVT_TIMER];

	if (!deadline || deadline > now)
		return;
	l->tsc_deadline = l->timer_expiry = 0;
	if (LVT_TIMER_MODE(lvt) == LVT_TIMER_PERIODIC && l->reg[APIC_INITIAL_COUNT]) {
		period = ticks_to_tsc(l, l->reg[APIC_INITIAL_COUNT]);
		l->timer_expiry = deadline + period > now ? deadline + period : now + period;
	}
	if (!(lvt & LVT_MASKED))
		lapic_post(l, (uint8_t)lvt, false);
}
