/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the other LPs, one after the other, by INIT and SIPI (Intel SDM 3, 9.4.4); each ends up waiting for the root's SIPI. */
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <boot/boot.h>
#include <hv/console.h>
#include <hv/deadline.h>
#include <hv/lp.h>
#include <hv/string.h>
#include <hv/vcpu.h>

extern char trampoline_start[], trampoline_end[], trampoline_far[];
extern uint64_t trampoline_stack;
void ap_main(void);

static uint32_t lps_ready;

static void wait_us(uint64_t us)
{
	uint64_t end = rdtsc() + tsc_hz / 1000000 * us;

	while (rdtsc() < end)
		cpu_pause();
}

/* First C code of an AP, on its LP's stack, still under the boot page tables. */
void ap_main(void)
{
	paging_load();
	descriptors_load();
	apic_enable();
	vcpu_enable_lp(this_lp());
	__atomic_store_n(&lps_ready, this_lp()->index, __ATOMIC_RELEASE);
	root_startup_begin();
	root_run();
}

static bool lp_is_ready_within(struct lp *lp, uint64_t us)
{
	for (uint64_t i = 0; i < us; i += 100) {
		if (__atomic_load_n(&lps_ready, __ATOMIC_ACQUIRE) == lp->index)
			return true;
		wait_us(100);
	}
	return false;
}

static bool lp_start(struct lp *lp, uint64_t trampoline_spa)
{
	uint32_t sipi = APIC_ICR_SIPI | (uint32_t)APIC_ICR_ASSERT | (uint32_t)(trampoline_spa >> PAGE_SHIFT);

	trampoline_stack = (uintptr_t)lp_stack_top(lp);
	apic_send(lp->apic_id, APIC_ICR_INIT | (uint32_t)APIC_ICR_ASSERT);
	wait_us(10000);
	apic_send(lp->apic_id, sipi);
	if (lp_is_ready_within(lp, 1000))
		return true;
	apic_send(lp->apic_id, sipi);
	return lp_is_ready_within(lp, 1000000);
}

void smp_start_others(uint64_t trampoline_spa)
{
	memcpy(BOOT_DIRECT(trampoline_spa), trampoline_start, (size_t)(trampoline_end - trampoline_start));
	for (uint32_t i = 0; i < lp_count; i++)
		if (lp_get(i) != this_lp() && !lp_start(lp_get(i), trampoline_spa))
			hv_log(LOG_ERROR, "the processor with APIC id %u did not start\n", lp_get(i)->apic_id);
}
