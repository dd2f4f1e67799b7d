/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partition reference time (TLFS, Partition Reference Time Enlightenment): 100 ns units, from the TSC by one multiplication,
 * so that the reference TSC page of a child gives the same answer as the MSR. Freezing stops it for save and pause.
 */
#include <abi/hv_synic.h>
#include <hv/deadline.h>
#include <hv/lapic.h>
#include <hv/partition.h>
#include <hv/vp.h>

#define REFERENCE_HZ	10000000ull

/* 2^64 * REFERENCE_HZ / tsc_hz; a CPU slower than 10 MHz does not exist, so the quotient fits. */
static uint64_t tsc_scale(void)
{
	uint64_t quotient, remainder;

	__asm__("divq %4" : "=a" (quotient), "=d" (remainder) : "a" (0ull), "d" (REFERENCE_HZ), "r" (tsc_hz));
	return quotient;
}

static uint64_t tsc_to_reference(uint64_t tsc)
{
	return (uint64_t)(((unsigned __int128)tsc * tsc_scale()) >> 64);
}

uint64_t partition_reference_time(const struct partition *p)
{
	return p->time_frozen ? p->frozen_time : tsc_to_reference(tsc_now()) + (uint64_t)p->reference_offset;
}

void partition_set_reference_time(struct partition *p, uint64_t time)
{
	p->frozen_time = time;
	p->reference_offset = (int64_t)(time - tsc_to_reference(tsc_now()));
	partition_write_tsc_page(p);
}

void partition_freeze_time(struct partition *p, bool freeze)
{
	if (p->time_frozen == freeze)
		return;
	if (freeze) {
		p->frozen_time = partition_reference_time(p);
		p->frozen_tsc = tsc_now();
	}
	p->time_frozen = freeze;
	for (uint32_t i = 0; i < HV_MAX_VPS && !freeze; i++)
		if (p->vps[i] && p->vps[i]->lapic) {
			lapic_timer_shift(p->vps[i]->lapic, tsc_now() - p->frozen_tsc);
			vp_kick(p->vps[i]);		/* its deadline may have passed unheard */
		}
	if (freeze)
		partition_write_tsc_page(p);
	else
		partition_set_reference_time(p, p->frozen_time);
}

/* The TSC at which reference time reaches `time`; the past is now, the far future is clamped (a timer re-checks). */
uint64_t reference_time_to_tsc(const struct partition *p, uint64_t time)
{
	uint64_t now = partition_reference_time(p), ahead, seconds;

	if (time <= now)
		return tsc_now();
	ahead = time - now;
	seconds = ahead / REFERENCE_HZ;
	if (seconds > 1000)
		return tsc_now() + 1000 * tsc_hz;
	return tsc_now() + seconds * tsc_hz + (ahead % REFERENCE_HZ) * tsc_hz / REFERENCE_HZ + 1;
}

/* The page counts in the guest's TSC, which a VMM may have moved, on all VPs alike. */
static int64_t page_offset(const struct partition *p)
{
	int64_t tsc_offset = p->vps[0] ? (int64_t)p->vps[0]->tsc_offset : 0;

	return p->reference_offset - (int64_t)(((__int128)tsc_offset * (__int128)tsc_scale()) >> 64);
}

/* TLFS: sequence 0 while the fields change and while the page is not to be used, as in a freeze. */
void partition_write_tsc_page(struct partition *p)
{
	volatile struct hv_reference_tsc_page *page = p->tsc_page.page;
	if (!p->tsc_page.active)
		return;
	page->sequence = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	page->scale = tsc_scale();
	page->offset = page_offset(p);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!p->time_frozen)
		page->sequence = p->tsc_sequence = p->tsc_sequence + 1 ? p->tsc_sequence + 1 : 1;
}
