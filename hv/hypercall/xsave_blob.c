/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XSAVE blob of Get/SetVpState: the compacted form of XSAVEC (SDM 1, 13.4.3), on every CPU. hv itself keeps a VP's extended
 * state in the standard form, because XSAVE and XRSTOR are there even where XSAVEC is not.
 */
#include <abi/hv_status.h>
#include <hv/cpuid_model.h>
#include <hv/string.h>
#include <hv/vp.h>

#include "xsave_blob.h"

#define XSAVE_MXCSR		24
#define XSAVE_XSTATE_BV		512
#define XSAVE_XCOMP_BV		520
#define XSAVE_HEADER_SIZE	64
#define XSAVE_EXTENDED		576
#define XCOMP_COMPACTED		BIT(63)

static uint64_t header_get(const uint8_t *area, unsigned int at)
{
	uint64_t value;

	memcpy(&value, area + at, sizeof(value));
	return value;
}

static void header_set(uint8_t *area, uint64_t xstate_bv, uint64_t xcomp_bv)
{
	memset(area + XSAVE_XSTATE_BV, 0, XSAVE_HEADER_SIZE);
	memcpy(area + XSAVE_XSTATE_BV, &xstate_bv, sizeof(xstate_bv));
	memcpy(area + XSAVE_XCOMP_BV, &xcomp_bv, sizeof(xcomp_bv));
}

/* Goes through the components that `layout` has one after the other; those of `present` are copied. False: more than a page. */
static bool components_copy(uint8_t *standard, uint8_t *compacted, uint64_t layout, uint64_t present, bool compact)
{
	uint64_t at = XSAVE_EXTENDED;

	for (uint32_t i = 2; i < 63; i++) {
		struct hv_cpuid_values v;	/* EAX size, EBX place in the standard form, ECX bit 1: aligned to 64 bytes */

		if (!(layout >> i & 1))
			continue;
		cpuid_host(0xd, i, &v);
		if (v.ecx & 2)
			at = ALIGN_UP(at, 64);
		if (at + v.eax > PAGE_SIZE || (present >> i & 1 && (uint64_t)v.ebx + v.eax > PAGE_SIZE))
			return false;
		if (present >> i & 1)
			memcpy(compact ? compacted + at : standard + v.ebx, compact ? standard + v.ebx : compacted + at, v.eax);
		at += v.eax;
	}
	return true;
}

void xsave_blob_get(struct vp *vp, uint8_t *blob)
{
	uint64_t mask = cpuid_xcr0_mask(), present = header_get(vp->xsave_area, XSAVE_XSTATE_BV) & mask;

	memset(blob, 0, PAGE_SIZE);
	memcpy(blob, vp->xsave_area, XSAVE_XSTATE_BV);
	header_set(blob, present, mask | XCOMP_COMPACTED);
	components_copy(vp->xsave_area, blob, mask, present, true);
}

/* The layout may have components a child has not (a VMM makes it from the root's CPUID), their content is dropped. What XRSTOR
 * would fault on must not get into the area: hv itself executes it. */
hv_status_t xsave_blob_set(struct vp *vp, uint8_t *blob)
{
	uint64_t present = header_get(blob, XSAVE_XSTATE_BV) & cpuid_xcr0_mask(), layout = header_get(blob, XSAVE_XCOMP_BV);
	uint8_t *area = vp->xsave_area;

	if (!(layout & XCOMP_COMPACTED))
		return HV_STATUS_INVALID_PARAMETER;
	present &= layout | 3;
	if (!components_copy(area, blob, layout, present, false))
		return HV_STATUS_INVALID_PARAMETER;
	memcpy(area, blob, XSAVE_XSTATE_BV);
	header_set(area, present, 0);
	*(uint32_t *)(area + XSAVE_MXCSR) &= 0xffff;
	return HV_STATUS_SUCCESS;
}
