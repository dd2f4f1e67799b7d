/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous disk requests over io_uring. A request is carried out in as many steps as the format's maps and short
 * transfers demand; a step is one entry of the ring, or a job of the disk's worker thread, which posts it back here
 * (queue_post) through an eventfd that the ring reads. One thread uses a queue at a time; only queue_post() is called
 * from others.
 */
#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "storage/formats.h"
#include "storage/worker.h"

#define QUEUE_ENTRIES	128u
#define QUEUE_IOV_MAX	1024u		/* the kernel's IOV_MAX */
#define BOUNCE_ALIGN	4096u
#define BOUNCE_MAX	(1u << 20)	/* most bytes of one step through a bounce buffer */

struct disk_queue {
	struct io_uring ring;
	unsigned int in_flight, held;
	int event_fd;
	uint64_t event_value;
	pthread_mutex_t lock;		/* of posted */
	struct operation *posted;	/* steps the worker has ended; newest first */
};

/* One request on its way. iov[] is our copy, advanced as bytes are done. */
struct operation {
	struct worker_job job;
	struct operation *posted_next;
	struct disk_queue *queue;
	struct disk *disk;
	struct disk_request *request;
	uint64_t offset, left;
	struct extent extent;
	bool mapped;			/* extent is to be released */
	bool durable;			/* the last step made it so: nothing more for DISK_FUA */
	void *bounce;
	unsigned int first, count;	/* the part of iov[] still to do */
	unsigned int cut_entry;
	size_t cut;			/* how much of it is not part of this step */
	struct iovec iov[];
};

static int operation_step(struct operation *op, bool submitting);

static void operation_finish(struct operation *op, int result)
{
	struct disk_request *request = op->request;

	op->queue->in_flight--;
	free(op->bounce);
	free(op);
	request->done(request, result);
}

/* --- the ring --- */

static void queue_kick(struct disk_queue *q)
{
	int r;

	if (q->held)
		return;
	do {
		r = io_uring_submit(&q->ring);
		if (r == -EAGAIN || r == -EBUSY)
			sched_yield();		/* the kernel lacks memory for a moment */
	} while (r == -EINTR || r == -EAGAIN || r == -EBUSY);
}

static struct io_uring_sqe *queue_entry(struct disk_queue *q, void *data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&q->ring);

	if (!sqe) {			/* a full ring goes to the kernel, held or not */
		io_uring_submit(&q->ring);
		sqe = io_uring_get_sqe(&q->ring);
	}
	if (sqe)
		io_uring_sqe_set_data(sqe, data);
	return sqe;
}

/* The posted list is announced by the eventfd; one read of it is always in the ring. */
static void queue_listen(struct disk_queue *q)
{
	struct io_uring_sqe *sqe = queue_entry(q, NULL);

	if (!sqe)
		return;
	io_uring_prep_read(sqe, q->event_fd, &q->event_value, sizeof(q->event_value), 0);
	io_uring_sqe_set_data(sqe, NULL);
	queue_kick(q);
}

/* On the worker's thread. */
static void queue_post(struct worker_job *job)
{
	struct operation *op = (struct operation *)job;		/* its first member */
	struct disk_queue *q = op->queue;

	pthread_mutex_lock(&q->lock);
	op->posted_next = q->posted;
	q->posted = op;
	/* Inside the lock: with the list emptied the queue may be destroyed. */
	eventfd_write(q->event_fd, 1);
	pthread_mutex_unlock(&q->lock);
}

/* --- steps on the worker's thread --- */

static int run_prepare(struct worker_job *job)
{
	struct operation *op = (struct operation *)job;

	return op->disk->ops->prepare(op->disk, op->offset, op->request->op == DISK_WRITE);
}

static int run_zero(struct worker_job *job)
{
	struct operation *op = (struct operation *)job;
	int r = op->disk->ops->zero(op->disk, op->offset, op->left, op->request->op == DISK_TRIM);

	op->left = 0;
	op->durable = op->job.commit;
	return r;
}

static int operation_to_worker(struct operation *op, int (*run)(struct worker_job *), bool commit)
{
	op->job.run = run;
	op->job.commit = commit;
	op->job.done = queue_post;
	return worker_submit(op->disk->shared->worker, &op->job);
}

/* --- steps in the ring --- */

/*
 * How many entries of iov[] hold `bytes`. The last one is cut to fit until operation_uncut(): a step is whole sectors, whatever
 * the pieces are.
 */
