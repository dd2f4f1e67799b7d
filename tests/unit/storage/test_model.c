/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on virtual disks of every format against a plain array: reads, writes, zeroes and trims, synchronous and
 * through queues, with snapshots, merges, compaction, resizing and reopening. MODEL_OPS sets how many operations (all formats
 * together), MODEL_SEED where the random numbers start; a failure names both. MODEL_KEEP=DIR leaves the disks there with what
 * they must contain, for other readers to judge.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/manage.h"

#define KIB		1024u
#define MIB		(1u << 20)
#define SIZE_MAX_BYTES	(20u * MIB)
#define LEVELS_MAX	5
#define BATCH_MAX	16
#define QUEUES		2

struct kind {
	const char *name, *format;
	enum disk_kind kind;
	uint32_t block, child_block, logical;
	uint64_t size;
	bool chains, grows, direct;
};

static const struct kind kinds[] = {
	{ "raw",          "raw",  DISK_FIXED,   0,         0,         512,  9 * MIB + 1536,     false, true,  false },
	{ "vhd-fixed",    "vhd",  DISK_FIXED,   0,         0,         512,  5 * MIB + 512,      false, true,  false },
	{ "vhd-dynamic",  "vhd",  DISK_DYNAMIC, 512 * KIB, 512 * KIB, 512,  9 * MIB + 7 * 512,  true,  false, false },
	{ "vhd-2m",       "vhd",  DISK_DYNAMIC, 2 * MIB,   1 * MIB,   512,  15 * MIB,           true,  false, true },
	{ "vhdx-fixed",   "vhdx", DISK_FIXED,   1 * MIB,   0,         512,  7 * MIB + 512,      false, true,  false },
	{ "vhdx-1m",      "vhdx", DISK_DYNAMIC, 1 * MIB,   1 * MIB,   512,  9 * MIB + 3 * 512,  true,  true,  false },
	{ "vhdx-4k",      "vhdx", DISK_DYNAMIC, 2 * MIB,   1 * MIB,   4096, 15 * MIB + 8192,    true,  true,  false },
	{ "vhdx-32m",     "vhdx", DISK_DYNAMIC, 32 * MIB,  2 * MIB,   512,  11 * MIB,           true,  true,  false },
	{ "vhdx-direct",  "vhdx", DISK_DYNAMIC, 1 * MIB,   2 * MIB,   512,  9 * MIB,            true,  true,  true },
};

struct world {
	const struct kind *kind;
	struct disk *disk;
	struct disk_queue *queue[QUEUES];
	unsigned int level;		/* snapshots over the base */
	uint64_t size, random;
	uint8_t *model, *scratch;
	unsigned int operation;
};

static char folder[64];

