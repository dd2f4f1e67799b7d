/* SPDX-License-Identifier: Apache-2.0 */
/* SVM as a feature of the CPU: is it there, switching it on per LP, NMIs while GIF is 0 (AMD APM 2, 15.4 and 15.17). */
#include <arch/svm/npt.h>
#include <arch/svm/svm.h>
#include <arch/x86/cpu.h>
#include <boot/boot.h>
#include <hv/pool.h>

const uint8_t vcpu_hypercall_instruction[3] = { 0x0f, 0x01, 0xd9 };		/* VMMCALL */

#define FEATURE_NPT		BIT(0)
#define FEATURE_NRIP		BIT(3)
#define FEATURE_FLUSH_BY_ASID	BIT(6)
#define FEATURE_DECODE_ASSISTS	BIT(7)
#define VM_CR_SVMDIS		BIT(4)
#define XCR0_LARGE		(BIT(17) | BIT(18))	/* AMX tiles: more than the page a child's state has */
#define XSAVE_MAX		(16 * 1024)
#define MSRPM_SIZE		8192

struct svm_features svm_features;
void svm_open_window(void);
void svm_halt(void);

const char *vcpu_missing_feature(void)
{
	if (cpuid(0x80000000, 0).eax < 0x8000000a || !(cpuid(0x80000001, 0).ecx & BIT(2)))
		return "its processor does not offer AMD-V (SVM). If it is an AMD processor, look for \"SVM Mode\" or "
		       "\"Virtualization\" in the firmware's settings.";
	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		return "AMD-V is switched off. Switch on \"SVM Mode\" (or \"Virtualization\") in the firmware's settings.";
	if (!(cpuid(0x8000000a, 0).edx & FEATURE_NPT))
		return "its processor has AMD-V but no nested paging (NPT); no firmware setting helps.";
	if (!(cpuid(1, 0).ecx & BIT(26)))
		return "its processor has no XSAVE; no firmware setting helps.";
	return NULL;
}

static void find_features(void)
{
	struct cpuid svm = cpuid(0x8000000a, 0), states = cpuid(0xd, 0);

	svm_features.nrip = svm.edx & FEATURE_NRIP;
	svm_features.decode_assists = svm.edx & FEATURE_DECODE_ASSISTS;
	svm_features.flush_by_asid = svm.edx & FEATURE_FLUSH_BY_ASID;
	svm_features.rdtscp = cpuid(0x80000001, 0).edx & BIT(27);
	svm_features.ibpb = cpuid(0x80000000, 0).eax >= 0x80000008 && (cpuid(0x80000008, 0).ebx & BIT(12));
	svm_features.asids = svm.ebx;
	svm_features.xcr0 = (states.eax | (uint64_t)states.edx << 32) & ~XCR0_LARGE;
	npt_init();
}

void vcpu_prepare_lp(struct lp *lp)
{
	struct lp_vendor *v = boot_alloc_aligned(sizeof(*v), PAGE_SIZE);

	if (!svm_features.asids)
		find_features();
	v->host_save = boot_alloc_aligned(PAGE_SIZE, PAGE_SIZE);
	v->msrpm = boot_alloc_aligned(MSRPM_SIZE, PAGE_SIZE);
	v->root_xsave = boot_alloc_aligned(XSAVE_MAX, PAGE_SIZE);
	v->asid_epoch = 1;
	v->asid_next = 2;
	msrpm_init_root(v->msrpm);
	lp->vendor = v;
}

/* From here on GIF is 0 in hv: what interrupts it waits for the guest, NMIs for a window. */
void vcpu_enable_lp(struct lp *lp)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, virt_to_spa(lp->vendor->host_save).addr);
	asm volatile("clgi");
}

bool svm_nmi_window(void)
{
	uint32_t before = this_lp()->nmi_count;

	svm_open_window();
	return __atomic_load_n(&this_lp()->nmi_count, __ATOMIC_RELAXED) != before;
}

void vcpu_wait_for_kick(void)
{
	svm_halt();
	__atomic_store_n(&this_lp()->kick_pending, 0, __ATOMIC_SEQ_CST);
}

void vcpu_watch_root_timer(struct lp *lp, bool on)
{
	lp->vendor->watch_timer = on;
	lp->vendor->step_aside = false;
	msrpm_watch_timer(lp->vendor->msrpm, on);
}
