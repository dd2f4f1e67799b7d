/* SPDX-License-Identifier: Apache-2.0 */
/* A page of extended state in the standard form (Intel SDM 1, 13.4): the legacy region, the header, and what follows them. */
#ifndef HV_XSAVE_H
#define HV_XSAVE_H

#include <abi/hv_types.h>
#include <hv/types.h>

#define XSTATE_X87		BIT(0)
#define XSTATE_SSE		BIT(1)
#define XCOMP_COMPACTED		BIT(63)
#define XSAVE_LEGACY_BYTES	512u
#define MXCSR_DEFINED		0xffffu		/* XRSTOR faults on other bits */
#define FCW_INITIAL		0x37fu
#define MXCSR_INITIAL		0x1f80u

struct xsave_area {
	uint16_t fcw, fsw, ftw, fop;
	uint64_t rip, rdp;
	uint32_t mxcsr, mxcsr_mask;
	struct hv_u128 st[8], xmm[16];
	uint8_t unused[96];
	uint64_t xstate_bv, xcomp_bv, reserved[6];
	uint8_t extended[PAGE_SIZE - XSAVE_LEGACY_BYTES - 64];
};
_Static_assert(sizeof(struct xsave_area) == PAGE_SIZE, "one page holds it all");

#endif
