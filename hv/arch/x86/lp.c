/* SPDX-License-Identifier: Apache-2.0 */
/* The table of LPs, their stacks, and the kick: an NMI, the one thing that ends guest mode whatever the guest does. */
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <boot/boot.h>
#include <hv/console.h>
#include <hv/lp.h>
#include <hv/panic.h>

uint32_t lp_count;
static uint32_t lp_apic_ids[HV_MAX_LPS];
static struct lp *lps[HV_MAX_LPS];
static bool lps_known;

void lp_table_add(uint32_t apic_id)
{
	for (uint32_t i = 0; i < lp_count; i++)
		if (lp_apic_ids[i] == apic_id)
			return;
	if (lp_count == HV_MAX_LPS) {
		hv_log(LOG_ERROR, "the processor with APIC id %u stays unused: hv knows %u\n", apic_id, HV_MAX_LPS);
		return;
	}
	lp_apic_ids[lp_count++] = apic_id;
}

/* A stack of 16 KiB with a guard page below, in a 32 KiB block that is aligned like the stack. */
static struct lp *lp_allocate(uint32_t index)
{
	char *block = boot_alloc_aligned(2 * LP_STACK_SIZE, LP_STACK_SIZE);
	struct lp *lp = (struct lp *)(block + LP_STACK_SIZE);

	paging_hide(block + LP_STACK_SIZE - PAGE_SIZE);
	lp->index = index;
	lp->apic_id = lp_apic_ids[index];
	return lp;
}

void lp_allocate_all(void)
{
	for (uint32_t i = 0; i < lp_count; i++)
		lps[i] = lp_allocate(i);
}

struct lp *lp_get(uint32_t index)
{
	return index < lp_count ? lps[index] : NULL;
}

void *lp_stack_top(struct lp *lp)
{
	return (char *)lp + LP_STACK_SIZE;
}

void lp_stacks_in_use(void)
{
	lps_known = true;
}

bool machine_lps_known(void)
{
	return lps_known;
}

void machine_stop_other_lps(void)
{
	if (!lps_known)
		return;
	for (uint32_t i = 0; i < lp_count; i++)		/* they stay in hv: an NMI ends guest mode, panic ends the rest */
		if (lps[i] != this_lp())
			lp_kick(lps[i]);
}

void lp_kick(struct lp *lp)
{
	__atomic_store_n(&lp->kick_pending, 1, __ATOMIC_SEQ_CST);
	apic_send(lp->apic_id, APIC_ICR_NMI | (uint32_t)APIC_ICR_ASSERT);
}

void lp_kick_users_and_wait(const struct gpa_space *g)
{
	uint64_t users = 0;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* the removal, before we look who may still use it */
	for (uint32_t i = 0; i < lp_count; i++)
		users |= lps[i]->gpa_space == g ? BIT(i) : 0;
	lp_kick_and_wait(users);
}

void lp_kick_and_wait(uint64_t which)
{
	uint64_t seen[HV_MAX_LPS];

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < lp_count; i++) {
		seen[i] = __atomic_load_n(&lps[i]->world, __ATOMIC_SEQ_CST);
		if (lps[i] == this_lp() || seen[i] % 2 == 0 || !(which >> i & 1))
			seen[i] = 0;
		else
			lp_kick(lps[i]);
	}
	for (uint32_t i = 0; i < lp_count; i++)
		while (seen[i] && lps[i]->world == seen[i])
			cpu_pause();
}
