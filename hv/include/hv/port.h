/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doorbells (TLFS, ports of type 4): a child's MMIO write that becomes an entry in the root's event ring instead of an
 * intercept. The port is the root's, the connection the child's. Callers hold the lock of the owner.
 */
#ifndef HV_PORT_H
#define HV_PORT_H

#include <hv/types.h>

struct partition;

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

const struct connection *doorbell_match(struct partition *p, gpa_t gpa, unsigned int size, uint64_t value);

#endif
