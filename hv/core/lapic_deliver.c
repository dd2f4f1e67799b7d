/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who an interrupt is for: physical and logical destinations, shorthands, lowest priority, and what each delivery mode
 * does to the target (SDM 3, 11.6). IPIs of the guest, HvCallAssertVirtualInterrupt and cluster IPIs end here.
 */
#include <abi/hv_hypercall.h>
#include <hv/lapic_internal.h>
#include <hv/partition.h>
#include <hv/vp.h>

#define XAPIC_BROADCAST		0xffull
#define X2APIC_BROADCAST	0xffffffffull

static bool matches_physical(const struct lapic *l, uint64_t destination)
{
	if (destination == X2APIC_BROADCAST || (destination == XAPIC_BROADCAST && !lapic_is_x2apic(l)))
		return true;
	return destination == l->reg[APIC_ID];
}

static bool matches_logical(const struct lapic *l, uint64_t destination)
{
	uint32_t own = l->reg[APIC_LDR] >> 24;

	if (destination == X2APIC_BROADCAST)
		return true;
	if (lapic_is_x2apic(l))			/* cluster in 31:16, one bit per member in 15:0 */
		return destination >> 16 == l->reg[APIC_LDR] >> 16 && (destination & l->reg[APIC_LDR] & 0xffff);
	if (l->reg[APIC_DFR] >> 28 == 0xf)		/* flat model */
		return own & destination & 0xff;
	return destination == XAPIC_BROADCAST || (own >> 4 == (destination >> 4 & 0xf) && (own & destination & 0xf));
}

/* Among several targets the one with the fewest obligations: SDM's arbitration, made deterministic. */
static bool better_target(const struct lapic *candidate, const struct lapic *best)
{
	return !best || (lapic_is_enabled(candidate) && candidate->reg[APIC_TPR] < best->reg[APIC_TPR]);
}

static void deliver_to(struct lapic *l, unsigned int type, uint8_t vector, bool level)
{
	switch (type) {
	case HV_INTERRUPT_FIXED:
	case HV_INTERRUPT_LOWEST_PRIORITY:
		if (lapic_is_enabled(l))
			lapic_post(l, vector, level);
		break;
	case HV_INTERRUPT_NMI:
		vp_assert_nmi(l->vp);
		break;
	case HV_INTERRUPT_INIT:
		vp_assert_init(l->vp);
		break;
	case HV_INTERRUPT_SIPI:
		vp_assert_sipi(l->vp, vector);
		break;
	case HV_INTERRUPT_EXTINT:
		vp_assert_extint(l->vp, vector);
		break;
	}
}

/* LINT0 and LINT1 as pins: what the LVT says happens (virtual wire, NMI button). */
static void deliver_lint(struct lapic *l, unsigned int type, uint8_t vector)
{
	uint32_t lvt = l->reg[type == HV_INTERRUPT_LINT0 ? APIC_LVT_LINT0 : APIC_LVT_LINT1];

	if (lvt & LVT_MASKED)
		return;
	deliver_to(l, LVT_MODE(lvt), LVT_MODE(lvt) == HV_INTERRUPT_EXTINT ? vector : (uint8_t)lvt, false);
}

bool lapic_deliver(struct partition *p, unsigned int type, uint32_t vector, uint64_t destination, bool logical, bool level)
{
	struct lapic *lowest = NULL;
	bool found = false;

	for (uint32_t i = 0; i < HV_MAX_VPS; i++) {
		struct lapic *l = p->vps[i] ? p->vps[i]->lapic : NULL;

		if (!l || !(logical ? matches_logical(l, destination) : matches_physical(l, destination)))
			continue;
		found = true;
		if (type == HV_INTERRUPT_LOWEST_PRIORITY)
			lowest = better_target(l, lowest) ? l : lowest;
		else if (type == HV_INTERRUPT_LINT0 || type == HV_INTERRUPT_LINT1)
			deliver_lint(l, type, (uint8_t)vector);
		else
			deliver_to(l, type, (uint8_t)vector, level);
	}
	if (lowest)
		deliver_to(lowest, type, (uint8_t)vector, level);
	return found;
}

static void send_shorthand(struct lapic *from, unsigned int type, uint8_t vector, bool self)
{
	struct partition *p = from->vp->partition;

	for (uint32_t i = 0; i < HV_MAX_VPS; i++)
		if (p->vps[i] && p->vps[i]->lapic && (self || p->vps[i] != from->vp))
			deliver_to(p->vps[i]->lapic, type, vector, false);
}

void lapic_send_ipi(struct lapic *from, uint32_t icr, uint64_t destination)
{
	unsigned int type = LVT_MODE(icr);
	uint8_t vector = (uint8_t)icr;

	from->vp->stats[STAT_IPIS]++;
	if (type == HV_INTERRUPT_INIT && (icr & ICR_LEVEL) && !(icr & ICR_ASSERT))
		return;				/* INIT de-assert: no effect since the Pentium 4 */
	if (type <= HV_INTERRUPT_LOWEST_PRIORITY && vector < 16) {
		from->reg[APIC_ERRORS] |= 1u << 5;	/* send illegal vector */
		return;
	}
	switch (ICR_SHORTHAND(icr)) {
	case 0:
		lapic_deliver(from->vp->partition, type, vector, destination, icr & ICR_LOGICAL, false);
		break;
	case 1:
		deliver_to(from, type, vector, false);
		break;
	default:
		send_shorthand(from, type, vector, ICR_SHORTHAND(icr) == 2);
	}
}