static uint64_t next_random(struct world *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

static uint64_t below(struct world *w, uint64_t limit)
{
	return next_random(w) % limit;
}

static const char *image_name(const struct world *w, unsigned int level)
{
	static char name[2][128];
	static unsigned int turn;
	char *to = name[turn++ % 2];

	snprintf(to, sizeof(name[0]), "%s/%s-%u", folder, w->kind->name, level);
	return to;
}

static void check(struct world *w, int r, const char *what)
{
	if (r < 0)
		fail_msg("%s: operation %u: %s: %s (%s)", w->kind->name, w->operation, what, strerror(-r), disk_error_text());
}

/* --- the chain of files --- */

static size_t open_files(struct world *w, struct disk_source *chain, bool all_writable)
{
	for (unsigned int level = w->level + 1; level-- > 0; ) {
		bool writable = all_writable || level == w->level;
		int fd = open(image_name(w, level), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | (w->kind->direct ? O_DIRECT : 0));

		assert_true(fd >= 0);
		chain[w->level - level] = (struct disk_source) { w->kind->format, fd };
	}
	return w->level + 1;
}

static void open_disk(struct world *w)
{
	struct disk_source chain[LEVELS_MAX + 1];
	size_t count = open_files(w, chain, false);

	check(w, disk_open_chain(chain, count, false, &w->disk), "open");
	assert_int_equal(w->disk->size_bytes, w->size);
	assert_int_equal(w->disk->logical_sector, w->kind->logical);
}

static void close_disk(struct world *w)
{
	check(w, disk_close(w->disk), "close");
	w->disk = NULL;
}

static void make_base(struct world *w)
{
	const struct disk_new n = {
		.format = w->kind->format, .kind = w->kind->kind, .size_bytes = w->size, .block_bytes = w->kind->block,
		.logical_sector = strcmp(w->kind->format, "vhdx") ? 0 : w->kind->logical,
	};
	int fd = open(image_name(w, 0), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(w, disk_create_image(fd, &n), "create");
	close(fd);
}

/* --- what can be done --- */

static void pick_range(struct world *w, uint64_t *offset, uint64_t *bytes)
{
	uint32_t sector = w->kind->logical;
	uint64_t sectors = w->size / sector, most = below(w, 20) == 0 ? 3 * MIB / sector : 64 * 512 / sector, first;

	first = below(w, sectors);
	*bytes = 1 + below(w, most);
	if (below(w, 16) == 0 && w->kind->block) {	/* whole blocks */
		first = first * sector / w->kind->block * w->kind->block / sector;
		*bytes = (1 + below(w, 2)) * (w->kind->block / sector);
	}
	if (*bytes > sectors - first)
		*bytes = sectors - first;
	*offset = first * sector;
	*bytes *= sector;
}

static void fill(struct world *w, uint8_t *to, uint64_t bytes)
{
	uint64_t x = next_random(w);

	for (uint64_t at = 0; at < bytes; at += 8, x = x * 6364136223846793005u + 1442695040888963407u)
		memcpy(to + at, &x, 8);
}

static void compare(struct world *w, const uint8_t *got, uint64_t offset, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += 512)
		if (memcmp(got + at, w->model + offset + at, 512))
			fail_msg("%s: operation %u: wrong data at %llu (level %u)", w->kind->name, w->operation,
				 (unsigned long long)(offset + at), w->level);
}

/* After a trim a sector is as before, or zero. */
static void adopt_trim(struct world *w, uint64_t offset, uint64_t bytes)
{
	static const uint8_t zeros[512];

	check(w, disk_read(w->disk, offset, w->scratch, bytes), "read after trim");
	for (uint64_t at = 0; at < bytes; at += 512) {
		if (!memcmp(w->scratch + at, zeros, 512))
			memset(w->model + offset + at, 0, 512);
		if (memcmp(w->scratch + at, w->model + offset + at, 512))
			fail_msg("%s: operation %u: wrong data after trim at %llu", w->kind->name, w->operation,
				 (unsigned long long)(offset + at));
	}
}

static void do_read(struct world *w)
{
	uint64_t offset, bytes;

	pick_range(w, &offset, &bytes);
	check(w, disk_read(w->disk, offset, w->scratch, bytes), "read");
	compare(w, w->scratch, offset, bytes);
}

static void do_write(struct world *w)
{
	uint64_t offset, bytes;

	pick_range(w, &offset, &bytes);
	fill(w, w->model + offset, bytes);
	check(w, disk_write(w->disk, offset, w->model + offset, bytes), "write");
}

static void do_zero(struct world *w)
{
	uint64_t offset, bytes;

	pick_range(w, &offset, &bytes);
	memset(w->model + offset, 0, bytes);
	check(w, disk_zero(w->disk, offset, bytes, false), "write zeroes");
}

static void do_trim(struct world *w)
{
	uint64_t offset, bytes;

	pick_range(w, &offset, &bytes);
	check(w, disk_zero(w->disk, offset, bytes, true), "trim");
	adopt_trim(w, offset, bytes);
}

static void do_flush(struct world *w)
{
	check(w, disk_flush(w->disk), "flush");
}

static void do_reopen(struct world *w)
{
	close_disk(w);
	open_disk(w);
}

/* --- through the queues --- */

struct tracked {
	struct disk_request r;
	struct iovec iov[4];
	uint8_t *data;
	uint64_t offset, bytes;
	unsigned int *left;
	int result;
};

static void on_done(struct disk_request *r, int result)
{
	struct tracked *t = (struct tracked *)r;

	t->result = result;
	--*t->left;
}

/* Pieces of any size: unaligned memory, too. */
static unsigned int cut(struct world *w, struct tracked *t)
{
	uint64_t at = 0;
	unsigned int n = 0;

	while (n < 3 && t->bytes - at > 64) {
		uint64_t piece = 1 + below(w, t->bytes - at - 1);

		t->iov[n++] = (struct iovec) { t->data + at, piece };
		at += piece;
	}
	if (at < t->bytes)
		t->iov[n++] = (struct iovec) { t->data + at, t->bytes - at };
	return n;
}

static void submit_one(struct world *w, struct tracked *t, uint64_t first, uint64_t sectors, unsigned int *left)
{
	static const int ops[] = { DISK_READ, DISK_READ, DISK_WRITE, DISK_WRITE, DISK_WRITE, DISK_WRITE_ZEROES, DISK_TRIM, DISK_FLUSH };
	uint32_t sector = w->kind->logical;

	t->left = left;
	t->bytes = (1 + below(w, sectors < 300 ? sectors : 300)) * sector;
	t->offset = first * sector;
	t->data = w->scratch + t->offset + below(w, 2);		/* every request has its own part of it */
	if (t->bytes / sector == sectors)
		t->data = w->scratch + t->offset;
	t->r = (struct disk_request) { .op = ops[below(w, sizeof(ops) / sizeof(ops[0]))], .offset = t->offset, .done = on_done };
	t->r.flags = t->r.op != DISK_READ && below(w, 8) == 0 ? DISK_FUA : 0;
	t->r.bytes = t->bytes;
	if (t->r.op == DISK_WRITE) {
		fill(w, w->model + t->offset, t->bytes);
		memcpy(t->data, w->model + t->offset, t->bytes);
	}
	t->r.iov = t->iov;
	t->r.iov_count = cut(w, t);
	++*left;
	check(w, disk_submit(w->queue[below(w, QUEUES)], w->disk, &t->r), "submit");
}

static void wait_all(struct world *w, const unsigned int *left)
{
	struct pollfd p[QUEUES];

	for (int i = 0; i < QUEUES; i++)
		p[i] = (struct pollfd) { .fd = disk_queue_fd(w->queue[i]), .events = POLLIN };
	while (*left) {
		if (poll(p, QUEUES, 20000) <= 0)
			fail_msg("%s: operation %u: %u requests never ended", w->kind->name, w->operation, *left);
		for (int i = 0; i < QUEUES; i++)
			disk_queue_reap(w->queue[i]);
	}
}

static void do_batch(struct world *w)
{
	static struct tracked tracked[BATCH_MAX];
	unsigned int count = 1 + (unsigned int)below(w, BATCH_MAX), left = 0;
	uint64_t share = w->size / w->kind->logical / count;
	bool hold = below(w, 2);

	for (int i = 0; hold && i < QUEUES; i++)
		disk_queue_hold(w->queue[i]);
	for (unsigned int i = 0; i < count; i++)
		submit_one(w, &tracked[i], i * share, share, &left);
	for (int i = 0; hold && i < QUEUES; i++)
		disk_queue_release(w->queue[i]);
	wait_all(w, &left);
	for (unsigned int i = 0; i < count; i++) {
		struct tracked *t = &tracked[i];

		check(w, t->result, "request");
		if (t->r.op == DISK_READ)
			compare(w, t->data, t->offset, t->bytes);
		else if (t->r.op == DISK_WRITE_ZEROES)
			memset(w->model + t->offset, 0, t->bytes);
	}
	for (unsigned int i = 0; i < count; i++)	/* uses scratch */
		if (tracked[i].r.op == DISK_TRIM)
			adopt_trim(w, tracked[i].offset, tracked[i].bytes);
}

/* --- management --- */

static void do_snapshot(struct world *w)
{
	char relative[64];
	struct disk_new n = {
		.format = w->kind->format, .kind = DISK_DIFFERENCING, .block_bytes = w->kind->child_block, .parent_relative = relative,
	};
	int fd;

	if (!w->kind->chains || w->level == LEVELS_MAX)
		return;
	snprintf(relative, sizeof(relative), ".\\%s-%u", w->kind->name, w->level);
	close_disk(w);
	open_disk(w);		/* its GUID for children is the one on the disk */
	n.parent = w->disk;
	fd = open(image_name(w, w->level + 1), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(w, disk_create_image(fd, &n), "create differencing");
	close(fd);
	close_disk(w);
	w->level++;
	open_disk(w);
}

static bool stop_now(void *context, uint64_t done, uint64_t total)
{
	(void)done;
	(void)total;
	return --*(int *)context < 0;
}

/* Now and then stopped half way: then the child must be what it was. */
static void do_merge(struct world *w)
{
	int steps = (int)below(w, 2) ? 1 + (int)below(w, 12) : 1000000, r;
	const struct disk_progress progress = { stop_now, &steps };
	struct disk_source chain[LEVELS_MAX + 1];
	struct disk *child, *parent;
	size_t count;

	if (w->level == 0)
		return;
	close_disk(w);
	count = open_files(w, chain, true);
	check(w, disk_open_for_merge(chain, count, &child, &parent), "open for merge");
	r = disk_merge(child, parent, &progress);
	if (r != -ECANCELED)
		check(w, r, "merge");
	check(w, disk_merge_end(child, parent, r == 0), "end of merge");
	if (r == 0)
		unlink(image_name(w, w->level--));
	open_disk(w);
}

static void do_compact(struct world *w)
{
	int steps = 1 + (int)below(w, 30), r;
	const struct disk_progress progress = { stop_now, &steps };

	if (w->kind->kind == DISK_FIXED)
		return;
	r = disk_compact(w->disk, &progress);
	if (r != -ECANCELED)
		check(w, r, "compact");
}

static unsigned int resizes;

static void resized(struct disk *d, void *context)
{
	(void)d;
	(void)context;
	resizes++;
}

static void do_resize(struct world *w)
{
	uint64_t size = w->size + (1 + below(w, 64)) * w->kind->logical * 8;
	unsigned int before = resizes;

	if (!w->kind->grows || w->level || size > SIZE_MAX_BYTES)
		return;
	disk_on_resize(w->disk, resized, NULL);
	check(w, disk_resize(w->disk, size), "resize");
	assert_int_equal(resizes, before + 1);
	memset(w->model + w->size, 0, size - w->size);
	w->size = size;
	assert_int_equal(w->disk->size_bytes, size);
}

static void do_check(struct world *w)
{
	struct disk_findings f;

	close_disk(w);
	for (unsigned int level = 0; level <= w->level; level++) {
		int fd = open(image_name(w, level), O_RDONLY | O_CLOEXEC);

		check(w, disk_check(w->kind->format, fd, false, &f, NULL), "check");
		close(fd);
		if (f.errors)
			fail_msg("%s: operation %u: level %u is not sound: %s", w->kind->name, w->operation, level, disk_error_text());
	}
	open_disk(w);
}

static const struct { unsigned int weight; void (*run)(struct world *w); } operations[] = {
	{ 380, do_write }, { 220, do_read }, { 60, do_zero }, { 60, do_trim }, { 40, do_flush }, { 14, do_reopen }, { 200, do_batch },
	{ 6, do_snapshot }, { 6, do_merge }, { 4, do_compact }, { 4, do_resize }, { 6, do_check },
};

static void (*pick_operation(struct world *w))(struct world *)
{
	uint64_t at = below(w, 1000);

	for (size_t i = 0; ; i++) {
		if (at < operations[i].weight)
			return operations[i].run;
		at -= operations[i].weight;
	}
}

/* --- one format --- */

static uint64_t setting(const char *name, uint64_t standard)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : standard;
}

static void compare_all(struct world *w)
{
	check(w, disk_read(w->disk, 0, w->scratch, w->size), "read all");
	compare(w, w->scratch, 0, w->size);
}

static void keep(struct world *w)
{
	const char *where = getenv("MODEL_KEEP");
	char name[256];
	int fd;

	for (unsigned int level = 0; !where && level <= w->level; level++)
		unlink(image_name(w, level));
	if (!where)
		return;
	snprintf(name, sizeof(name), "%s/%s.model", folder, w->kind->name);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, w->model, w->size), (ssize_t)w->size);
	close(fd);
}

