/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic MSRs that are not the SynIC's or the timers' own: identity, hypercall page, reference time, assist page, crash
 * report (hv-abi.md section 2). A child may use those its synthetic features grant; the root finds its pages pre-set.
 */
#include <abi/hv_cpuid.h>
#include <abi/hv_status.h>
#include <hv/cpuid_model.h>
#include <hv/lapic.h>
#include <hv/lapic_internal.h>
#include <hv/partition.h>
#include <hv/root.h>
#include <hv/string.h>
#include <hv/synic.h>
#include <hv/synthetic_msr.h>
#include <hv/vp.h>

#define CRASH_NOTIFY		BIT(63)

/* The root has everything but what its CPUID leaf does not offer; stimers are not (root-boot-notes.md section 9). */
static bool may_use(struct vp *vp, uint32_t msr)
{
	static const struct { uint32_t first, last; uint64_t privilege; } rows[] = {
		{ HV_X64_MSR_GUEST_OS_ID, HV_X64_MSR_HYPERCALL, HV_PRIV_HYPERCALL },
		{ HV_X64_MSR_VP_INDEX, HV_X64_MSR_VP_INDEX, HV_PRIV_VP_INDEX },
		{ HV_X64_MSR_RESET, HV_X64_MSR_RESET, HV_PRIV_RESET },
		{ HV_X64_MSR_VP_RUNTIME, HV_X64_MSR_VP_RUNTIME, HV_PRIV_VP_RUNTIME },
		{ HV_X64_MSR_TIME_REF_COUNT, HV_X64_MSR_TIME_REF_COUNT, HV_PRIV_TIME_REF_COUNT },
		{ HV_X64_MSR_REFERENCE_TSC, HV_X64_MSR_REFERENCE_TSC, HV_PRIV_REFERENCE_TSC },
		{ HV_X64_MSR_TSC_FREQUENCY, HV_X64_MSR_APIC_FREQUENCY, HV_PRIV_FREQUENCY_MSRS },
		{ HV_X64_MSR_EOI, HV_X64_MSR_VP_ASSIST_PAGE, HV_PRIV_INTR_CTRL },
		{ HV_X64_MSR_SCONTROL, HV_X64_MSR_SINT15, HV_PRIV_SYNIC },
		{ HV_X64_MSR_STIMER0_CONFIG, HV_X64_MSR_STIMER3_COUNT, HV_PRIV_STIMER },
		{ HV_X64_MSR_GUEST_IDLE, HV_X64_MSR_GUEST_IDLE, HV_PRIV_GUEST_IDLE },
		{ HV_X64_MSR_CRASH_P0, HV_X64_MSR_CRASH_CTL, HV_PRIV_HYPERCALL },
		{ HV_X64_MSR_TSC_INVARIANT_CONTROL, HV_X64_MSR_TSC_INVARIANT_CONTROL, HV_PRIV_TSC_INVARIANT },
	};

	if (partition_is_root(vp->partition))
		return msr != HV_X64_MSR_GUEST_IDLE && (msr < HV_X64_MSR_STIMER0_CONFIG || msr > HV_X64_MSR_STIMER3_COUNT);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (msr >= rows[i].first && msr <= rows[i].last)
			return vp->partition->privileges & rows[i].privilege;
	return false;
}

static uint64_t root_page_msr(struct vp *vp, enum root_page which, uint64_t enabled)
{
	return root_page_spa(which, vp->index).addr | (enabled & HV_MSR_PAGE_ENABLE);
}

static void fill_hypercall_page(void *page)
{
	static const uint8_t ret = 0xc3;

	memset(page, 0xcc, PAGE_SIZE);
	memcpy(page, vcpu_hypercall_instruction, sizeof(vcpu_hypercall_instruction));
	memcpy((char *)page + sizeof(vcpu_hypercall_instruction), &ret, 1);
}

static bool overlay_write(struct partition *p, struct gpa_overlay *o, uint64_t value)
{
	gpa_t gpa = { value & PAGE_MASK };

	if (!(value & HV_MSR_PAGE_ENABLE)) {
		gpa_overlay_hide(&p->gpa, o);
		return true;
	}
	if (o->active && o->gpa.addr == gpa.addr)
		return true;
	return gpa_overlay_show(&p->gpa, o, gpa) == HV_STATUS_SUCCESS;
}

