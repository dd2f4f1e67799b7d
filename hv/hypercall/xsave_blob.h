/* SPDX-License-Identifier: Apache-2.0 */
/* A VP's extended state as a VMM exchanges it: one page. The caller holds the partition's lock and the VP is not running. */
#ifndef HV_HYPERCALL_XSAVE_BLOB_H
#define HV_HYPERCALL_XSAVE_BLOB_H

#include <hv/types.h>

struct vp;
struct xsave_area;

void xsave_blob_get(struct vp *vp, struct xsave_area *blob);
hv_status_t xsave_blob_set(struct vp *vp, struct xsave_area *blob);

#endif
