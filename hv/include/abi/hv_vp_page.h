/* SPDX-License-Identifier: Apache-2.0 */
/* VP register page, version 1: VP state page type 0, shared with the VMM (hv-abi: dirty classes are applied at dispatch). */
#ifndef HV_ABI_VP_PAGE_H
#define HV_ABI_VP_PAGE_H

#include "hv_register.h"

#define HV_VP_STATE_PAGE_REGISTERS		0
#define HV_VP_STATE_PAGE_INTERCEPT_MESSAGE	1

#define HV_REGISTER_PAGE_VERSION	1
#define HV_REGISTER_CLASS_GENERAL	0	/* bit numbers of `dirty` */
#define HV_REGISTER_CLASS_IP		1
#define HV_REGISTER_CLASS_XMM		2
#define HV_REGISTER_CLASS_SEGMENT	3
#define HV_REGISTER_CLASS_FLAGS		4

struct hv_vp_register_page {
	uint16_t version;
	uint8_t isvalid, vtl;
	uint32_t dirty;
	union {
		uint64_t gprs[16];
		struct {
			uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
		};
	};
	uint64_t rip, rflags, reserved;
	struct hv_u128 xmm[6];
	union {
		struct hv_x64_segment_register segments[6];
		struct {
			struct hv_x64_segment_register es, cs, ss, ds, fs, gs;
		};
	};
	uint64_t cr0, cr3, cr4, cr8, efer, dr7;
	union hv_pending_interruption pending_interruption;
	uint64_t interrupt_state, instruction_emulation_hints, xfem;
	uint8_t reserved1[0x100];
	uint8_t vector_count, vectors[7];
};

#define HV_ASSIST_NO_EOI	1u		/* first word of the VP assist page: the current interrupt needs no EOI */

HV_ASSERT_SIZE(struct hv_vp_register_page, 0x2b8);
_Static_assert(offsetof(struct hv_vp_register_page, xmm) == 0xa0, "xmm");
_Static_assert(offsetof(struct hv_vp_register_page, segments) == 0x100, "segments");
_Static_assert(offsetof(struct hv_vp_register_page, cr0) == 0x160, "cr0");
_Static_assert(offsetof(struct hv_vp_register_page, xfem) == 0x1a8, "xfem");

#endif
