/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XSAVE blob of Get/SetVpState: the compacted form of XSAVEC (SDM 1, 13.4.3), on every CPU. hv itself keeps a VP's extended
 * state in the standard form, because XSAVE and XRSTOR are there even where XSAVEC is not.
 */
#include <abi/hv_status.h>
#include <hv/cpuid_model.h>
#include <hv/string.h>
#include <hv/vp.h>
#include <hv/xsave.h>

#include "xsave_blob.h"

#define EXTENDED	offsetof(struct xsave_area, extended)
#define COMPONENT_ALIGNED	BIT(1)

/* Goes through the components that `layout` has one after the other; those of `present` are copied. False: more than a page. */
static bool components_copy(struct xsave_area *standard, struct xsave_area *compacted, uint64_t layout, uint64_t present, bool compact)
{
	uint64_t at = EXTENDED;

	for (uint32_t i = 2; i < 63; i++) {
		char *here, *there;
		struct hv_cpuid_values v;	/* EAX size, EBX place in the standard form, ECX bit 1: aligned to 64 bytes */

		if (!(layout >> i & 1))
			continue;
		cpuid_host(0xd, i, &v);
		if (v.ecx & COMPONENT_ALIGNED)
			at = ALIGN_UP(at, 64);
		if (at + v.eax > PAGE_SIZE || (present >> i & 1 && (uint64_t)v.ebx + v.eax > PAGE_SIZE))
			return false;
		here = (char *)compacted + at;
		there = (char *)standard + v.ebx;
		if (present >> i & 1)
			memcpy(compact ? here : there, compact ? there : here, v.eax);
		at += v.eax;
	}
	return true;
}

/* Legacy region and header; the header's reserved part is zero. */
static void header_copy(struct xsave_area *to, const struct xsave_area *from, uint64_t xstate_bv, uint64_t xcomp_bv)
{
	memcpy(to, from, XSAVE_LEGACY_BYTES);
	to->xstate_bv = xstate_bv;
	to->xcomp_bv = xcomp_bv;
	memset(to->reserved, 0, sizeof(to->reserved));
}

void xsave_blob_get(struct vp *vp, struct xsave_area *blob)
{
	uint64_t mask = cpuid_xcr0_mask(), present = vp->xsave_area->xstate_bv & mask;

	memset(blob, 0, PAGE_SIZE);
	header_copy(blob, vp->xsave_area, present, mask | XCOMP_COMPACTED);
	components_copy(vp->xsave_area, blob, mask, present, true);
}

/* The layout may have components a child has not (a VMM makes it from the root's CPUID), their content is dropped. What XRSTOR
 * would fault on must not get into the area: hv itself executes it. */
hv_status_t xsave_blob_set(struct vp *vp, struct xsave_area *blob)
{
	uint64_t layout = blob->xcomp_bv, present = blob->xstate_bv & cpuid_xcr0_mask() & (layout | XSTATE_X87 | XSTATE_SSE);
	struct xsave_area *area = vp->xsave_area;

	if (!(layout & XCOMP_COMPACTED) || !components_copy(area, blob, layout, present, false))
		return HV_STATUS_INVALID_PARAMETER;
	header_copy(area, blob, present, 0);
	area->mxcsr &= MXCSR_DEFINED;
	return HV_STATUS_SUCCESS;
}
