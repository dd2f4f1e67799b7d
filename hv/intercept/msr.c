/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child's MSRs (hv keeps all of them, hv-abi.md 7.2): synthetic, local APIC, kept, the back end's, and a table of constants
 * that guests read to look around. What is left faults, or does as partition property UNIMPLEMENTED_MSR_ACTION says.
 */
#include <abi/hv_status.h>
#include <hv/cpuid_model.h>
#include <hv/deadline.h>
#include <hv/intercept.h>
#include <hv/lapic.h>
#include <hv/lapic_internal.h>
#include <hv/message.h>
#include <hv/partition.h>
#include <hv/root.h>
#include <hv/synic.h>
#include <hv/synthetic_msr.h>
#include <hv/vp_timers.h>

#define VECTOR_GP		13
#define ACCESS_READ		1u	/* of HvCallInstallIntercept's masks */
#define ACCESS_WRITE		2u
#define MSR_TSC			0x10u
#define MSR_APIC_BASE		0x1bu
#define MSR_TSC_DEADLINE	0x6e0u
#define MSR_EFER		0xc0000080u
#define EFER_WRITABLE		0x4d01ull	/* SCE, LME, NXE, FFXSR; LMA is the CPU's */
#define EFER_LME		BIT(8)
#define EFER_LMA		BIT(10)
#define CR0_PG			BIT(31)

/* MSRs that are a register of the vendor back end. */
static const struct { uint32_t msr, name; } vendor_msrs[] = {
	{ 0x174, HV_X64_REGISTER_SYSENTER_CS }, { 0x175, HV_X64_REGISTER_SYSENTER_ESP },
	{ 0x176, HV_X64_REGISTER_SYSENTER_EIP }, { 0x277, HV_X64_REGISTER_PAT }, { MSR_EFER, HV_X64_REGISTER_EFER },
	{ 0xc0000081, HV_X64_REGISTER_STAR }, { 0xc0000082, HV_X64_REGISTER_LSTAR },
	{ 0xc0000083, HV_X64_REGISTER_CSTAR }, { 0xc0000084, HV_X64_REGISTER_SFMASK },
	{ 0xc0000102, HV_X64_REGISTER_KERNEL_GS_BASE }, { 0xc0000103, HV_X64_REGISTER_TSC_AUX },
	{ MSR_TSC, HV_X64_REGISTER_TSC },
};

/* Read-only answers; writes are ignored. Ranges for banks of the same kind. */
static const struct { uint32_t first, last; uint64_t value; } constants[] = {
	{ 0x00000017, 0x00000017, 0 },			/* PLATFORM_ID */
	{ 0x0000002a, 0x0000002a, 0 },			/* EBL_CR_POWERON */
	{ 0x0000003a, 0x0000003a, 1 },			/* FEATURE_CONTROL: locked, VMX off */
	{ 0x00000079, 0x00000079, 0 },			/* microcode update trigger */
	{ 0x0000008b, 0x0000008b, 0x01000065 },		/* microcode revision */
	{ 0x000000c1, 0x000000c8, 0 },			/* performance counters */
	{ 0x000000cd, 0x000000ce, 0 },			/* bus frequency, platform information */
	{ 0x000000fe, 0x000000fe, MTRR_VARIABLE | BIT(8) | BIT(10) },
	{ 0x00000179, 0x0000017b, 0 },			/* no machine check banks */
	{ 0x00000186, 0x0000018d, 0 },			/* performance event selects */
	{ 0x00000198, 0x0000019c, 0 },			/* performance and thermal status */
	{ 0x000001a2, 0x000001a2, 0 },			/* temperature target */
	{ 0x000001d9, 0x000001de, 0 },			/* debug control, last branch */
	{ 0x000001fc, 0x000001fc, 0 },			/* POWER_CTL */
	{ 0x00000400, 0x0000047f, 0 },			/* machine check banks */
	{ 0x00000606, 0x0000065f, 0 },			/* energy counters */
	{ 0xc0010000, 0xc0010007, 0 },			/* K7 performance */
	{ 0xc0010010, 0xc0010010, 0 },			/* SYSCFG */
	{ 0xc0010015, 0xc0010015, 0x01000000 },		/* HWCR: TscFreqSel, as P0 */
	{ 0xc001001a, 0xc001001a, 0 }, { 0xc001001d, 0xc001001d, 0 },	/* TOP_MEM, TOP_MEM2 */
	{ 0xc001001f, 0xc001001f, 0 },			/* NB_CFG */
	{ 0xc0010055, 0xc0010055, 0 },			/* interrupt pending message */
	{ 0xc0010058, 0xc0010058, 0 },			/* MMIO configuration base */
	{ 0xc0010061, 0xc0010064, 0 },			/* P-states */
	{ 0xc0010111, 0xc0010117, 0 },			/* SMM base, VM_CR, VM_HSAVE_PA */
	{ 0xc0010140, 0xc0010141, 0 },			/* OSVW: no errata */
	{ 0xc0010200, 0xc001020b, 0 },			/* core performance counters */
	{ 0xc0011020, 0xc001102f, 0 },			/* load-store, decode and cache configuration */
};

