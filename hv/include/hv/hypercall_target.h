/* SPDX-License-Identifier: Apache-2.0 */
/* How handlers find the VP they are about: looked up, referenced and its partition locked in one step. */
#ifndef HV_HYPERCALL_TARGET_H
#define HV_HYPERCALL_TARGET_H

#include <hv/types.h>

struct vp;

hv_status_t target_vp(struct vp *caller, uint64_t partition_id, uint32_t index, struct vp **out);
void target_put(struct vp *vp);					/* unlocks, drops the reference */

#endif
