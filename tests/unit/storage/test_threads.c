/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many queues on one disk at once: each thread has a queue and a part of the disk, and checks what it reads, while another
 * thread resizes and flushes. Worth running under -fsanitize=thread, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/manage.h"

#define MIB		(1u << 20)
#define THREADS		4u
#define PART		(6ull * MIB)
#define DEPTH		8u
#define UNIT		4096u

static char folder[] = "/tmp/partita-threads-XXXXXX";

struct job {
	struct disk_request r;
	struct iovec iov;
	struct user *user;
	uint64_t unit;			/* of the user's part */
	bool busy;
	uint8_t data[UNIT];
};

struct user {
	pthread_t thread;
	struct disk *disk;
	struct disk_queue *queue;
	uint64_t first, random;		/* where its part begins */
	unsigned int left, in_flight, wrong, errors;
	uint8_t version[PART / UNIT];	/* what each unit holds; 0: zeros */
	bool taken[PART / UNIT];
	struct job job[DEPTH];
};

static void done(struct disk_request *r, int result)
{
	struct job *j = (struct job *)r;
	struct user *u = j->user;

	j->busy = false;
	u->in_flight--;
	u->errors += result < 0;
	if (r->op == DISK_FLUSH)
		return;
	u->taken[j->unit] = false;
	for (unsigned int i = 0; r->op == DISK_READ && i < UNIT; i++)
		if (j->data[i] != u->version[j->unit]) {
			u->wrong++;
			break;
		}
}

static uint64_t below(struct user *u, uint64_t limit)
{
	u->random ^= u->random << 13;
	u->random ^= u->random >> 7;
	u->random ^= u->random << 17;
	return u->random % limit;
}

static void start(struct user *u, struct job *j)
{
	static const int ops[] = { DISK_READ, DISK_READ, DISK_READ, DISK_WRITE, DISK_WRITE, DISK_WRITE, DISK_WRITE_ZEROES, DISK_FLUSH };

	j->unit = below(u, PART / UNIT);
	if (u->taken[j->unit])
		return;
	j->r = (struct disk_request) {
		.op = ops[below(u, 8)], .offset = u->first + j->unit * UNIT, .bytes = UNIT, .iov = &j->iov, .iov_count = 1, .done = done,
		.flags = below(u, 64) == 0 ? DISK_FUA : 0,
	};
	j->iov = (struct iovec) { j->data, UNIT };
	j->user = u;
	j->busy = true;
	u->left--;
	u->in_flight++;
	if (j->r.op == DISK_WRITE) {
		u->version[j->unit] = (uint8_t)(1 + below(u, 255));
		memset(j->data, u->version[j->unit], UNIT);
	}
	if (j->r.op == DISK_WRITE_ZEROES)
		u->version[j->unit] = 0;
	if (j->r.op != DISK_FLUSH)
		u->taken[j->unit] = true;
	if (disk_submit(u->queue, u->disk, &j->r) < 0)
		done(&j->r, -EIO);
}

static void *use(void *context)
{
	struct user *u = context;
	struct pollfd p = { .fd = disk_queue_fd(u->queue), .events = POLLIN };

	while (u->left || u->in_flight) {
		for (unsigned int i = 0; i < DEPTH && u->left; i++)
			if (!u->job[i].busy)
				start(u, &u->job[i]);
		if (u->in_flight && poll(&p, 1, 30000) <= 0) {
			u->errors++;
			break;
		}
		disk_queue_reap(u->queue);
	}
	return NULL;
}

/* Whole blocks of a part that nobody uses come and go, so that their places are used again by the others. */
static void disturb(struct disk *d)
{
	static uint8_t data[MIB];
	uint64_t offset = THREADS * PART;

	memset(data, 0xee, sizeof(data));
	for (unsigned int i = 0; i < 24; i++) {
		assert_int_equal(disk_write(d, offset, data, sizeof(data)), 0);
		assert_int_equal(disk_zero(d, offset, sizeof(data), true), 0);
		assert_int_equal(disk_flush(d), 0);
		if (i % 8 == 0 && strcmp(d->format, "vhd"))
			assert_int_equal(disk_resize(d, d->size_bytes + MIB), 0);
	}
}

/* What they wrote is there when they have ended, in whatever file it is by then. */
static void check_contents(const struct user *u)
{
	static uint8_t data[PART];

	assert_int_equal(disk_read(u->disk, u->first, data, PART), 0);
	for (unsigned int at = 0; at < PART; at++)
		if (data[at] != u->version[at / UNIT])
			fail_msg("byte %u of the part at %llu is %u, not %u", at, (unsigned long long)u->first, data[at],
				 u->version[at / UNIT]);
}

