/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics. A VP counts its exits by reason, always, in vp->stats; when the root maps the VP's statistics page
 * (HvCallMapStatsPage) that is where it counts from then on. Indexes are the interface's (Linux: mshv_debugfs_counters.c).
 */
#ifndef HV_STATS_H
#define HV_STATS_H

#include <abi/hv_hypercall.h>
#include <hv/types.h>

enum vp_counter {
	STAT_RUN_TIME = 1,		/* 100 ns */
	STAT_HYPERCALLS = 7, STAT_CONTROL_REGISTERS = 11, STAT_IO = 13, STAT_HALTS = 15, STAT_CPUID = 19, STAT_MSR = 21,
	STAT_OTHER_INTERCEPTS = 23, STAT_EXTERNAL_INTERRUPTS = 25, STAT_INTERRUPT_WINDOWS = 27, STAT_MEMORY = 33,
	STAT_IO_MESSAGES = 40, STAT_MEMORY_MESSAGES = 41, STAT_APIC_EOI = 42, STAT_OTHER_MESSAGES = 43, STAT_MIGRATIONS = 45,
	STAT_FLUSHES = 49, STAT_SYNTHETIC_INTERRUPTS = 58, STAT_VIRTUAL_INTERRUPTS = 59, STAT_IPIS = 60, STAT_SELF_IPIS = 61,
	STAT_SPIN_WAITS = 64, STAT_DISPATCHES = 74,
	VP_COUNTERS
};

struct partition;
struct vp;

struct stats_record {			/* a record of root_partition.stats_pages */
	uint32_t used;			/* 1 + times mapped */
	uint32_t type;
	struct hv_stats_identity identity;
	uint64_t page;			/* SPA */
};

/* The counters of a partition, of its GPA space alone, and the hypervisor's own, as far as pages are mapped for them. */
void stats_partition_changed(struct partition *p);	/* this and the next: caller holds the partition's lock */
void stats_gpa_changed(struct partition *p);
void stats_hypervisor_changed(void);			/* caller holds no lock */

#endif