static unsigned int operation_cut(struct operation *op, uint64_t bytes)
{
	unsigned int n = 0;

	for (; bytes; n++) {
		struct iovec *iov = &op->iov[op->first + n];

		if (iov->iov_len > bytes) {
			op->cut = iov->iov_len - bytes;
			op->cut_entry = op->first + n;
			iov->iov_len = bytes;
		}
		bytes -= iov->iov_len;
	}
	return n;
}

static void operation_uncut(struct operation *op)
{
	if (op->cut)
		op->iov[op->cut_entry].iov_len += op->cut;
	op->cut = 0;
}

static bool is_write(const struct operation *op)
{
	return op->request->op == DISK_WRITE;
}

static int write_flags(const struct operation *op)
{
	return op->request->flags & DISK_FUA ? RWF_DSYNC : 0;
}

/* Copies between iov[] (from its current place) and the bounce buffer. */
static void bounce_copy(struct operation *op, uint64_t bytes, bool to_bounce)
{
	char *at = op->bounce;

	for (unsigned int i = op->first; bytes; i++) {
		size_t n = op->iov[i].iov_len < bytes ? op->iov[i].iov_len : bytes;

		if (to_bounce)
			memcpy(at, op->iov[i].iov_base, n);
		else
			memcpy(op->iov[i].iov_base, at, n);
		at += n;
		bytes -= n;
	}
}

/* Does the kernel take these pieces for O_DIRECT as they are? */
static bool needs_bounce(const struct operation *op)
{
	unsigned int align = op->extent.disk->shared->direct_align;
	uint64_t bytes = op->extent.bytes;

	if (!align)
		return false;
	for (unsigned int i = op->first; bytes; i++) {
		size_t n = op->iov[i].iov_len < bytes ? op->iov[i].iov_len : bytes;

		if (((uintptr_t)op->iov[i].iov_base | n) % align)
			return true;
		bytes -= n;
	}
	return false;
}

static int prepare_bounced(struct operation *op, struct io_uring_sqe *sqe)
{
	uint64_t bytes = op->extent.bytes < BOUNCE_MAX ? op->extent.bytes : BOUNCE_MAX;

	if (posix_memalign(&op->bounce, BOUNCE_ALIGN, bytes)) {
		op->bounce = NULL;
		return -ENOMEM;
	}
	if (is_write(op)) {
		bounce_copy(op, bytes, true);
		io_uring_prep_write(sqe, op->extent.disk->fd, op->bounce, (unsigned int)bytes, op->extent.file_offset);
		sqe->rw_flags = write_flags(op);
	} else {
		io_uring_prep_read(sqe, op->extent.disk->fd, op->bounce, (unsigned int)bytes, op->extent.file_offset);
	}
	return 0;
}

static void prepare_in_place(struct operation *op, struct io_uring_sqe *sqe)
{
	const struct iovec *iov = &op->iov[op->first];
	unsigned int n = operation_cut(op, op->extent.bytes);
	int fd = op->extent.disk->fd;

	if (n == 1 && is_write(op))
		io_uring_prep_write(sqe, fd, iov->iov_base, (unsigned int)iov->iov_len, op->extent.file_offset);
	else if (n == 1)
		io_uring_prep_read(sqe, fd, iov->iov_base, (unsigned int)iov->iov_len, op->extent.file_offset);
	else if (is_write(op))
		io_uring_prep_writev(sqe, fd, iov, n, op->extent.file_offset);
	else
		io_uring_prep_readv(sqe, fd, iov, n, op->extent.file_offset);
	if (is_write(op))
		sqe->rw_flags = write_flags(op);
}

static void extent_release(struct operation *op, int result, uint64_t done)
{
	struct extent *e = &op->extent;

	if (!op->mapped)
		return;
	op->mapped = false;
	if (result == 0)
		e->bytes = done;	/* a short transfer: the rest is mapped anew */
	if (e->disk->ops->release)
		e->disk->ops->release(e->disk, op->offset, e, result);
}

static int step_in_ring(struct operation *op)
{
	struct io_uring_sqe *sqe = queue_entry(op->queue, op);
	int r = 0;

	op->mapped = true;
	if (!sqe)
		r = -EBUSY;
	else if (needs_bounce(op))
		r = prepare_bounced(op, sqe);
	else
		prepare_in_place(op, sqe);
	if (r < 0) {
		if (sqe)		/* an entry taken cannot be given back: make it nothing */
			io_uring_prep_nop(sqe), io_uring_sqe_set_data(sqe, op->queue);
		extent_release(op, r, 0);
		return r;
	}
	io_uring_sqe_set_data(sqe, op);
	queue_kick(op->queue);
	return 0;
}