static bool constant_msr(uint32_t msr, uint64_t *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(constants); i++)
		if (msr >= constants[i].first && msr <= constants[i].last) {
			*value = constants[i].value;
			return true;
		}
	return false;
}

static bool vendor_msr(uint32_t msr, uint32_t *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(vendor_msrs); i++)
		if (vendor_msrs[i].msr == msr) {
			*name = vendor_msrs[i].name;
			return true;
		}
	return false;
}

static bool is_x2apic_msr(uint32_t msr)
{
	return msr >= MSR_X2APIC_BASE && msr < MSR_X2APIC_BASE + 0x100;
}

enum msr_result { MSR_DONE, MSR_FAULT, MSR_UNKNOWN };

static enum msr_result child_read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	uint64_t *slot;
	uint32_t name;

	if (MSR_IS_SYNTHETIC(msr))
		return synthetic_msr_read(vp, msr, value) ? MSR_DONE : MSR_UNKNOWN;
	if (is_x2apic_msr(msr))
		return lapic_msr_read(vp->lapic, msr, value) == LAPIC_OK ? MSR_DONE : MSR_FAULT;
	if (msr == MSR_APIC_BASE)
		*value = vp->lapic->base;
	else if (msr == MSR_TSC_DEADLINE)
		*value = vp->lapic->tsc_deadline;
	else if (vendor_msr(msr, &name))
		*value = vp_register64(vp, name);
	else if (vp_msr_slot(vp, msr, &slot))
		*value = *slot;
	else if (!constant_msr(msr, value))
		return MSR_UNKNOWN;
	return MSR_DONE;
}

/* x2APIC mode is there if CPUID says so, which is the VMM's choice. */
static enum msr_result write_apic_base(struct vp *vp, uint64_t value)
{
	struct hv_cpuid_values v;

	if (value & LAPIC_BASE_X2APIC) {
		cpuid_for_vp(vp, 1, 0, &v);
		if (!(v.ecx & BIT(21)))
			return MSR_FAULT;
	}
	return lapic_set_base(vp->lapic, value) ? MSR_DONE : MSR_FAULT;
}

static enum msr_result write_efer(struct vp *vp, uint64_t value)
{
	uint64_t old = vp_register64(vp, HV_X64_REGISTER_EFER);
	union hv_register_value v = { .reg64 = (value & ~EFER_LMA) | (old & EFER_LMA) };

	if ((value & ~EFER_WRITABLE) || (((old ^ value) & EFER_LME) && (vp_register64(vp, HV_X64_REGISTER_CR0) & CR0_PG)))
		return MSR_FAULT;
	vcpu_set_register(vp, HV_X64_REGISTER_EFER, &v);
	return MSR_DONE;
}

static enum msr_result write_tsc_deadline(struct vp *vp, uint64_t value)
{
	if (LVT_TIMER_MODE(vp->lapic->reg[APIC_LVT_TIMER]) == LVT_TIMER_DEADLINE) {
		vp->lapic->tsc_deadline = value;
		vp_timers_changed(vp);
	}
	return MSR_DONE;
}

/* Types 2, 3 and above 6 are reserved in MTRRs and in the PAT (which also has 7). */
static bool memory_types_valid(uint64_t value)
{
	for (unsigned int i = 0; i < 64; i += 8) {
		uint64_t type = value >> i & 0xff;

		if (type == 2 || type == 3 || type > 7)
			return false;
	}
	return true;
}

static enum msr_result write_vendor(struct vp *vp, uint32_t msr, uint32_t name, uint64_t value)
{
	union hv_register_value v = { .reg64 = value };

	if (msr == MSR_EFER)
		return write_efer(vp, value);
	if (name == HV_X64_REGISTER_PAT && !memory_types_valid(value))
		return MSR_FAULT;
	vcpu_set_register(vp, name, &v);
	if (msr == MSR_TSC)
		vp_tsc_changed(vp);
	return MSR_DONE;
}

static enum msr_result child_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	uint64_t *slot, ignored;
	uint32_t name;

	if (MSR_IS_SYNTHETIC(msr))
		return synthetic_msr_write(vp, msr, value) ? MSR_DONE : MSR_UNKNOWN;
	if (msr == MSR_APIC_BASE)
		return write_apic_base(vp, value);
	if (msr == MSR_TSC_DEADLINE)
		return write_tsc_deadline(vp, value);
	if (vendor_msr(msr, &name))
		return write_vendor(vp, msr, name, value);
	if (vp_msr_slot(vp, msr, &slot))
		*slot = value;
	else if (!constant_msr(msr, &ignored))
		return MSR_UNKNOWN;
	return MSR_DONE;
}

static enum vp_next fault(struct vp *vp)
{
	vcpu_inject_exception(vp, VECTOR_GP, true, 0);
	return VP_RESUME;
}

/* An unknown MSR: the VMM's, if it asked for them; else as the partition property says. */
static enum vp_next unknown(struct vp *vp, uint32_t msr, bool write, bool *ignore)
{
	const struct partition *p = vp->partition;

