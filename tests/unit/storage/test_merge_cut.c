/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts while chains are merged: of a disk that nobody uses, of one in the middle of a chain, and of one that is written to
 * meanwhile. At every cut the chain is readable and has what it has to have. POWER_CUTS, POWER_CUT_SEED as in test_power_cut.c.
 */
#include "power_cut.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/sparse.h"

static struct use *use_some(const struct kind *kind, uint64_t seed, int operations)
{
	struct use *u;

	random_begin(setting("POWER_CUT_SEED", 12345) + seed);
	u = use_new(kind);
	use_open(u);
	for (int i = 0; i < operations; i++)
		use_once(u);
	return u;
}

/* The names are a chain, the topmost first, which NULL ends: does it open, and then, is it the model? */
static bool reads_as(const struct kind *kind, const char *const *names, const uint8_t *model, uint64_t size, uint8_t *data)
{
	struct disk_source chain[3] = { 0 };
	size_t count = 0;
	struct disk *d;

	for (; names[count]; count++)
		chain[count] = (struct disk_source) { kind->format, open_file(names[count], O_RDONLY) };
	if (disk_open_chain(chain, count, true, &d) < 0) {
		while (count > 0)
			close(chain[--count].fd);
		return false;
	}
	check(disk_read(d, 0, data, size), "read chain");
	if (memcmp(data, model, size))
		fail_msg("%s: a chain of %zu reads differently", kind->name, count);
	disk_close(d);
	return true;
}

/* --- of a disk that nobody uses --- */

static void record_merge(const struct kind *kind)
{
	struct disk_source chain[] = { { kind->format, open_file("disk", O_RDWR) }, { kind->format, open_file("base", O_RDWR) } };
	struct disk *child, *parent;

	recording.fd[0] = chain[1].fd;
	check(disk_open_for_merge(chain, 2, &child, &parent), "open for merge");
	check(disk_merge(child, parent, NULL), "merge");
	check(disk_merge_end(child, parent, false), "end of merge");
	record_nothing();
}

static void test_a_merge_cut_anywhere_leaves_the_chain_readable(void **test_state)
{
	static const char *const base[] = { "base" }, *const state[] = { "state" }, *const chain[] = { "disk", "state", NULL };
	unsigned int cuts = (unsigned int)(setting("POWER_CUTS", 200) / 10);
	uint8_t *model = malloc(FILE_MAX), *data = malloc(FILE_MAX);
	const struct kind *kind = *test_state;
	struct use *u = use_some(kind, 7, 150);
	struct cut c;

	check(disk_read(u->disk, 0, model, u->history.size_bytes), "read model");
	use_close(u);
	forget_recording();
	cut_begin(&c, base, 1);
	record_merge(kind);
	for (unsigned int i = 0; i < cuts; i++) {
		unsigned int events = (unsigned int)((uint64_t)recording.count * (i + 1) / cuts);

		cut_at(&c, events, state);
		if (!reads_as(kind, chain, model, u->history.size_bytes, data))
			fail_msg("%s: after %u events of the merge the chain does not open: %s", kind->name, events, disk_error_text());
	}
	forget_recording();
	cut_end(&c);
	use_free(u);
	free(model);
	free(data);
}

/* --- a link leaves the middle of a chain --- */

/* base <- disk <- top, as it was used; *model is what top reads as. */
static void chain_of_three(struct use *u, uint8_t *model)
{
	struct disk_source two[] = {
		{ u->kind->format, open_file("disk", O_RDONLY) }, { u->kind->format, open_file("base", O_RDONLY) },
	};
	struct disk_source three[3];
	struct disk_new n = { .format = u->kind->format, .kind = DISK_DIFFERENCING, .block_bytes = u->kind->block, .parent_relative = "disk" };
	int fd = open_file("top", O_RDWR | O_CREAT | O_TRUNC);
	struct disk *d;

	check(disk_open_chain(two, 2, true, &n.parent), "open middle");
	check(disk_create_image(fd, &n), "create top");
	close(fd);
	disk_close(n.parent);
	three[0] = (struct disk_source) { u->kind->format, open_file("top", O_RDWR) };
	three[1] = (struct disk_source) { u->kind->format, open_file("disk", O_RDONLY) };
	three[2] = (struct disk_source) { u->kind->format, open_file("base", O_RDONLY) };
	check(disk_open_chain(three, 3, false, &d), "open three");
	memset(u->buffer, 0x77, sizeof(u->buffer));
	for (int i = 0; i < 20; i++)
		check(disk_write(d, below(6 * CUT_MIB / SECTOR) * SECTOR, u->buffer, 8 * SECTOR), "write top");
	check(disk_read(d, 0, model, u->history.size_bytes), "read three");
	check(disk_close(d), "close three");
}

/* The middle goes into the base, whose GUID stays; then top names the base, recorded. */
static void record_new_parent(const struct kind *kind)
{
	int fd = open_file("top", O_RDWR);
	struct disk *base;

	record_merge(kind);
	forget_events();
	check(disk_open(kind->format, open_file("base", O_RDONLY), true, &base), "open base");
	recording.fd[0] = fd;
	check(disk_set_parent(kind->format, fd, base, ".\\base", NULL), "set parent");
	record_nothing();
	disk_close(base);
	close(fd);
}