/* Enabling without an OS id leaves the enable bit clear (TLFS, Establishing the Hypercall Interface). */
static bool hypercall_write(struct vp *vp, uint64_t value)
{
	struct partition *p = vp->partition;

	if (p->hypercall_msr & HV_MSR_HYPERCALL_LOCKED)
		return true;
	if (!p->guest_os_id)
		value &= ~HV_MSR_PAGE_ENABLE;
	if (partition_is_root(p)) {
		p->hypercall_msr = value & HV_MSR_PAGE_ENABLE;
		if (value & HV_MSR_PAGE_ENABLE)
			fill_hypercall_page(spa_to_virt(root_page_spa(ROOT_PAGE_HYPERCALL, 0)));
		return true;
	}
	fill_hypercall_page(p->hypercall_page.page);
	if (!overlay_write(p, &p->hypercall_page, value))
		return false;
	p->hypercall_msr = value;
	return true;
}

static bool os_id_write(struct vp *vp, uint64_t value)
{
	vp->partition->guest_os_id = value;
	if (!value)				/* disables the hypercall page, locked or not */
		vp->partition->hypercall_msr &= ~HV_MSR_HYPERCALL_LOCKED;
	return value || hypercall_write(vp, vp->partition->hypercall_msr & ~HV_MSR_PAGE_ENABLE);
}

static bool reference_tsc_write(struct vp *vp, uint64_t value)
{
	struct partition *p = vp->partition;

	if (partition_is_root(p)) {
		p->tsc_page.page = spa_to_virt(root_page_spa(ROOT_PAGE_REFERENCE_TSC, 0));
		p->tsc_page.active = value & HV_MSR_PAGE_ENABLE;
	} else if (!overlay_write(p, &p->tsc_page, value)) {
		return false;
	}
	p->reference_tsc_msr = value;
	partition_write_tsc_page(p);
	return true;
}

static bool assist_write(struct vp *vp, uint64_t value)
{
	if (partition_is_root(vp->partition)) {
		vp->vp_assist_msr = value & HV_MSR_PAGE_ENABLE;
		return true;
	}
	lapic_lazy_eoi_end(vp->lapic);
	if (!overlay_write(vp->partition, &vp->assist_page, value))
		return false;
	vp->vp_assist_msr = value;
	return true;
}

uint64_t vp_runtime_100ns(const struct vp *vp)
{
	return vp->runtime / (tsc_hz / 10000000);
}

static bool identity_read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	struct partition *p = vp->partition;
	bool root = partition_is_root(p);

	switch (msr) {
	case HV_X64_MSR_GUEST_OS_ID:	*value = p->guest_os_id; return true;
	case HV_X64_MSR_HYPERCALL:
		*value = root ? root_page_msr(vp, ROOT_PAGE_HYPERCALL, p->hypercall_msr) : p->hypercall_msr;
		return true;
	case HV_X64_MSR_VP_INDEX:	*value = vp->index; return true;
	case HV_X64_MSR_RESET:		*value = 0; return true;
	case HV_X64_MSR_VP_RUNTIME:	*value = vp_runtime_100ns(vp); return true;
	case HV_X64_MSR_TIME_REF_COUNT:	*value = partition_reference_time(p); return true;
	case HV_X64_MSR_REFERENCE_TSC:
		*value = root ? root_page_msr(vp, ROOT_PAGE_REFERENCE_TSC, p->reference_tsc_msr) : p->reference_tsc_msr;
		return true;
	case HV_X64_MSR_TSC_FREQUENCY:	*value = tsc_hz; return true;
	case HV_X64_MSR_APIC_FREQUENCY:	*value = root ? apic_hz : LAPIC_HZ; return true;
	case HV_X64_MSR_VP_ASSIST_PAGE:
		*value = root ? root_page_msr(vp, ROOT_PAGE_VP_ASSIST, vp->vp_assist_msr) : vp->vp_assist_msr;
		return true;
	case HV_X64_MSR_GUEST_IDLE:		/* TLFS, Virtual Processor Idle Sleep State: like HLT, whatever RFLAGS.IF is */
		*value = 0;
		vp->halted = vp->idle = true;
		vp_look_again(vp);
		return true;
	case HV_X64_MSR_CRASH_CTL:	*value = CRASH_NOTIFY; return true;
	case HV_X64_MSR_TSC_INVARIANT_CONTROL: *value = p->tsc_invariant_control; return true;
	}
	if (msr < HV_X64_MSR_CRASH_P0 || msr > HV_X64_MSR_CRASH_CTL)
		return false;
	*value = p->crash[msr - HV_X64_MSR_CRASH_P0];
	return true;
}

