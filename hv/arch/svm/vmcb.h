/* SPDX-License-Identifier: Apache-2.0 */
/* The VMCB and its codes: AMD APM 2, appendix B and C. */
#ifndef HV_SVM_VMCB_H
#define HV_SVM_VMCB_H

#include <hv/types.h>

struct vmcb_segment {
	uint16_t selector, attributes;		/* 7:0 as in a descriptor's byte 5, 11:8 its AVL, L, D/B, G */
	uint32_t limit;
	uint64_t base;
};

struct vmcb {
	uint32_t intercept_cr, intercept_dr, intercept_exceptions, intercept1, intercept2, intercept3;
	uint8_t reserved0[0x3c - 0x18];
	uint16_t pause_threshold, pause_count;
	uint64_t iopm, msrpm, tsc_offset;
	uint32_t asid;
	uint8_t tlb_control, reserved1[3];
	uint64_t int_ctl, interrupt_shadow;
	uint64_t exit_code, exit_info1, exit_info2, exit_int_info;
	uint64_t np_enable, avic_bar, ghcb, event_inject, nested_cr3, lbr_enable;
	uint64_t clean, next_rip;
	uint8_t bytes_fetched, bytes[15];
	uint8_t reserved2[0x400 - 0xe0];

	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	uint8_t reserved3[0x4cb - 0x4a0];
	uint8_t cpl;
	uint8_t reserved4[4];
	uint64_t efer;
	uint8_t reserved5[0x548 - 0x4d8];
	uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
	uint8_t reserved6[0x5d8 - 0x580];
	uint64_t rsp, s_cet, ssp, isst, rax;
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip, cr2;
	uint8_t reserved7[0x668 - 0x648];
	uint64_t pat, debug_ctl;
	uint8_t reserved8[0x1000 - 0x678];
} __packed;
_Static_assert(sizeof(struct vmcb) == 4096 && offsetof(struct vmcb, int_ctl) == 0x60 && offsetof(struct vmcb, event_inject) == 0xa8 &&
	       offsetof(struct vmcb, cr4) == 0x548 && offsetof(struct vmcb, rax) == 0x5f8 && offsetof(struct vmcb, cr2) == 0x640, "APM 2, B");

#define INTERCEPT_WRITE_CR8	(1u << 24)
#define INTERCEPT_DR0_TO_DR3	0x000f000fu	/* reads, writes */
#define INTERCEPT1_INTR		(1u << 0)
#define INTERCEPT1_NMI		(1u << 1)
#define INTERCEPT1_VINTR	(1u << 4)
#define INTERCEPT1_RDPMC	(1u << 15)
#define INTERCEPT1_CPUID	(1u << 18)
#define INTERCEPT1_IRET		(1u << 20)
#define INTERCEPT1_INVD		(1u << 22)
#define INTERCEPT1_HLT		(1u << 24)
#define INTERCEPT1_INVLPGA	(1u << 26)
#define INTERCEPT1_IOIO		(1u << 27)
#define INTERCEPT1_MSR		(1u << 28)
#define INTERCEPT1_TASK_SWITCH	(1u << 29)
#define INTERCEPT1_SHUTDOWN	(1u << 31)
#define INTERCEPT2_VMRUN	(1u << 0)
#define INTERCEPT2_VMMCALL	(1u << 1)
#define INTERCEPT2_VMLOAD	(1u << 2)
#define INTERCEPT2_VMSAVE	(1u << 3)
#define INTERCEPT2_STGI		(1u << 4)
#define INTERCEPT2_CLGI		(1u << 5)
#define INTERCEPT2_SKINIT	(1u << 6)
#define INTERCEPT2_WBINVD	(1u << 9)
#define INTERCEPT2_MONITOR	(1u << 10)
#define INTERCEPT2_MWAIT	(1u << 11)
#define INTERCEPT2_MWAIT_ARMED	(1u << 12)
#define INTERCEPT2_XSETBV	(1u << 13)
#define INTERCEPT2_RDPRU	(1u << 14)

#define INT_CTL_TPR		0xfull		/* V_TPR is 8 bits wide, its low 4 are CR8 */
#define INT_CTL_IRQ		BIT(8)
#define INT_CTL_PRIORITY_SHIFT	16
#define INT_CTL_PRIORITY_MAX	(0xfull << INT_CTL_PRIORITY_SHIFT)
#define INT_CTL_IGNORE_TPR	BIT(20)
#define INT_CTL_MASKING		BIT(24)
#define INT_CTL_VECTOR_SHIFT	32
#define INT_CTL_VIRQ_FIELDS	(INT_CTL_IRQ | INT_CTL_PRIORITY_MAX | INT_CTL_IGNORE_TPR | 0xffull << INT_CTL_VECTOR_SHIFT)

#define TLB_KEEP		0
#define TLB_FLUSH_ALL		1
#define TLB_FLUSH_ASID		3

#define VMCB_SHADOW		BIT(0)
#define NP_ENABLE		BIT(0)

enum svm_exit {
	SVM_EXIT_WRITE_CR8 = 0x18, SVM_EXIT_READ_DR0 = 0x20, SVM_EXIT_WRITE_DR0 = 0x30,		/* four each */
	SVM_EXIT_EXCEPTION = 0x40,			/* by vector, 32 */
	SVM_EXIT_INTR = 0x60, SVM_EXIT_NMI, SVM_EXIT_SMI, SVM_EXIT_INIT, SVM_EXIT_VINTR,
	SVM_EXIT_RDPMC = 0x6f, SVM_EXIT_CPUID = 0x72, SVM_EXIT_IRET = 0x74, SVM_EXIT_INVD = 0x76, SVM_EXIT_HLT = 0x78,
	SVM_EXIT_INVLPGA = 0x7a, SVM_EXIT_IOIO, SVM_EXIT_MSR, SVM_EXIT_TASK_SWITCH, SVM_EXIT_SHUTDOWN = 0x7f,
	SVM_EXIT_VMRUN = 0x80, SVM_EXIT_VMMCALL, SVM_EXIT_VMLOAD, SVM_EXIT_VMSAVE, SVM_EXIT_STGI, SVM_EXIT_CLGI, SVM_EXIT_SKINIT,
	SVM_EXIT_WBINVD = 0x89, SVM_EXIT_MONITOR, SVM_EXIT_MWAIT, SVM_EXIT_MWAIT_ARMED, SVM_EXIT_XSETBV, SVM_EXIT_RDPRU,
	SVM_EXIT_NPF = 0x400,
};
#define SVM_EXIT_INVALID	(~0ull)

#define NPF_PRESENT		BIT(0)
#define NPF_WRITE		BIT(1)
#define NPF_EXECUTE		BIT(4)

#define IOIO_IN			BIT(0)
#define IOIO_STRING		BIT(2)
#define IOIO_REP		BIT(3)
#define IOIO_SIZE(info)		((uint8_t)((info) >> 4 & 7))	/* one of three bits: 1, 2, 4 bytes */
#define IOIO_PORT(info)		((uint16_t)((info) >> 16))

#endif
