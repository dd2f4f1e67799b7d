/* SPDX-License-Identifier: Apache-2.0 */
/* partita-vdisk bench: requests through the asynchronous queue, as a VM's would come; time and processor time per row. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "storage/tool/tool.h"

#define DEPTH_MAX	1024
#define REQUEST_MAX	131072u
#define LARGE_PAGE	(2u << 20)

struct row {
	const char *name;
	int op;
	uint32_t bytes, step;		/* from one request to the next; around at the end of the disk, as qemu-img bench does */
	unsigned int share;		/* this part of --count requests: 1/share */
};

static const struct row rows[] = {
	{ "write-4k-fresh", DISK_WRITE, 4096, 1052672, 1 },
	{ "write-4k", DISK_WRITE, 4096, 1052672, 1 },
	{ "read-4k", DISK_READ, 4096, 1052672, 1 },
	{ "write-128k-sequential", DISK_WRITE, 131072, 131072, 16 },
	{ "read-128k-sequential", DISK_READ, 131072, 131072, 16 },
};

struct run {
	struct disk_queue *queue;
	struct disk *disk;
	const struct row *row;
	uint64_t started, finished, count, next;
	int result;
	char *buffer;			/* of all slots, in large pages, as a guest's memory is */
	struct slot { struct disk_request r; struct iovec iov; struct run *run; } slot[DEPTH_MAX];
};

static void start(struct slot *s);

static void on_done(struct disk_request *r, int result)
{
	struct slot *s = (struct slot *)r;

	s->run->finished++;
	if (result < 0)
		s->run->result = result;
	start(s);
}

static uint64_t next_offset(struct run *run)
{
	uint64_t offset = run->next;

	run->next = (run->next + run->row->step) % run->disk->size_bytes;
	return offset > run->disk->size_bytes - run->row->bytes ? 0 : offset;
}

static void start(struct slot *s)
{
	struct run *run = s->run;
	int r;

	if (run->started == run->count || run->result < 0)
		return;
	s->r = (struct disk_request) { .op = run->row->op, .offset = next_offset(run), .iov = &s->iov, .iov_count = 1, .done = on_done };
	s->iov.iov_len = run->row->bytes;
	run->started++;
	r = disk_submit(run->queue, run->disk, &s->r);
	if (r < 0) {
		run->finished++;
		run->result = r;
	}
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run_row(struct run *run, unsigned int depth)
{
	struct pollfd p = { .fd = disk_queue_fd(run->queue), .events = POLLIN };

	disk_queue_hold(run->queue);
	for (unsigned int i = 0; i < depth; i++)
		start(&run->slot[i]);
	disk_queue_release(run->queue);
	while (run->finished < run->started) {
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return -errno;
		disk_queue_reap(run->queue);
	}
	return run->result;
}

static int report_row(const struct options *o, struct run *run, const struct row *row)
{
	double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	int r;

	run->row = row;
	run->count = o->count / row->share;
	run->started = run->finished = 0;
	run->next = 0;
	run->result = 0;
	r = run_row(run, (unsigned int)o->depth);
	wall = seconds(CLOCK_MONOTONIC) - wall;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (r == 0)
		r = disk_flush(run->disk);	/* not counted: qemu-img bench does not flush either */
	if (r < 0)
		return r;
	report_item_begin();
	report_text("row", row->name);
	report_number("requests", run->count);
	report_real("seconds", wall);
	report_number("perSecond", (uint64_t)((double)run->count / wall));
	report_real("cpuMicrosecondsEach", cpu * 1e6 / (double)run->count);
	report_item_end();
	return 0;
}

static int run_all(const struct options *o, struct run *run)
{
	int r = 0;

	run->buffer = aligned_alloc(LARGE_PAGE, (o->depth * REQUEST_MAX + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE);
	if (!run->buffer)
		return -ENOMEM;
	madvise(run->buffer, o->depth * REQUEST_MAX, MADV_HUGEPAGE);
	for (unsigned int i = 0; i < o->depth; i++) {
		run->slot[i].run = run;
		run->slot[i].iov.iov_base = memset(run->buffer + (size_t)i * REQUEST_MAX, (int)i + 1, REQUEST_MAX);
	}
	report_begin(o);
	report_list_begin("rows");
	for (size_t i = 0; r == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!o->row || !strcmp(o->row, rows[i].name))
			r = report_row(o, run, &rows[i]);
	report_list_end();
	report_end();
	return r;
}

int command_bench(const struct options *o)
{
	struct run *run = calloc(1, sizeof(*run));
	struct opened d;
	int r = run ? tool_open(o, o->args[0], o->source_format, true, &d) : -ENOMEM;

	if (r < 0) {
		free(run);
		return tool_fail(o, o->args[0], r);
	}
	run->disk = d.disk;
	r = o->depth == 0 || o->count < 16 || d.disk->size_bytes < 131072 ? -EINVAL : disk_queue_create(&run->queue);
	if (r == 0)
		r = run_all(o, run);
	disk_queue_destroy(run->queue);
	free(run->buffer);
	free(run);
	if (r < 0)
		tool_fail(o, o->args[0], r);
	return disk_close(d.disk) < 0 || r < 0;
}