static void test_a_chain_that_loses_its_middle_is_readable_at_every_cut(void **test_state)
{
	static const char *const top[] = { "top" }, *const state[] = { "state" };
	static const char *const long_chain[] = { "state", "disk", "base", NULL }, *const short_chain[] = { "state", "base", NULL };
	uint8_t *model = malloc(FILE_MAX), *data = malloc(FILE_MAX);
	const struct kind *kind = *test_state;
	bool was_short = false, was_long = false, is_short = false;
	struct use *u = use_some(kind, 11, 100);
	struct cut c;

	use_close(u);
	forget_recording();
	chain_of_three(u, model);
	cut_begin(&c, top, 1);
	record_new_parent(kind);
	for (unsigned int events = 0; events <= recording.count; events++) {
		cut_at(&c, events, state);
		is_short = reads_as(kind, short_chain, model, u->history.size_bytes, data);
		was_short |= is_short;
		if (!is_short && !reads_as(kind, long_chain, model, u->history.size_bytes, data))
			fail_msg("%s: after %u of %u events no chain opens: %s", kind->name, events, recording.count, disk_error_text());
		was_long |= !is_short;
	}
	assert_true(was_long && was_short && is_short);
	forget_recording();
	cut_end(&c);
	use_free(u);
	free(model);
	free(data);
}

/* --- of a disk that is written to meanwhile --- */

static struct use *merged;		/* the disk, while it is being merged */
static bool within;			/* a request of ours is being carried out */

static bool writes_are_held(void)
{
	const struct sparse *s = merged->disk->ops->engine(merged->disk);

	return s->through || (s->watch && s->watch->closed);
}

/* The guest: one request, at moments when a merge may be between reading and writing. */
static void use_meanwhile(unsigned int odds)
{
	if (within || writes_are_held() || below(odds))
		return;
	within = true;
	use_data(merged);
	within = false;
}

static void on_write(unsigned int file)
{
	if (file == 1)			/* the parent's */
		use_meanwhile(6);
}

static bool on_step(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)done;
	(void)total;
	use_meanwhile(2);
	return false;
}

static void record_live_merge(struct use *u)
{
	const struct disk_progress p = { on_step, NULL };
	struct live_merge *m;
	int fd = open_file("base", O_RDWR);

	merged = u;
	recording.fd[1] = fd;
	recording.on_write = on_write;
	check(disk_live_merge_begin(u->disk, &m), "begin");
	check(disk_live_merge_run(m, fd, &p), "live merge");
	recording.on_write = NULL;
	for (int i = 0; i < 60; i++)		/* it goes on in the parent */
		use_data(u);
}

/* An empty disk says that all is in its base; before, it lies over it. */
static bool judge_live(const struct use *u, unsigned int events, uint8_t *data)
{
	int fd = open_file("state", O_RDONLY);
	bool is_merged = lseek(fd, 0, SEEK_END) == 0;
	struct disk_findings f;
	struct disk *d;

	close(fd);
	if (is_merged)
		check(open_over(u->kind, "state-base", NULL, below(2), &d), "open base");
	else
		check(open_over(u->kind, "state", "state-base", below(2), &d), "open chain");
	check(disk_read(d, 0, data, d->size_bytes), "read");
	verify(&u->history, events, data, d->size_bytes, is_merged ? "merged" : "not merged");
	check(disk_close(d), "close");
	fd = open_file("state-base", O_RDONLY);
	check(disk_check(u->kind->format, fd, false, &f, NULL), "check");
	close(fd);
	if (f.errors > (strcmp(u->kind->format, "vhd") == 0))	/* its footer may have been on its way */
		fail_msg("%s: after %u events the base is not sound: %s", u->kind->name, events, disk_error_text());
	return is_merged;
}

static void test_a_live_merge_cut_anywhere_leaves_what_was_flushed(void **test_state)
{
	static const char *const files[] = { "disk", "base" }, *const states[] = { "state", "state-base" };
	unsigned int cuts = (unsigned int)(setting("POWER_CUTS", 200) / 4), were_merged = 0;
	uint8_t *data = malloc(FILE_MAX);
	struct use *u = use_some(*test_state, 23, 80);
	struct cut c;

	use_close(u);
	flushed(&u->history);
	forget_events();
	for (unsigned int i = 0; i < u->history.flushes; i++)
		u->history.flush_event[i] = 0;
	for (unsigned int i = 0; i < u->history.count; i++)
		u->history.version[i].event = 0;
	cut_begin(&c, files, 2);
	use_open(u);
	record_live_merge(u);
	for (unsigned int i = 0; i < cuts; i++) {
		unsigned int events = (unsigned int)((uint64_t)recording.count * (i + 1) / cuts);

		cut_at(&c, events, states);
		were_merged += judge_live(u, events, data);
	}
	assert_in_range(were_merged, 1, cuts - 1);
	use_close(u);
	forget_recording();
	cut_end(&c);
	use_free(u);
	free(data);
}

#define ROW(test, i)	{ .name = #test "_" #i, .test_func = test, .initial_state = (void *)(uintptr_t)&kinds[i] }
#define ROWS(test)	ROW(test, 1), ROW(test, 4)		/* the differencing ones */

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROWS(test_a_merge_cut_anywhere_leaves_the_chain_readable),
		ROWS(test_a_chain_that_loses_its_middle_is_readable_at_every_cut),
		ROWS(test_a_live_merge_cut_anywhere_leaves_what_was_flushed),
	};

	return cmocka_run_group_tests_name("disk-merge-cut", tests, make_folder, remove_folder);
}
