/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the virtual local APIC, and by who knows its registers' bits. */
#ifndef HV_LAPIC_INTERNAL_H
#define HV_LAPIC_INTERNAL_H

#include <hv/lapic.h>

#define MSR_X2APIC_BASE		0x800u
#define LAPIC_VERSION		0x00060015u	/* integrated, seven LVT entries */
#define LAPIC_DEFAULT_BASE	0xfee00000ull
#define LAPIC_BASE_BSP		BIT(8)
#define LAPIC_BASE_X2APIC	BIT(10)
#define LAPIC_BASE_ENABLE	LAPIC_GLOBAL_ENABLE
#define LAPIC_BASE_ADDRESS	0x000ffffffffff000ull
#define LAPIC_BASE_WRITABLE	(LAPIC_BASE_ADDRESS | LAPIC_BASE_BSP | LAPIC_BASE_X2APIC | LAPIC_BASE_ENABLE)

#define SVR_ENABLE		BIT(8)
#define LVT_MASKED		0x10000u
#define LVT_MODE(lvt)		((lvt) >> 8 & 7)
#define LVT_TIMER_MODE(lvt)	((lvt) >> 17 & 3)
#define LVT_TIMER_PERIODIC	1u
#define LVT_TIMER_DEADLINE	2u

#define ICR_PENDING		BIT(12)
#define ICR_ASSERT		BIT(14)
#define ICR_LEVEL		BIT(15)
#define ICR_LOGICAL		BIT(11)
#define ICR_SHORTHAND(icr)	((icr) >> 18 & 3)

static inline bool lapic_is_x2apic(const struct lapic *l)
{
	return (l->base & LAPIC_BASE_X2APIC) != 0;
}

static inline bool lapic_is_enabled(const struct lapic *l)
{
	return (l->base & LAPIC_BASE_ENABLE) && (l->reg[APIC_SVR] & SVR_ENABLE);
}

static inline uint64_t lapic_icr(const struct lapic *l)
{
	return l->reg[APIC_ICR] | (uint64_t)l->reg[APIC_ICR_HIGH] << 32;
}

/* lapic_deliver.c */
void lapic_send_ipi(struct lapic *from, uint32_t icr, uint64_t destination);

/* lapic_timer.c */
void lapic_timer_start(struct lapic *l, uint32_t count);
void lapic_timer_stop(struct lapic *l);
uint32_t lapic_timer_count(const struct lapic *l);
void lapic_timer_restore(struct lapic *l, uint32_t initial, uint32_t current);

#endif