	*ignore = p->unimplemented_msr_action == HV_UNIMPLEMENTED_MSR_IGNORE;
	if (p->intercepts[HV_INTERCEPT_MSR] & (write ? ACCESS_WRITE : ACCESS_READ)) {
		*ignore = false;
		return message_msr(vp, msr, write);
	}
	return *ignore ? VP_RESUME : fault(vp);
}

/* MSRs the VMM wants to see by number whatever hv would do with them (a crash report, for one: CRASH_CTL). */
static bool vmm_wants(const struct partition *p, uint32_t msr, uint32_t access)
{
	if (!(p->intercepts[HV_INTERCEPT_MSR_INDEX] & access))
		return false;
	for (unsigned int i = 0; i < MSR_INTERCEPTS; i++)
		if ((p->msr_intercepts[i].access & access) && p->msr_intercepts[i].msr == msr)
			return true;
	return false;
}

static void complete_read(struct vp *vp, uint64_t value)
{
	vp->gprs.rax = (uint32_t)value;
	vp->gprs.rdx = value >> 32;
	vcpu_skip_instruction(vp);
}

static bool root_reads(struct vp *vp, uint32_t msr, uint64_t *value)
{
	bool ok;

	spin_lock(&vp->partition->lock);
	ok = synthetic_msr_read(vp, msr, value);
	spin_unlock(&vp->partition->lock);
	return ok;
}

enum vp_next intercept_rdmsr(struct vp *vp, uint32_t msr)
{
	enum msr_result result;
	enum vp_next next;
	uint64_t value = 0;
	bool ignore;

	vp->stats[STAT_MSR]++;
	if (partition_is_root(vp->partition)) {
		if (!MSR_IS_SYNTHETIC(msr))
			return root_rdmsr(vp, msr);
		result = root_reads(vp, msr, &value) ? MSR_DONE : MSR_FAULT;
	} else if (vmm_wants(vp->partition, msr, ACCESS_READ)) {
		return message_msr(vp, msr, false);
	} else {
		spin_lock(&vp->partition->lock);
		result = child_read(vp, msr, &value);
		spin_unlock(&vp->partition->lock);
	}
	if (result == MSR_FAULT)
		return fault(vp);
	if (result == MSR_UNKNOWN) {
		next = unknown(vp, msr, false, &ignore);
		if (!ignore)
			return next;
	}
	complete_read(vp, value);
	return VP_RESUME;
}

static bool root_writes(struct vp *vp, uint32_t msr, uint64_t value)
{
	bool ok;

	spin_lock(&vp->partition->lock);
	ok = synthetic_msr_write(vp, msr, value);
	spin_unlock(&vp->partition->lock);
	return ok;
}

static bool is_apic_msr(struct vp *vp, uint32_t msr)
{
	return is_x2apic_msr(msr) || (msr == HV_X64_MSR_EOI && (vp->partition->privileges & HV_PRIV_INTR_CTRL));
}

/* The end of a level interrupt is the VMM's IOAPIC's business. The write itself is complete when the message goes. */
static enum vp_next write_apic(struct vp *vp, uint32_t msr, uint64_t value)
{
	enum lapic_result result;
	uint8_t vector = 0;

	spin_lock(&vp->partition->lock);
	result = msr == HV_X64_MSR_EOI ? lapic_eoi(vp->lapic, &vector) : lapic_msr_write(vp->lapic, msr, value, &vector);
	if (msr == HV_X64_MSR_EOI || msr == MSR_X2APIC_BASE + APIC_EOI)
		synic_rescan(vp->synic);
	spin_unlock(&vp->partition->lock);
	if (result == LAPIC_FAULT)
		return fault(vp);
	vcpu_skip_instruction(vp);
	return result == LAPIC_EOI_INTERCEPT ? message_apic_eoi(vp, vector) : VP_RESUME;
}

enum vp_next intercept_wrmsr(struct vp *vp, uint32_t msr, uint64_t value)
{
	enum msr_result result;
	enum vp_next next;
	bool ignore;

	vp->stats[STAT_MSR]++;
	if (partition_is_root(vp->partition)) {
		if (!MSR_IS_SYNTHETIC(msr))
			return root_wrmsr(vp, msr, value);
		result = root_writes(vp, msr, value) ? MSR_DONE : MSR_FAULT;
	} else if (vmm_wants(vp->partition, msr, ACCESS_WRITE)) {
		return message_msr(vp, msr, true);
	} else if (is_apic_msr(vp, msr)) {
		return write_apic(vp, msr, value);
	} else {
		spin_lock(&vp->partition->lock);
		result = child_write(vp, msr, value);
		spin_unlock(&vp->partition->lock);
	}
	if (result == MSR_FAULT)
		return fault(vp);
	if (result == MSR_UNKNOWN) {
		next = unknown(vp, msr, true, &ignore);
		if (!ignore)
			return next;
	}
	if (msr == HV_X64_MSR_RESET && (value & 1))
		return message_unrecoverable(vp);	/* what VMMs reset for; there is no message of its own */
	vcpu_skip_instruction(vp);
	return VP_RESUME;
}