static int step_empty(struct operation *op)
{
	struct io_uring_sqe *sqe = queue_entry(op->queue, op);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data(sqe, op);
	queue_kick(op->queue);
	return 0;
}

static int step_flush(struct operation *op)
{
	const struct disk_ops *ops = op->disk->ops;
	struct io_uring_sqe *sqe;

	op->durable = true;
	if (op->disk->read_only)
		return step_empty(op);
	if (ops->is_clean && !ops->is_clean(op->disk))
		return operation_to_worker(op, NULL, true);
	sqe = queue_entry(op->queue, op);
	if (!sqe)
		return -EBUSY;
	io_uring_prep_fsync(sqe, op->disk->fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data(sqe, op);
	queue_kick(op->queue);
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

static void clear_zeros(struct operation *op, uint64_t bytes)
{
	for (unsigned int i = op->first; bytes; i++) {
		size_t n = op->iov[i].iov_len < bytes ? op->iov[i].iov_len : bytes;

		memset(op->iov[i].iov_base, 0, n);
		bytes -= n;
	}
}

/* Zeros are answered here, the first extent in a file goes to the ring. 1: nothing is left. */
static int step_transfer(struct operation *op)
{
	const struct disk_ops *ops = op->disk->ops;
	int r;

	while (op->left) {
		op->extent = (struct extent) { .bytes = op->left };
		r = is_write(op) ? ops->map_write(op->disk, op->offset, &op->extent)
				 : ops->map_read(op->disk, op->offset, &op->extent);
		if (r == -EAGAIN)
			return operation_to_worker(op, run_prepare, false);
		if (r < 0)
			return r;
		if (op->extent.disk)
			return step_in_ring(op);
		clear_zeros(op, op->extent.bytes);
		operation_advance(op, op->extent.bytes);
	}
	return 1;
}

/* Writes with DISK_FUA were RWF_DSYNC: only metadata can be missing. */
static bool needs_commit(const struct operation *op)
{
	const struct disk_ops *ops = op->disk->ops;

	return is_write(op) && op->request->flags & DISK_FUA && !op->durable && ops->is_clean && !ops->is_clean(op->disk);
}

/* Starts the next step: 0; 1: all is done; negative errno: nothing was started. */
static int operation_step(struct operation *op, bool submitting)
{
	int r = 1;

	switch (op->request->op) {
	case DISK_READ:
	case DISK_WRITE:
		r = step_transfer(op);
		break;
	case DISK_TRIM:
	case DISK_WRITE_ZEROES:
		if (op->left)
			r = operation_to_worker(op, run_zero, op->request->flags & DISK_FUA);
		break;
	case DISK_FLUSH:
		if (!op->durable)
			r = step_flush(op);
		break;
	}
	if (r == 1 && needs_commit(op)) {
		op->durable = true;
		r = operation_to_worker(op, NULL, true);
	}
	return r == 1 && submitting ? step_empty(op) : r;
}

/* --- the ends of steps --- */

static void operation_go_on(struct operation *op, int result)
{
	if (result == 0)
		result = operation_step(op, false);
	if (result != 0)
		operation_finish(op, result < 0 ? result : 0);
}

/* `result` as the ring gives it: bytes or negative errno. A sector that was transferred in part is not done. */
static void operation_complete_step(struct operation *op, int result)
{
	uint64_t bytes = op->mapped && result > 0 ? (uint64_t)result / op->disk->logical_sector * op->disk->logical_sector : 0;

	if (op->mapped && result >= 0 && bytes == 0)
		result = -EIO;		/* the file became shorter than its format says */
	if (result == -EINTR || result == -EAGAIN)
		result = 0;		/* again */
	operation_uncut(op);
	if (op->bounce && !is_write(op))
		bounce_copy(op, bytes, false);
	free(op->bounce);
	op->bounce = NULL;
	extent_release(op, result < 0 ? result : 0, bytes);
	operation_advance(op, bytes);
	operation_go_on(op, result < 0 ? result : 0);
}

static void queue_take_posted(struct disk_queue *q)
{
	struct operation *op, *next;

	pthread_mutex_lock(&q->lock);
	op = q->posted;
	q->posted = NULL;
	pthread_mutex_unlock(&q->lock);
	for (; op; op = next) {
		next = op->posted_next;
		operation_go_on(op, op->job.result);
	}
}

static void queue_complete(struct disk_queue *q, void *data, int result)
{
	if (data == q)			/* an entry that became nothing */
		return;
	if (data) {
		operation_complete_step(data, result);
		return;
	}
	queue_take_posted(q);
	queue_listen(q);
}

void disk_queue_reap(struct disk_queue *q)
{
	struct io_uring_cqe *cqe;

	disk_queue_hold(q);
	while (io_uring_peek_cqe(&q->ring, &cqe) == 0) {
		void *data = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(&q->ring, cqe);
		queue_complete(q, data, result);
	}
	disk_queue_release(q);
}

/* --- submitting --- */

static int sum_iov(const struct disk_request *r, uint64_t *bytes)
{
	*bytes = 0;
	if (r->iov_count == 0 || r->iov_count > QUEUE_IOV_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < r->iov_count; i++) {
		if (r->iov[i].iov_len == 0 || r->iov[i].iov_len > INT32_MAX)
			return -EINVAL;
		*bytes += r->iov[i].iov_len;
	}
	return 0;
}

static bool has_iov(const struct disk_request *r)
{
	return r->op == DISK_READ || r->op == DISK_WRITE;
}

static int request_check(const struct disk *d, const struct disk_request *r, uint64_t *bytes)
{
	int result = 0;

	*bytes = 0;
	if (r->op == DISK_FLUSH)
		return 0;
	if (r->op != DISK_READ && d->read_only)
		return -EROFS;
	if (has_iov(r))
		result = sum_iov(r, bytes);
	else
		*bytes = r->bytes;
	return result ? result : disk_check_range(d, r->offset, *bytes);
}

int disk_submit(struct disk_queue *q, struct disk *d, struct disk_request *r)
{
	unsigned int iov_count = has_iov(r) ? r->iov_count : 0;
	struct operation *op;
	uint64_t bytes;
	int result = request_check(d, r, &bytes);

	if (result < 0)
		return result;
	op = malloc(sizeof(*op) + iov_count * sizeof(op->iov[0]));
	if (!op)
		return -ENOMEM;
	*op = (struct operation) {
		.queue = q, .disk = disk_target(d), .request = r, .offset = r->offset, .left = bytes, .count = iov_count,
	};
	if (iov_count)
		memcpy(op->iov, r->iov, iov_count * sizeof(op->iov[0]));
	q->in_flight++;
	result = operation_step(op, true);
	if (result < 0) {
		q->in_flight--;
		free(op->bounce);
		free(op);
	}
	return result;
}

void disk_queue_hold(struct disk_queue *q)
{
	q->held++;
}

void disk_queue_release(struct disk_queue *q)
{
	q->held--;
	if (io_uring_sq_ready(&q->ring))
		queue_kick(q);
}

/*
 * Completions are posted when their thread is in the kernel the next time, not by interrupting it: whoever reaps waits there
 * for disk_queue_fd() anyway. Kernels before 5.19 do not know that.
 */
static int ring_create(struct io_uring *ring)
{
	int r = io_uring_queue_init(QUEUE_ENTRIES, ring, IORING_SETUP_R_DISABLED | IORING_SETUP_COOP_TASKRUN);

	return r == -EINVAL ? io_uring_queue_init(QUEUE_ENTRIES, ring, IORING_SETUP_R_DISABLED) : r;
}

/* System call filters do not see what a ring carries: for whoever takes over our process it opens no file and no socket. */
static int ring_restrict(struct io_uring *ring)
{
	static const uint8_t used[] = {
		IORING_OP_NOP, IORING_OP_READ, IORING_OP_READV, IORING_OP_WRITE, IORING_OP_WRITEV, IORING_OP_FSYNC,
	};
	struct io_uring_restriction rows[sizeof(used)] = { 0 };
	int r;

	for (size_t i = 0; i < sizeof(used); i++) {
		rows[i].opcode = IORING_RESTRICTION_SQE_OP;
		rows[i].sqe_op = used[i];
	}
	r = io_uring_register_restrictions(ring, rows, sizeof(used));
	return r < 0 ? r : io_uring_enable_rings(ring);
}

int disk_queue_create(struct disk_queue **out)
{
	struct disk_queue *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	pthread_mutex_init(&q->lock, NULL);
	q->event_fd = eventfd(0, EFD_CLOEXEC);
	r = q->event_fd < 0 ? -errno : ring_create(&q->ring);
	if (r == 0) {
		r = ring_restrict(&q->ring);
		if (r < 0)
			io_uring_queue_exit(&q->ring);
	}
	if (r < 0) {
		if (q->event_fd >= 0)
			close(q->event_fd);
		free(q);
		return r;
	}
	queue_listen(q);
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
	close(q->event_fd);
	pthread_mutex_destroy(&q->lock);
	free(q);
}