static bool identity_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	switch (msr) {
	case HV_X64_MSR_GUEST_OS_ID:	return os_id_write(vp, value);
	case HV_X64_MSR_HYPERCALL:	return hypercall_write(vp, value);
	case HV_X64_MSR_RESET:
		if ((value & 1) && partition_is_root(vp->partition))
			machine_reset();	/* a child's is its VMM's: intercept/msr.c */
		return true;
	case HV_X64_MSR_REFERENCE_TSC:	return reference_tsc_write(vp, value);
	case HV_X64_MSR_VP_ASSIST_PAGE:	return assist_write(vp, value);
	case HV_X64_MSR_TSC_INVARIANT_CONTROL:
		vp->partition->tsc_invariant_control = value & 1;
		return true;
	}
	if (msr < HV_X64_MSR_CRASH_P0 || msr > HV_X64_MSR_CRASH_CTL)
		return false;
	vp->partition->crash[msr - HV_X64_MSR_CRASH_P0] = value;
	return true;
}

/* ICR and TPR as MSRs reach the same APIC registers in either APIC mode. A write of EOI is intercept/msr.c's: it may end in a message. */
static bool apic_read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	if (!vp->lapic || msr == HV_X64_MSR_EOI)
		return false;
	*value = msr == HV_X64_MSR_TPR ? lapic_register(vp->lapic, APIC_TPR) : lapic_icr(vp->lapic);
	return true;
}

static bool apic_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	uint8_t vector = 0;

	if (!vp->lapic)
		return false;
	if (msr == HV_X64_MSR_TPR)
		lapic_mmio_write(vp->lapic, APIC_TPR * 16, (uint32_t)value, &vector);
	if (msr == HV_X64_MSR_ICR && lapic_is_x2apic(vp->lapic)) {
		lapic_msr_write(vp->lapic, MSR_X2APIC_BASE + APIC_ICR, value, &vector);
	} else if (msr == HV_X64_MSR_ICR) {
		lapic_mmio_write(vp->lapic, APIC_ICR_HIGH * 16, (uint32_t)(value >> 32), &vector);
		lapic_mmio_write(vp->lapic, APIC_ICR * 16, (uint32_t)value, &vector);
	}
	return true;
}

bool synthetic_msr_read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	if (!may_use(vp, msr))
		return false;
	if (msr >= HV_X64_MSR_EOI && msr <= HV_X64_MSR_TPR)
		return apic_read(vp, msr, value);
	if (msr >= HV_X64_MSR_SCONTROL && msr <= HV_X64_MSR_SINT15)
		return synic_read_msr(vp->synic, msr, value);
	if (msr >= HV_X64_MSR_STIMER0_CONFIG && msr <= HV_X64_MSR_STIMER3_COUNT)
		return stimer_read_msr(vp->synic, msr, value);
	return identity_read(vp, msr, value);
}

bool synthetic_msr_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	if (!may_use(vp, msr))
		return false;
	if (msr >= HV_X64_MSR_EOI && msr <= HV_X64_MSR_TPR)
		return apic_write(vp, msr, value);
	if (msr >= HV_X64_MSR_SCONTROL && msr <= HV_X64_MSR_SINT15)
		return synic_write_msr(vp->synic, msr, value);
	if (msr >= HV_X64_MSR_STIMER0_CONFIG && msr <= HV_X64_MSR_STIMER3_COUNT)
		return stimer_write_msr(vp->synic, msr, value);
	return identity_write(vp, msr, value);
}
