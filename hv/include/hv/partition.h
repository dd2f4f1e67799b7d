/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partitions: identity, lifetime, deposited memory, the VPs and the GPA space. The root partition is partition 1
 * and is built at boot; children come from HvCallCreatePartition.
 *
 * Locks: partition->lock guards everything below it and its VPs' neutral state (a VP's registers belong to the LP that
 * runs it). Order: partition table, a child, the root, a pool. A deadline callback takes the lock, so deadline_cancel()
 * is never called with it held. Nothing waits for other LPs (gpa_space_flush) with a lock held.
 */
#ifndef HV_PARTITION_H
#define HV_PARTITION_H

#include <abi/hv_partition.h>
#include <hv/gpa_space.h>
#include <hv/lock.h>
#include <hv/pool.h>
#include <hv/records.h>
#include <hv/types.h>

#define HV_MAX_PARTITIONS	1024
#define HV_MAX_VPS		64
#define HV_PARTITION_ROOT	1ull
#define MSR_INTERCEPTS		8

enum partition_state { PARTITION_CREATED, PARTITION_INITIALIZED, PARTITION_FINALIZED };

struct vp;
struct partition {
	uint64_t id;
	enum partition_state state;
	uint32_t references;			/* atomic: the table's, and one per partition_get() */
	struct spinlock lock;
	struct pool pool;			/* deposited pages; everything allocated for this partition comes from here */
	struct gpa_space gpa;
	struct vp *vps[HV_MAX_VPS];
	uint64_t creation_flags;		/* this and the next two: written once at creation */
	uint64_t disabled_features[2];
	uint64_t disabled_xsave;
	uint64_t synthetic_features;		/* property 0x10001, set before initialize */
	uint64_t privileges;			/* HV_PRIV_* that these grant; of children */
	uint64_t guest_os_id, hypercall_msr, reference_tsc_msr;
	uint64_t tsc_invariant_control;
	uint64_t crash[6];			/* P0..P4, CTL */
	int64_t reference_offset;		/* reference time = scaled TSC + this, while not frozen (100 ns) */
	uint64_t frozen_time, frozen_tsc;	/* reference time while frozen, and when it was */
	bool time_frozen;
	uint32_t tsc_sequence;			/* last one in the reference TSC page */
	uint64_t unimplemented_msr_action, processors_per_socket;
	uint32_t intercepts[HV_INTERCEPT_TYPES];	/* access masks of HvCallInstallIntercept */
	struct msr_intercept { uint32_t msr, access; } msr_intercepts[MSR_INTERCEPTS];	/* type MSR_INDEX; access 0: free */
	struct gpa_overlay hypercall_page, tsc_page;	/* children; their pages come at initialize */
	uint32_t cpuid_epoch;			/* grows when CPUID's answers may change */
	struct records cpuid_results, connections, ports;
	uint64_t *stats;			/* page in which the root reads its counters, or NULL */
	struct records stats_pages;		/* the root's: which page is which object's */
};

static inline bool partition_is_root(const struct partition *p) { return p->id == HV_PARTITION_ROOT; }

extern struct partition root_partition;		/* its pool is hv's spare memory from boot */
extern struct pool root_deposits;		/* what the root deposited for itself: the only pages of it that it may be shown */
void partition_init_root(void);			/* id 1, initialized, empty pool; boot gives pages and maps the GPA space */

hv_status_t partition_get(uint64_t id, struct partition **out);		/* takes a reference */
hv_status_t partition_get_child(uint64_t id, struct partition **out);	/* the same; the root itself is refused */
hv_status_t partition_get_or_self(struct vp *caller, uint64_t id, struct partition **out);
void partition_put(struct partition *p);
uint32_t partition_count(void);			/* the root included */

hv_status_t partition_create(struct partition **out);	/* memory from the root's pool; in the table with a new id */
hv_status_t partition_initialize(struct partition *p);
void partition_finalize(struct partition *p);		/* no VP may be running: the caller has checked under the lock */
void partition_remove(struct partition *p);		/* out of the table; freed with the last reference */

/* The VP with that index, or NULL. Callers hold the lock. */
struct vp *partition_vp(struct partition *p, uint32_t index);

/* Pages of a pool that the root may see (state and statistics pages): it finds them at their own address. hide() frees. */
hv_status_t root_page_show(void *page);
void root_page_hide(void *page, struct pool *pool);	/* caller holds no lock; NULL is accepted */

/* 100 ns since the partition's start, standing still while frozen. */
uint64_t partition_reference_time(const struct partition *p);
void partition_set_reference_time(struct partition *p, uint64_t time);
void partition_freeze_time(struct partition *p, bool freeze);
uint64_t reference_time_to_tsc(const struct partition *p, uint64_t time);
void partition_write_tsc_page(struct partition *p);	/* refreshes the reference TSC page, if it is enabled */

#endif
