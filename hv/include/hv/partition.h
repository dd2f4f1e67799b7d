/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partitions: identity, lifetime, deposited memory, the VPs and the GPA space. The root partition is partition 1
 * and is built by boot/; children come from HvCallCreatePartition. Lock order: partition table, partition, VP.
 */
#ifndef HV_PARTITION_H
#define HV_PARTITION_H

#include <hv/gpa_space.h>
#include <hv/lock.h>
#include <hv/pool.h>
#include <hv/types.h>

#define HV_MAX_PARTITIONS	512
#define HV_MAX_VPS		64
#define HV_PARTITION_ROOT	1ull

enum partition_state { PARTITION_CREATED, PARTITION_INITIALIZED, PARTITION_FINALIZED };

struct vp;
struct partition {
	uint64_t id;
	enum partition_state state;
	struct spinlock lock;
	struct pool pool;			/* deposited pages; everything allocated for this partition comes from here */
	struct gpa_space gpa;
	struct vp *vps[HV_MAX_VPS];
	uint64_t creation_flags;
	uint64_t synthetic_features;		/* property 0x10001, set before initialize */
	uint64_t disabled_features[2], disabled_xsave;
	uint64_t guest_os_id, hypercall_msr, reference_tsc_msr;
	uint64_t reference_time_base;		/* TSC at which reference time was 0, less frozen time */
	bool time_frozen;
	struct partition_ext *ext;		/* intercept table, CPUID results, ports, properties: core/ only */
};

static inline bool partition_is_root(const struct partition *p) { return p->id == HV_PARTITION_ROOT; }

extern struct partition root_partition;
hv_status_t partition_get(uint64_t id, struct partition **out);	/* takes a reference */
void partition_put(struct partition *p);

#endif
