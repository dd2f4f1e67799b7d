/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts, and full volumes, while a disk is used. Each state is judged by disk_check(), opened, and read: every sector has what it
 * had at the last flush of the guest or something written later. POWER_CUTS: states, all formats together; POWER_CUT_SEED; with
 * POWER_CUT_QEMU=1 qemu-img repairs and reads VHDX states, too.
 */
#include "power_cut.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void judge(const struct use *u, unsigned int events, uint8_t *data, const char *what)
{
	struct disk_findings f;
	struct disk *d;
	int fd = open_file("state", O_RDONLY);

	check(disk_check(u->kind->format, fd, false, &f, NULL), "check");
	close(fd);
	/* A footer that was on its way is what a power cut may leave of a VHD; everything else must be sound. */
	if (f.errors > (strcmp(u->kind->format, "vhd") == 0))
		fail_msg("%s: after %u events the image is not sound: %s", what, events, disk_error_text());
	check(open_over(u->kind, "state", u->kind->differencing ? "base" : NULL, below(2), &d), what);
	check(disk_read(d, 0, data, d->size_bytes), "read");
	verify(&u->history, events, data, d->size_bytes, what);
	check(disk_close(d), "close state");
}

/* "again" is the state as the power cut left it. */
static void judge_by_qemu(const struct use *u, unsigned int events, uint8_t *data)
{
	char command[512];
	struct image raw = { data, 0 };

	snprintf(command, sizeof(command), "cd %s && qemu-img check -q -r all -f vhdx again >qemu.log 2>&1 && "
		 "qemu-img convert -f vhdx -O raw again state.raw >>qemu.log 2>&1 || { cat qemu.log; exit 1; }", path_of("."));
	if (system(command))
		fail_msg("%s: after %u events qemu-img does not accept the image", u->kind->name, events);
	load(path_of("state.raw"), &raw);
	verify(&u->history, events, data, raw.size, "qemu-img");
}

static void copy_state(void)
{
	char command[300];

	snprintf(command, sizeof(command), "cp %s %s", path_of("state"), path_of("again"));
	if (system(command))
		fail_msg("cp");
}

static void cut_often(const struct use *u, struct cut *c, unsigned int cuts)
{
	static const char *const names[] = { "state" };
	bool qemu = setting("POWER_CUT_QEMU", 0) && !strcmp(u->kind->format, "vhdx") && !u->kind->differencing && u->kind->logical == 512;
	uint8_t *data = malloc(FILE_MAX);

	for (unsigned int i = 0; i < cuts; i++) {	/* from the beginning to the end, each cut a little after the last */
		uint64_t from = (uint64_t)recording.count * i / cuts, to = (uint64_t)recording.count * (i + 1) / cuts;
		unsigned int events = (unsigned int)(from + below(to - from + 1));

		cut_at(c, events, names);
		if (qemu)
			copy_state();
		judge(u, events, data, u->kind->name);
		if (qemu)
			judge_by_qemu(u, events, data);
	}
	free(data);
}

static void test_what_was_flushed_survives(void **state)
{
	static const char *const names[] = { "disk" };
	const struct kind *kind = *state;
	unsigned int cuts = (unsigned int)(setting("POWER_CUTS", 200) / KINDS);
	struct use *u;
	struct cut c;

	random_begin(setting("POWER_CUT_SEED", 12345) + (uint64_t)(kind - kinds));
	u = use_new(kind);
	cut_begin(&c, names, 1);
	use_open(u);
	for (unsigned int i = 0; i < (cuts < 1000 ? 400 : 1500); i++)
		use_once(u);
	use_close(u);
	cut_often(u, &c, cuts);
	forget_recording();
	cut_end(&c);
	use_free(u);
}

/* --- a full volume --- */

/* The same request again, once there is room. */
static void when_there_is_room(struct use *u, int (*run)(struct use *u, uint64_t offset, uint64_t bytes), uint64_t offset, uint64_t bytes)
{
	int r;

	recording.full = below(3) == 0;
	r = run(u, offset, bytes);
	if (recording.full && r < 0) {
		assert_int_equal(r, -ENOSPC);
		recording.full = false;
		r = run(u, offset, bytes);
	}
	recording.full = false;
	check(r, "again, with room");
}

static int run_write(struct use *u, uint64_t offset, uint64_t bytes)
{
	return disk_write(u->disk, offset, u->buffer, bytes);
}

static int run_zero(struct use *u, uint64_t offset, uint64_t bytes)
{
	return disk_zero(u->disk, offset, bytes, false);
}

static int run_flush(struct use *u, uint64_t offset, uint64_t bytes)
{
	(void)offset;
	(void)bytes;
	return disk_flush(u->disk);
}

static void use_full_once(struct use *u, uint8_t *model)
{
	uint64_t offset, bytes, dice = below(10);

	pick_range(u, &offset, &bytes);
	if (dice < 6) {
		sector_fill(u->buffer, (uint32_t)below(1000), ++u->number);
		for (uint64_t at = SECTOR; at < bytes; at += SECTOR)
			memcpy(u->buffer + at, u->buffer, SECTOR);
		memcpy(model + offset, u->buffer, bytes);
		when_there_is_room(u, run_write, offset, bytes);
	} else if (dice < 8) {
		memset(model + offset, 0, bytes);
		when_there_is_room(u, run_zero, offset, bytes);
	} else {
		when_there_is_room(u, run_flush, 0, 0);
	}
	forget_events();
}

static void test_a_full_volume_loses_nothing(void **state)
{
	uint8_t *model = calloc(1, FILE_MAX), *data = malloc(FILE_MAX);
	const struct kind *kind = *state;
	struct use *u;

	random_begin(99 + (uint64_t)(kind - kinds));
	u = use_new(kind);
	use_open(u);
	check(disk_read(u->disk, 0, model, u->history.size_bytes), "read");
	for (int i = 0; i < 600; i++) {
		use_full_once(u, model);
		if (i % 100 == 99) {
			use_close(u);
			use_open(u);
		}
	}
	check(disk_read(u->disk, 0, data, u->history.size_bytes), "read");
	assert_memory_equal(data, model, u->history.size_bytes);
	use_close(u);
	forget_recording();
	use_free(u);
	free(model);
	free(data);
}

#define ROW(test, i)	{ .name = #test "_" #i, .test_func = test, .initial_state = (void *)(uintptr_t)&kinds[i] }
#define ROWS(test)	ROW(test, 0), ROW(test, 1), ROW(test, 2), ROW(test, 3), ROW(test, 4)

int main(void)
{
	const struct CMUnitTest tests[] = { ROWS(test_what_was_flushed_survives), ROWS(test_a_full_volume_loses_nothing) };

	return cmocka_run_group_tests_name("disk-power-cut", tests, make_folder, remove_folder);
}
