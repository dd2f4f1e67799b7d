/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of hvclient: the two structs and the hypercall pass-through that partition.c and vp.c share. */
#ifndef HVCLIENT_MSHV_H
#define HVCLIENT_MSHV_H

#include "hvclient/hvclient.h"

struct hv_partition { int fd; };
struct hv_vp {
	int fd;
	uint32_t index;
	struct hv_partition *partition;
	struct hv_vp_register_page *registers;
};

struct mshv_call {			/* one MSHV_ROOT_HVCALL; the kernel fills in the partition id */
	uint16_t code, reps;
	const void *in;
	size_t in_size;
	void *out;
	size_t out_size;
	uint16_t status;		/* what the hypervisor said, also when the call failed */
};
int mshv_hypercall(int fd, struct mshv_call *call);

#endif
