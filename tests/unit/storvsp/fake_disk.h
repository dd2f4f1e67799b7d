/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk in memory behind storage/disk.h, without a library: it notes every request, may hold them back, fail them, and
 * forgets on fake_disk_power_cut() what was neither flushed nor forced.
 */
#ifndef TESTS_STORVSP_FAKE_DISK_H
#define TESTS_STORVSP_FAKE_DISK_H

#include "storage/disk.h"

#define FAKE_DISK_BYTES	(16u << 20)
#define FAKE_LOG	4096u

struct fake_disk {
	struct disk disk;
	uint8_t bytes[FAKE_DISK_BYTES], durable[FAKE_DISK_BYTES];
	bool closed;
	int error;				/* of every request from now on */
	int submit_error;			/* disk_submit() says so */
	bool hold;				/* requests are not carried out until fake_disk_run() */
	struct { int op; unsigned int flags; uint64_t offset, bytes; } log[FAKE_LOG];
	unsigned int logged;
};

struct fake_disk *fake_disk_new(uint32_t sector);
void fake_disk_power_cut(struct fake_disk *f);
unsigned int fake_disk_run(struct disk_queue *q);	/* ends what was submitted; how many */
struct disk_queue *fake_queue(void);

#endif
