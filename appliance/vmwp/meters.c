/* SPDX-License-Identifier: Apache-2.0 */
/* See meters.h. Requests are counted where guests' devices submit them, whatever disk is behind and however it ends. */
#include "vmwp/meters.h"

#include <stdatomic.h>
#include <time.h>

static struct { _Atomic uint64_t bytes, requests; } reads, writes;

static uint64_t bytes_of(const struct disk_request *r)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < r->iov_count; i++)
		sum += r->iov[i].iov_len;
	return sum;
}

void meters_count_disk(const struct disk_request *r)
{
	if (r->op == DISK_READ) {
		atomic_fetch_add_explicit(&reads.bytes, bytes_of(r), memory_order_relaxed);
		atomic_fetch_add_explicit(&reads.requests, 1, memory_order_relaxed);
	} else if (r->op == DISK_WRITE) {
		atomic_fetch_add_explicit(&writes.bytes, bytes_of(r), memory_order_relaxed);
		atomic_fetch_add_explicit(&writes.requests, 1, memory_order_relaxed);
	}
}

/* VP threads run their VP inside a system call, so the process's time is the guest's and the worker's. */
static uint64_t cpu_usec(void)
{
	struct timespec used = { 0, 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

void meters_get(struct meters *out)
{
	*out = (struct meters){
		.cpu_usec = cpu_usec(),
		.disk_read_bytes = atomic_load_explicit(&reads.bytes, memory_order_relaxed),
		.disk_reads = atomic_load_explicit(&reads.requests, memory_order_relaxed),
		.disk_written_bytes = atomic_load_explicit(&writes.bytes, memory_order_relaxed),
		.disk_writes = atomic_load_explicit(&writes.requests, memory_order_relaxed),
	};
}