/* The users are the caller's. */
static struct user *run_with(struct disk *d, void (*meanwhile)(struct disk *d))
{
	struct user *u = calloc(THREADS, sizeof(*u));
	const char *requests = getenv("THREAD_REQUESTS");

	for (unsigned int i = 0; i < THREADS; i++) {
		u[i].disk = d;
		u[i].first = i * PART;
		u[i].random = 77 + i;
		u[i].left = requests ? (unsigned int)strtoul(requests, NULL, 0) : 1500;
		assert_int_equal(disk_queue_create(&u[i].queue), 0);
		assert_int_equal(pthread_create(&u[i].thread, NULL, use, &u[i]), 0);
	}
	meanwhile(d);
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(u[i].thread, NULL);
		assert_int_equal(u[i].errors, 0);
		assert_int_equal(u[i].wrong, 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		disk_queue_destroy(u[i].queue);
		check_contents(&u[i]);
	}
	return u;
}

static void run_on(struct disk *d)
{
	free(run_with(d, disturb));
}

static int new_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static void test_queues_do_not_disturb_each_other(void **state)
{
	const char *format = *state;
	const struct disk_new n = { .format = format, .kind = DISK_DYNAMIC, .size_bytes = THREADS * PART + 2 * MIB, .block_bytes = MIB };
	struct disk_findings f;
	int fd = new_file("disk"), copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	struct disk *d;

	assert_int_equal(disk_create_image(fd, &n), 0);
	assert_int_equal(disk_open(format, fd, false, &d), 0);
	run_on(d);
	assert_int_equal(disk_close(d), 0);
	assert_int_equal(disk_check(format, copy, false, &f, NULL), 0);
	assert_int_equal(f.errors, 0);
	close(copy);
}

static void test_queues_of_a_differencing_disk_do_not_disturb_each_other(void **state)
{
	struct disk_new n = {
		.format = *state, .kind = DISK_DYNAMIC, .size_bytes = THREADS * PART + 2 * MIB, .block_bytes = MIB, .parent_relative = "base",
	};
	struct disk_source chain[2] = { { *state, new_file("child") }, { *state, new_file("base") } };
	struct disk *d;

	assert_int_equal(disk_create_image(chain[1].fd, &n), 0);
	assert_int_equal(disk_open(*state, fcntl(chain[1].fd, F_DUPFD_CLOEXEC, 3), true, &n.parent), 0);
	n.kind = DISK_DIFFERENCING;
	assert_int_equal(disk_create_image(chain[0].fd, &n), 0);
	disk_close(n.parent);
	assert_int_equal(disk_open_chain(chain, 2, false, &d), 0);
	run_on(d);
	assert_int_equal(disk_close(d), 0);
}

/* --- a chain shrinks while it is used --- */

#define LEVELS	3u

static char level_name[LEVELS][8] = { "top", "middle", "base" };

static int level_open(unsigned int level, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, level_name[level]);
	return open(path, flags | O_CLOEXEC);
}

/* The chain from `level` down. */
static struct disk *levels_open(const char *format, unsigned int level, bool read_only)
{
	struct disk_source chain[LEVELS];
	size_t count = 0;
	struct disk *d;

	for (; level + count < LEVELS; count++)
		chain[count] = (struct disk_source) { format, level_open(level + (unsigned int)count, count || read_only ? O_RDONLY : O_RDWR) };
	assert_int_equal(disk_open_chain(chain, count, read_only, &d), 0);
	return d;
}

static void levels_create(const char *format)
{
	struct disk_new n = { .format = format, .kind = DISK_DYNAMIC, .size_bytes = THREADS * PART + 2 * MIB, .block_bytes = MIB };

	for (unsigned int level = LEVELS; level-- > 0; ) {
		int fd = new_file(level_name[level]);

		n.parent = n.kind == DISK_DIFFERENCING ? levels_open(format, level + 1, true) : NULL;
		n.parent_relative = n.parent ? level_name[level + 1] : NULL;
		assert_int_equal(disk_create_image(fd, &n), 0);
		disk_close(n.parent);
		close(fd);
		n.kind = DISK_DIFFERENCING;
	}
}

static bool stop_at_once(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)done;
	(void)total;
	return true;
}