static void run_kind(const struct kind *kind, unsigned int count, uint64_t seed)
{
	struct world w = {
		.kind = kind, .size = kind->size, .random = seed, .model = calloc(1, SIZE_MAX_BYTES + 4096),
		.scratch = aligned_alloc(4096, SIZE_MAX_BYTES + 4096),
	};

	assert_non_null(w.model);
	assert_non_null(w.scratch);
	for (int i = 0; i < QUEUES; i++)
		assert_int_equal(disk_queue_create(&w.queue[i]), 0);
	make_base(&w);
	open_disk(&w);
	for (w.operation = 0; w.operation < count; w.operation++)
		pick_operation(&w)(&w);
	compare_all(&w);
	do_check(&w);
	do_reopen(&w);
	compare_all(&w);
	close_disk(&w);
	for (int i = 0; i < QUEUES; i++)
		disk_queue_destroy(w.queue[i]);
	keep(&w);
	free(w.model);
	free(w.scratch);
}

static void test_a_disk_is_what_was_written_to_it(void **state)
{
	const struct kind *kind = *state;
	uint64_t seed = setting("MODEL_SEED", 0x9e3779b97f4a7c15);
	size_t count = sizeof(kinds) / sizeof(kinds[0]);

	run_kind(kind, (unsigned int)(setting("MODEL_OPS", 27000) / count), seed + (uint64_t)(kind - kinds));
}

static int make_folder(void **state)
{
	const char *where = getenv("MODEL_KEEP");

	(void)state;
	if (where) {
		snprintf(folder, sizeof(folder), "%s", where);
		return 0;
	}
	snprintf(folder, sizeof(folder), "%s/partita-model-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return getenv("MODEL_KEEP") ? 0 : system(command);
}

int main(void)
{
	struct CMUnitTest tests[sizeof(kinds) / sizeof(kinds[0])];
	static char names[sizeof(kinds) / sizeof(kinds[0])][64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(names[i], sizeof(names[i]), "test_a_disk_is_what_was_written_to_it_%s", kinds[i].name);
		tests[i] = (struct CMUnitTest) {
			.name = names[i], .test_func = test_a_disk_is_what_was_written_to_it,
			.initial_state = (void *)(uintptr_t)&kinds[i],
		};
	}
	return cmocka_run_group_tests_name("disk-model", tests, make_folder, remove_folder);
}
