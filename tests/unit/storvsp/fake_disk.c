/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_disk.h. */
#include "fake_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX	512u

struct disk_queue {
	struct { struct disk *disk; struct disk_request *request; } pending[PENDING_MAX];
	unsigned int count;
};

static struct disk_queue queue;

struct disk_queue *fake_queue(void)
{
	return &queue;
}

struct fake_disk *fake_disk_new(uint32_t sector)
{
	struct fake_disk *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->disk = (struct disk) { .format = "fake", .fd = -1, .logical_sector = sector, .physical_sector = 4096, .size_bytes = FAKE_DISK_BYTES };
	return f;
}

void fake_disk_power_cut(struct fake_disk *f)
{
	memcpy(f->bytes, f->durable, sizeof(f->bytes));
}

int disk_close(struct disk *d)
{
	struct fake_disk *f = (struct fake_disk *)d;

	if (f && f->closed)
		abort();
	if (f)
		f->closed = true;
	return 0;
}

static uint64_t request_bytes(const struct disk_request *r)
{
	uint64_t bytes = 0;

	if (r->op == DISK_TRIM || r->op == DISK_WRITE_ZEROES)
		return r->bytes;
	for (unsigned int i = 0; i < r->iov_count; i++)
		bytes += r->iov[i].iov_len;
	return bytes;
}

static int request_check(const struct fake_disk *f, const struct disk_request *r)
{
	uint64_t bytes = request_bytes(r);

	if (r->op == DISK_FLUSH)
		return 0;
	if (r->op != DISK_READ && f->disk.read_only)
		return -EROFS;
	if (bytes == 0 || r->offset % f->disk.logical_sector || bytes % f->disk.logical_sector)
		return -EINVAL;
	return r->offset > f->disk.size_bytes || bytes > f->disk.size_bytes - r->offset ? -ERANGE : 0;
}

int disk_submit(struct disk_queue *q, struct disk *d, struct disk_request *r)
{
	struct fake_disk *f = (struct fake_disk *)d;
	int result = request_check(f, r);

	if (f->closed)
		abort();
	if (result == 0 && f->submit_error)
		result = f->submit_error;
	if (result < 0)
		return result;
	if (q->count == PENDING_MAX)
		return -EBUSY;
	if (f->logged < FAKE_LOG) {
		f->log[f->logged].op = r->op;
		f->log[f->logged].flags = r->flags;
		f->log[f->logged].offset = r->offset;
		f->log[f->logged].bytes = request_bytes(r);
		f->logged++;
	}
	q->pending[q->count].disk = d;
	q->pending[q->count++].request = r;
	return 0;
}

static void move(struct fake_disk *f, struct disk_request *r)
{
	uint64_t at = r->offset;

	for (unsigned int i = 0; i < r->iov_count; i++) {
		if (r->op == DISK_READ)
			memcpy(r->iov[i].iov_base, f->bytes + at, r->iov[i].iov_len);
		else
			memcpy(f->bytes + at, r->iov[i].iov_base, r->iov[i].iov_len);
		at += r->iov[i].iov_len;
	}
}

static void carry_out(struct fake_disk *f, struct disk_request *r)
{
	uint64_t bytes = request_bytes(r);

	if (r->op == DISK_FLUSH)
		memcpy(f->durable, f->bytes, sizeof(f->bytes));
	else if (r->op == DISK_READ || r->op == DISK_WRITE)
		move(f, r);
	else
		memset(f->bytes + r->offset, 0, bytes);
	if (r->flags & DISK_FUA)
		memcpy(f->durable + r->offset, f->bytes + r->offset, bytes);
}

unsigned int fake_disk_run(struct disk_queue *q)
{
	unsigned int ended = 0;

	for (unsigned int i = 0; i < q->count;) {
		struct fake_disk *f = (struct fake_disk *)q->pending[i].disk;
		struct disk_request *r = q->pending[i].request;
		int error = f->error;

		if (f->hold) {
			i++;
			continue;
		}
		q->pending[i] = q->pending[--q->count];
		if (!error)
			carry_out(f, r);
		r->done(r, error);
		ended++;
	}
	return ended;
}
