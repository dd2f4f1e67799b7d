/* SPDX-License-Identifier: Apache-2.0 */
/* What the VM has taken so far: counters that only grow while the worker lives. One worker is one VM, so they are the process's. */
#ifndef VMWP_METERS_H
#define VMWP_METERS_H

#include "storage/disk.h"

struct meters { uint64_t cpu_usec, disk_read_bytes, disk_reads, disk_written_bytes, disk_writes; };

void meters_count_disk(const struct disk_request *r);	/* a request of the guest that was submitted; any thread */
void meters_get(struct meters *out);

#endif
