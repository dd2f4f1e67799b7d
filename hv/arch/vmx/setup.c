/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a VMCS that stays: hv's own state, to which every exit returns, and what exits (Intel SDM 3, 25.6 to 25.8). The root
 * takes its interrupts itself and has nearly all its MSRs and all ports; a child has next to nothing without an exit.
 */
#include <arch/vmx/vmx.h>
#include <arch/x86/machine.h>
#include <hv/partition.h>
#include <hv/pool.h>

#define PIN_ALL		(PIN_NMI_EXIT | PIN_VIRTUAL_NMIS)
#define PIN_CHILD	PIN_INTERRUPT_EXIT
#define CPU_ALL		(CPU_TSC_OFFSET | CPU_MSR_BITMAP | CPU_SECONDARY)
#define CPU_CHILD	(CPU_HLT_EXIT | CPU_MWAIT_EXIT | CPU_RDPMC_EXIT | CPU_TPR_SHADOW | CPU_IO_EXIT | CPU_MONITOR_EXIT)
#define CPU2_ALL	(CPU2_EPT | CPU2_RDTSCP | CPU2_VPID | CPU2_UNRESTRICTED | CPU2_INVPCID | CPU2_XSAVES)
#define CPU2_ROOT	CPU2_USER_WAIT
#define CPU2_CHILD	CPU2_WBINVD_EXIT
#define EXIT_ALL	(EXIT_SAVE_DEBUG | EXIT_HOST_64 | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER | EXIT_LOAD_EFER)
#define ENTRY_ALL	(ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER)

#define HV_CS		0x08
#define HV_DS		0x10
#define HV_TR		0x18		/* any but 0; an exit does not read the GDT, and hv uses no TSS */

extern const char vmx_left[];

static bool is_root(const struct vp *vp)
{
	return partition_is_root(vp->partition);
}

static uint32_t adjust(struct vmx_control c, uint32_t wanted)
{
	return (wanted & c.may) | c.must;
}

uint32_t vmx_pin_controls(const struct vp *vp, uint32_t extra)
{
	return adjust(vmx_features.pin, PIN_ALL | (is_root(vp) ? 0 : PIN_CHILD) | extra);
}

uint32_t vmx_cpu_controls(const struct vp *vp, uint32_t extra)
{
	return adjust(vmx_features.cpu, CPU_ALL | (is_root(vp) ? 0 : CPU_CHILD) | extra);
}

uint32_t vmx_entry_controls(uint32_t extra)
{
	return adjust(vmx_features.entry, ENTRY_ALL | extra);
}

static uint64_t table_base(bool idt)
{
	struct { uint16_t limit; uint64_t base; } __packed table;

	if (idt)
		asm volatile("sidt %0" : "=m"(table));
	else
		asm volatile("sgdt %0" : "=m"(table));
	return table.base;
}

static void prepare_host(void)
{
	static const enum vmcs_field data[] = { VMCS_HOST_ES, VMCS_HOST_SS, VMCS_HOST_DS };

	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		vmcs_write(data[i], HV_DS);
	vmcs_write(VMCS_HOST_CS, HV_CS);
	vmcs_write(VMCS_HOST_TR, HV_TR);
	vmcs_write(VMCS_HOST_GDTR_BASE, table_base(false));
	vmcs_write(VMCS_HOST_IDTR_BASE, table_base(true));
	vmcs_write(VMCS_HOST_CR0, read_cr0());
	vmcs_write(VMCS_HOST_CR3, paging_root);
	vmcs_write(VMCS_HOST_CR4, read_cr4());
	vmcs_write(VMCS_HOST_EFER, rdmsr(MSR_EFER));
	vmcs_write(VMCS_HOST_PAT, PAT_RESET);
	vmcs_write(VMCS_HOST_RIP, (uintptr_t)vmx_left);
}

static void prepare_exits(struct vp *vp)
{
	vmcs_write(VMCS_CPU_CONTROLS2, adjust(vmx_features.cpu2, CPU2_ALL | (is_root(vp) ? CPU2_ROOT : CPU2_CHILD)));
	vmcs_write(VMCS_EXIT_CONTROLS, adjust(vmx_features.exit, EXIT_ALL));
	vmcs_write(VMCS_EXCEPTIONS, is_root(vp) ? 0 : BIT(VECTOR_MC));
	vmcs_write(VMCS_MSR_BITMAP, vmx_msr_bitmap(is_root(vp)));
	vmcs_write(VMCS_CR0_MASK, cr0_mask(vp));
	vmcs_write(VMCS_CR4_MASK, cr4_mask());
	if (!is_root(vp))
		vmcs_write(VMCS_VIRTUAL_APIC, virt_to_spa(vmx_of(vp)->virtual_apic).addr);
}

void vmx_prepare_vmcs(struct vp *vp)
{
	prepare_host();
	prepare_exits(vp);
	vmcs_write(VMCS_EPTP, ept_pointer(vp));
	vmcs_write(VMCS_LINK, ~0ull);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmcs_write(VMCS_ENTRY_EVENT, 0);
}