static int merge_live(struct disk *d, int parent_fd, const struct disk_progress *p)
{
	struct live_merge *m, *second;
	int r = disk_live_merge_begin(d, &m);

	if (r < 0) {
		close(parent_fd);
		return r;
	}
	assert_int_equal(disk_live_merge_begin(d, &second), -EBUSY);
	return disk_live_merge_run(m, parent_fd, p);
}

static void merge_all_levels(struct disk *d)
{
	const struct disk_progress stops = { stop_at_once, NULL };
	static uint8_t data[UNIT];

	assert_int_equal(disk_write(d, THREADS * PART, data, sizeof(data)), 0);	/* there is something to copy */
	assert_int_equal(merge_live(d, level_open(0, O_RDWR), NULL), -EXDEV);	/* not its parent's file */
	for (unsigned int level = 1; level < LEVELS; level++) {
		assert_int_equal(merge_live(d, level_open(level, O_RDWR), &stops), -ECANCELED);
		assert_int_equal(merge_live(d, level_open(level, O_RDWR), NULL), 0);
	}
	assert_int_equal(merge_live(d, level_open(0, O_RDWR), NULL), -EINVAL);	/* nothing is below */
}

static void test_a_chain_is_merged_while_it_is_used(void **state)
{
	struct disk_findings f;
	struct user *u;
	struct disk *d;
	int fd;

	levels_create(*state);
	d = levels_open(*state, 0, false);
	u = run_with(d, merge_all_levels);
	assert_int_equal(disk_close(d), 0);
	for (unsigned int level = 0; level + 1 < LEVELS; level++) {
		fd = level_open(level, O_RDONLY);
		assert_int_equal(lseek(fd, 0, SEEK_END), 0);
		close(fd);
	}
	d = levels_open(*state, LEVELS - 1, true);
	for (unsigned int i = 0; i < THREADS; i++) {
		u[i].disk = d;
		check_contents(&u[i]);
	}
	disk_close(d);
	fd = level_open(LEVELS - 1, O_RDONLY);
	assert_int_equal(disk_check(*state, fd, false, &f, NULL), 0);
	assert_int_equal(f.errors, 0);
	close(fd);
	free(u);
}

static sem_t merge_began;

static bool tell_beginning(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)total;
	if (done == 0)
		sem_post(&merge_began);
	return false;
}

static void *merge_on_a_thread(void *context)
{
	const struct disk_progress p = { tell_beginning, NULL };

	return (void *)(intptr_t)merge_live(context, level_open(1, O_RDWR), &p);
}

/* Whichever of the two comes first: what was written is there. */
static void test_closing_a_disk_ends_its_merge(void **state)
{
	static uint8_t data[MIB], back[MIB];
	pthread_t thread;
	struct disk *d;
	void *result;

	levels_create(*state);
	d = levels_open(*state, 0, false);
	memset(data, 0x5a, sizeof(data));
	for (unsigned int i = 0; i < THREADS * PART / MIB; i++)
		assert_int_equal(disk_write(d, (uint64_t)i * MIB, data, MIB), 0);
	sem_init(&merge_began, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, merge_on_a_thread, d), 0);
	sem_wait(&merge_began);
	assert_int_equal(disk_close(d), 0);
	pthread_join(thread, &result);
	assert_true((intptr_t)result == 0 || (intptr_t)result == -ECANCELED);
	d = levels_open(*state, (intptr_t)result == 0 ? 1 : 0, true);
	for (unsigned int i = 0; i < THREADS * PART / MIB; i++) {
		assert_int_equal(disk_read(d, (uint64_t)i * MIB, back, MIB), 0);
		assert_memory_equal(back, data, MIB);
	}
	disk_close(d);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

#define ROW(test, format)	{ .name = #test "_" format, .test_func = test, .initial_state = (void *)(uintptr_t)format }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_queues_do_not_disturb_each_other, "raw"), ROW(test_queues_do_not_disturb_each_other, "vhd"),
		ROW(test_queues_do_not_disturb_each_other, "vhdx"),
		ROW(test_queues_of_a_differencing_disk_do_not_disturb_each_other, "vhd"),
		ROW(test_queues_of_a_differencing_disk_do_not_disturb_each_other, "vhdx"),
		ROW(test_a_chain_is_merged_while_it_is_used, "vhd"), ROW(test_a_chain_is_merged_while_it_is_used, "vhdx"),
		ROW(test_closing_a_disk_ends_its_merge, "vhd"), ROW(test_closing_a_disk_ends_its_merge, "vhdx"),
	};

	return cmocka_run_group_tests_name("disk-threads", tests, make_folder, remove_folder);
}
