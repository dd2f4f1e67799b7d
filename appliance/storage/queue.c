/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous disk requests over io_uring. A request is carried out in as many steps as the format's map()
 * and short transfers demand; each step is one entry of the ring. One thread uses a queue at a time.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

#include "storage/formats.h"

#define QUEUE_ENTRIES	128u
#define QUEUE_IOV_MAX	1024u		/* the kernel's IOV_MAX */

struct disk_queue {
	struct io_uring ring;
	unsigned int in_flight;
};

/* One request on its way. iov[] is our copy, advanced as bytes are done. */
struct operation {
	struct disk_queue *queue;
	struct disk *disk;
	struct disk_request *request;
	uint64_t offset, left;
	unsigned int first, count;	/* the part of iov[] still to do */
	struct iovec iov[];
};

static void operation_finish(struct operation *op, int result)
{
	struct disk_request *request = op->request;

	op->queue->in_flight--;
	free(op);
	request->done(request, result);
}

/*
 * Entries of iov[] that lie wholly within `bytes`; a step is never cut inside an entry unless it is the
 * only one.
 */
static unsigned int operation_entries_within(const struct operation *op, uint64_t bytes)
{
	unsigned int n = 0;

	while (n < op->count && op->iov[op->first + n].iov_len <= bytes) {
		bytes -= op->iov[op->first + n].iov_len;
		n++;
	}
	return n;
}

static void operation_prepare(struct operation *op, struct io_uring_sqe *sqe, uint64_t file_offset, uint64_t bytes)
{
	const struct iovec *iov = &op->iov[op->first];
	unsigned int n = operation_entries_within(op, bytes);
	bool write = op->request->op == DISK_WRITE;

	if (n == 0 && write)
		io_uring_prep_write(sqe, op->disk->fd, iov->iov_base, (unsigned int)bytes, file_offset);
	else if (n == 0)
		io_uring_prep_read(sqe, op->disk->fd, iov->iov_base, (unsigned int)bytes, file_offset);
	else if (write)
		io_uring_prep_writev(sqe, op->disk->fd, iov, n, file_offset);
	else
		io_uring_prep_readv(sqe, op->disk->fd, iov, n, file_offset);
}

/* Starts the next step; 0 or negative errno (then nothing was started). */
static int operation_step(struct operation *op)
{
	uint64_t file_offset = 0, bytes = op->left;
	struct io_uring_sqe *sqe;
	int r = 0;

	if (op->request->op != DISK_FLUSH)
		r = op->disk->ops->map(op->disk, op->offset, &file_offset, &bytes);
	if (r < 0)
		return r;
	sqe = io_uring_get_sqe(&op->queue->ring);
	if (!sqe)
		return -EBUSY;
	if (op->request->op == DISK_FLUSH)
		io_uring_prep_fsync(sqe, op->disk->fd, IORING_FSYNC_DATASYNC);
	else
		operation_prepare(op, sqe, file_offset, bytes);
	io_uring_sqe_set_data(sqe, op);
	r = io_uring_submit(&op->queue->ring);
	if (r < 0) {		/* the entry stays in the ring: leave nothing of ours in it */
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data(sqe, NULL);
		return r;
	}
	return 0;
}

static void operation_advance(struct operation *op, uint64_t bytes)
{
	op->offset += bytes;
	op->left -= bytes;
	while (bytes) {
		struct iovec *iov = &op->iov[op->first];
		size_t n = iov->iov_len < bytes ? iov->iov_len : bytes;

		iov->iov_base = (char *)iov->iov_base + n;
		iov->iov_len -= n;
		bytes -= n;
		if (iov->iov_len == 0) {
			op->first++;
			op->count--;
		}
	}
}

static void operation_complete_step(struct operation *op, int result)
{
	bool again = result == -EINTR || result == -EAGAIN;

	if (result > 0)
		operation_advance(op, (uint64_t)result);
	else if (result == 0 && op->left)
		result = -EIO;		/* the file became shorter than its format says */
	if (again || (result > 0 && op->left)) {
		result = operation_step(op);
		if (result == 0)
			return;
	}
	operation_finish(op, result < 0 ? result : 0);
}

static int request_check(const struct disk *d, const struct disk_request *r, uint64_t *bytes)
{
	*bytes = 0;
	if (r->op == DISK_FLUSH)
		return 0;
	if (r->op == DISK_WRITE && d->read_only)
		return -EROFS;
	if (r->iov_count == 0 || r->iov_count > QUEUE_IOV_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < r->iov_count; i++)
		if (r->iov[i].iov_len == 0 || r->iov[i].iov_len > UINT32_MAX)
			return -EINVAL;
		else
			*bytes += r->iov[i].iov_len;
	return disk_check_range(d, r->offset, *bytes);
}

int disk_submit(struct disk_queue *q, struct disk *d, struct disk_request *r)
{
	unsigned int iov_count = r->op == DISK_FLUSH ? 0 : r->iov_count;
	struct operation *op;
	uint64_t bytes;
	int result = request_check(d, r, &bytes);

	if (result < 0)
		return result;
	op = malloc(sizeof(*op) + iov_count * sizeof(op->iov[0]));
	if (!op)
		return -ENOMEM;
	*op = (struct operation) {
		.queue = q, .disk = d, .request = r, .offset = r->offset, .left = bytes, .count = iov_count,
	};
	if (iov_count)
		memcpy(op->iov, r->iov, iov_count * sizeof(op->iov[0]));
	result = operation_step(op);
	if (result < 0)
		free(op);
	else
		q->in_flight++;
	return result;
}

void disk_queue_reap(struct disk_queue *q)
{
	struct io_uring_cqe *cqe;

	while (io_uring_peek_cqe(&q->ring, &cqe) == 0) {
		struct operation *op = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(&q->ring, cqe);
		if (op)
			operation_complete_step(op, result);
	}
}

int disk_queue_create(struct disk_queue **out)
{
	struct disk_queue *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	r = io_uring_queue_init(QUEUE_ENTRIES, &q->ring, 0);
	if (r < 0) {
		free(q);
		return r;
	}
	*out = q;
	return 0;
}

int disk_queue_fd(const struct disk_queue *q)
{
	return q->ring.ring_fd;
}

/* Waits for what is on its way: the kernel still writes to the requests' buffers. */
void disk_queue_destroy(struct disk_queue *q)
{
	struct io_uring_cqe *cqe;

	if (!q)
		return;
	while (q->in_flight && io_uring_wait_cqe(&q->ring, &cqe) == 0)
		disk_queue_reap(q);
	io_uring_queue_exit(&q->ring);
	free(q);
}
