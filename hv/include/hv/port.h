/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doorbells (TLFS, ports of type 4): a child's MMIO write that becomes an entry in the root's event ring instead of an
 * intercept. The port is the root's, the connection the child's; each is guarded by the lock of its owner.
 */
#ifndef HV_PORT_H
#define HV_PORT_H

#include <hv/types.h>

struct partition;
struct vp;

struct port {				/* a record of root_partition.ports */
	uint32_t id;
	uint32_t vp;			/* root VP to tell, or HV_ANY_VP */
	uint32_t overflow;		/* rang while the ring was full */
	uint32_t reserved;
};

struct connection {			/* a record of a child's connections */
	uint32_t id, port_id;
	uint64_t gpa, value;
	uint32_t size;			/* 0: any */
	uint32_t any_value;
};

/* True when a child's write, or its SignalEvent in the guise of one (abi/hv_signal_window.h), rang a doorbell. Takes the locks. */
bool doorbell_write(struct vp *vp, gpa_t gpa, unsigned int size, uint64_t value);

#endif
