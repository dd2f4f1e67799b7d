/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XMM registers of the VP that just left the guest: hv itself uses none, so they are still in the CPU. XMM fast hypercalls
 * pass their input there (TLFS, Hypercall Inputs).
 */
#ifndef HV_XMM_H
#define HV_XMM_H

#include <abi/hv_types.h>

#define XMM_HYPERCALL_REGISTERS	6

static inline void xmm_read(struct hv_u128 to[XMM_HYPERCALL_REGISTERS])
{
	__asm__ volatile("movups %%xmm0, (%0)\n movups %%xmm1, 16(%0)\n movups %%xmm2, 32(%0)\n"
			 "movups %%xmm3, 48(%0)\n movups %%xmm4, 64(%0)\n movups %%xmm5, 80(%0)" : : "r" (to) : "memory");
}

#endif
