/* SPDX-License-Identifier: Apache-2.0 */
/* The synthetic MSRs (0x40000000 and up) of root and children. Callers hold the partition's lock. False: #GP. */
#ifndef HV_SYNTHETIC_MSR_H
#define HV_SYNTHETIC_MSR_H

#include <hv/types.h>

struct vp;

#define MSR_IS_SYNTHETIC(msr)	((msr) >= 0x40000000u && (msr) <= 0x400010ffu)

bool synthetic_msr_read(struct vp *vp, uint32_t msr, uint64_t *value);
bool synthetic_msr_write(struct vp *vp, uint32_t msr, uint64_t value);

#endif
