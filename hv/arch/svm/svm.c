/* SPDX-License-Identifier: Apache-2.0 */
/* SVM as a feature of the CPU: is it there, switching it on per LP, NMIs while GIF is 0 (AMD APM 2, 15.4 and 15.17). */
#include <arch/svm/npt.h>
#include <arch/svm/svm.h>
#include <boot/boot.h>
#include <hv/pool.h>

#define FEATURE_NPT		BIT(0)
#define FEATURE_NRIP		BIT(3)
#define FEATURE_FLUSH_BY_ASID	BIT(6)
#define FEATURE_DECODE_ASSISTS	BIT(7)
#define VM_CR_LOCK		BIT(3)
#define VM_CR_SVMDIS		BIT(4)
#define MSRPM_SIZE		8192

struct svm_features svm_features;
void svm_open_window(void);
void svm_halt(void);

static const char *missing_feature(void)
{
	if (cpuid(0x80000000, 0).eax < 0x8000000a || !(cpuid(0x80000001, 0).ecx & BIT(2)))
		return "its processor does not offer AMD-V (SVM). If it is an AMD processor, look for \"SVM Mode\" or "
		       "\"Virtualization\" in the firmware's settings.";
	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		return "AMD-V is switched off. Switch on \"SVM Mode\" (or \"Virtualization\") in the firmware's settings.";
	if (!(cpuid(0x8000000a, 0).edx & FEATURE_NPT))
		return "its processor has AMD-V but no nested paging (NPT); no firmware setting helps.";
	return NULL;
}

static void find_features(void)
{
	struct cpuid svm = cpuid(0x8000000a, 0);

	svm_features.nrip = svm.edx & FEATURE_NRIP;
	svm_features.decode_assists = svm.edx & FEATURE_DECODE_ASSISTS;
	svm_features.flush_by_asid = svm.edx & FEATURE_FLUSH_BY_ASID;
	svm_features.asids = svm.ebx;
	npt_init();
}

void svm_prepare_lp(struct lp *lp)
{
	struct svm_lp *v = boot_alloc_aligned(sizeof(*v), PAGE_SIZE);

	if (!svm_features.asids)
		find_features();
	v->host_save = boot_alloc_aligned(PAGE_SIZE, PAGE_SIZE);
	v->msrpm = boot_alloc_aligned(MSRPM_SIZE, PAGE_SIZE);
	switch_prepare_lp(&v->common);
	msrpm_init_root(v->msrpm);
	lp->vendor = &v->common;
}

/* From here on GIF is 0 in hv: what interrupts it waits for the guest, NMIs for a window. */
void svm_enable_lp(struct lp *lp)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, virt_to_spa(svm_lp(lp)->host_save).addr);
	asm volatile("clgi");
}

bool svm_nmi_window(void)
{
	uint32_t before = this_lp()->nmi_count;

	svm_open_window();
	return __atomic_load_n(&this_lp()->nmi_count, __ATOMIC_RELAXED) != before;
}

void svm_wait_for_kick(void)
{
	svm_halt();
	__atomic_store_n(&this_lp()->kick_pending, 0, __ATOMIC_SEQ_CST);
}

void svm_watch_root_timer(struct lp *lp, bool on)
{
	svm_lp(lp)->watch_timer = on;
	svm_lp(lp)->step_aside = false;
	msrpm_watch_timer(svm_lp(lp)->msrpm, on);
}

void svm_mask_root_cpuid(uint32_t leaf, uint32_t subleaf, struct cpuid *c)
{
	(void)subleaf;
	if (leaf == 0x80000001)
		c->ecx &= ~(uint32_t)BIT(2);
	if (leaf == 0x8000000a)
		*c = (struct cpuid){ 0 };
}

/* As a machine whose firmware switched SVM off: VM_CR says SVMDIS and locked. */
enum vcpu_msr svm_root_msr(uint32_t msr, uint64_t *value)
{
	*value = VM_CR_SVMDIS | VM_CR_LOCK;
	return msr == MSR_VM_CR ? VCPU_MSR_VALUE : msr == MSR_VM_HSAVE_PA ? VCPU_MSR_FAULTS : VCPU_MSR_NATIVE;
}

const struct vcpu_vendor svm_vendor = {
	.hypercall_instruction = { 0x0f, 0x01, 0xd9 },		/* VMMCALL */
	.missing_feature = missing_feature,
	VCPU_VENDOR_CALLS(VCPU_VENDOR_ROW_SVM)
};
