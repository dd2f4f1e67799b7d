/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real INIT would take the LP away from hv, so INIT and SIPI of the root end here. The sender marks the INIT at once
 * and kicks, because its SIPIs follow before the target has noticed; a SIPI is kept while an INIT is pending or the target
 * waits. The target turns itself into a waiting one when it next leaves the guest (root-boot-notes.md section 4).
 */
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <arch/x86/timer.h>
#include <boot/boot.h>
#include <boot/root_startup.h>
#include <hv/lp.h>
#include <hv/vp.h>

/* lp->startup: changed atomically, by senders and by the LP itself. */
#define STARTUP_INIT		BIT(8)		/* marked by a sender, taken by the target */
#define STARTUP_WAITING		BIT(9)		/* for a SIPI; the target is in hv */
#define STARTUP_SIPI		BIT(10)		/* the low byte is the vector */

#define ICR_DESTINATION(icr)	((uint32_t)((icr) >> 32))
#define ICR_SHORTHAND(icr)	((unsigned int)((icr) >> 18) & 3)
#define ICR_LEVEL_TRIGGERED	BIT(15)
#define DELIVER_INIT		5u
#define DELIVER_SIPI		6u
#define TO_SELF			1u
#define TO_OTHERS		3u
#define EVERYONE		0xffffffffu

static void post_init(struct lp *lp)
{
	__atomic_fetch_or(&lp->startup, STARTUP_INIT, __ATOMIC_SEQ_CST);
	lp_kick(lp);
}

static void post_sipi(struct lp *lp, uint8_t vector)
{
	uint32_t old = __atomic_load_n(&lp->startup, __ATOMIC_SEQ_CST);

	do {
		if (!(old & (STARTUP_INIT | STARTUP_WAITING)) || (old & STARTUP_SIPI))
			return;
	} while (!__atomic_compare_exchange_n(&lp->startup, &old, old | STARTUP_SIPI | vector, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	lp_kick(lp);
}

static bool is_addressed(uint64_t icr, const struct lp *lp)
{
	unsigned int shorthand = ICR_SHORTHAND(icr);

	if (shorthand)
		return shorthand == TO_SELF ? lp == this_lp() : shorthand != TO_OTHERS || lp != this_lp();
	return ICR_DESTINATION(icr) == lp->apic_id || ICR_DESTINATION(icr) == EVERYONE;
}

static void post(struct lp *lp, uint64_t icr)
{
	if (APIC_ICR_DELIVERY(icr) == DELIVER_SIPI)
		post_sipi(lp, (uint8_t)icr);
	else if (!(icr & ICR_LEVEL_TRIGGERED) || (icr & APIC_ICR_ASSERT))	/* level de-assert does nothing */
		post_init(lp);
}

void root_startup_icr(uint64_t icr)
{
	unsigned int delivery = APIC_ICR_DELIVERY(icr);

	if (delivery != DELIVER_INIT && delivery != DELIVER_SIPI) {
		wrmsr(APIC_MSR_ICR, icr);
		return;
	}
	for (uint32_t i = 0; i < lp_count; i++)
		if (is_addressed(icr, lp_get(i)))
			post(lp_get(i), icr);
}

bool root_startup_pending(void)
{
	return __atomic_load_n(&this_lp()->startup, __ATOMIC_RELAXED) & STARTUP_INIT;
}

static void take_init(struct vp *vp)
{
	uint32_t *startup = &this_lp()->startup;

	__atomic_fetch_or(startup, STARTUP_WAITING, __ATOMIC_SEQ_CST);	/* before INIT goes: no SIPI may fall between */
	__atomic_fetch_and(startup, ~(uint32_t)STARTUP_INIT, __ATOMIC_SEQ_CST);
	vcpu_reset(vp);
	apic_reset();
	timer_root_reset();
}

/* Children's deadlines go on while the root has this LP off-line; then it must not sleep, no timer ends an NMI wait. */
static void wait_a_moment(void)
{
	if (!timer_poll(false))
		vcpu_wait_for_kick();
	else
		cpu_pause();
}

void root_startup_wait(struct vp *vp)
{
	uint32_t *startup = &this_lp()->startup;
	uint32_t now;

	while ((now = __atomic_load_n(startup, __ATOMIC_SEQ_CST)) & (STARTUP_INIT | STARTUP_WAITING)) {
		if (now & STARTUP_INIT) {
			take_init(vp);
		} else if (now & STARTUP_SIPI) {
			vcpu_start_at_sipi(vp, (uint8_t)now);
			__atomic_fetch_and(startup, ~(uint32_t)(STARTUP_WAITING | STARTUP_SIPI | 0xff), __ATOMIC_SEQ_CST);
		} else {
			wait_a_moment();
		}
	}
}

void root_startup_begin(void)
{
	__atomic_fetch_or(&this_lp()->startup, STARTUP_WAITING, __ATOMIC_SEQ_CST);
}
