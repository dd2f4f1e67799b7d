/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts. Every write, size change, hole and flush of the image files is recorded while a disk is used; then files are put
 * together as a power cut could have left them: what was before the last flush is there; of what came after it, any sectors
 * may be, in any order. Each such state is judged by disk_check(), opened, and read: every sector has what it had at the last
 * flush of the guest or something written later. POWER_CUTS: states, all formats together; POWER_CUT_SEED; with
 * POWER_CUT_QEMU=1 qemu-img repairs and reads VHDX states, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/manage.h"

#define KIB		1024u
#define MIB		(1u << 20)
#define SECTOR		512u
#define FILE_MAX	(48u * MIB)
#define EVENTS_MAX	60000u

/* --- the recorder: libc's calls, as the library makes them --- */

enum event_type { EVENT_WRITE, EVENT_SIZE, EVENT_ZERO, EVENT_SYNC };

struct event {
	enum event_type type;
	uint64_t offset, bytes;
	uint8_t *data;
};

struct recording {
	int fd;				/* what is recorded; -1: nothing */
	struct event *event;
	unsigned int count;
};

static struct recording recording = { .fd = -1 };
static bool volume_is_full;		/* writes to the recorded file and longer sizes fail */

static bool no_room(int fd)
{
	if (!volume_is_full || fd != recording.fd)
		return false;
	errno = ENOSPC;
	return true;
}

static void record(int fd, enum event_type type, uint64_t offset, uint64_t bytes, const void *data)
{
	struct event *e;

	if (fd != recording.fd)
		return;
	assert_true(recording.count < EVENTS_MAX);
	e = &recording.event[recording.count++];
	*e = (struct event) { type, offset, bytes, NULL };
	if (data) {
		e->data = malloc(bytes);
		memcpy(e->data, data, bytes);
	}
}

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t offset)
{
	if (no_room(fd))
		return -1;
	record(fd, EVENT_WRITE, (uint64_t)offset, bytes, from);
	return syscall(SYS_pwrite64, fd, from, bytes, offset);
}

int ftruncate(int fd, off_t bytes)
{
	if (no_room(fd))
		return -1;
	record(fd, EVENT_SIZE, 0, (uint64_t)bytes, NULL);
	return (int)syscall(SYS_ftruncate, fd, bytes);
}

int fdatasync(int fd)
{
	record(fd, EVENT_SYNC, 0, 0, NULL);
	return 0;
}

int fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	uint8_t *zeros = calloc(1, (size_t)bytes);

	(void)mode;
	record(fd, EVENT_ZERO, (uint64_t)offset, (uint64_t)bytes, NULL);
	syscall(SYS_pwrite64, fd, zeros, bytes, offset);
	free(zeros);
	return 0;
}

/* --- states of a file --- */

struct image { uint8_t *data; uint64_t size; };

static uint64_t random_state;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t below(uint64_t limit)
{
	return next_random() % limit;
}

/* Bytes beyond the size are zeros always. */
static void image_resize(struct image *i, uint64_t size)
{
	if (size < i->size)
		memset(i->data + size, 0, i->size - size);
	i->size = size;
}

static void image_put(struct image *i, uint64_t offset, uint64_t bytes, const uint8_t *data)
{
	if (offset + bytes > i->size)
		i->size = offset + bytes;
	if (data)
		memcpy(i->data + offset, data, bytes);
	else
		memset(i->data + offset, 0, bytes);
}

static void apply(struct image *i, const struct event *e)
{
	if (e->type == EVENT_SIZE)
		image_resize(i, e->bytes);
	else if (e->type == EVENT_WRITE)
		image_put(i, e->offset, e->bytes, e->data);
	else if (e->type == EVENT_ZERO && e->offset < i->size)
		image_put(i, e->offset, e->offset + e->bytes > i->size ? i->size - e->offset : e->bytes, NULL);
}

/* Each sector of it, or not. */
static void apply_torn(struct image *i, const struct event *e)
{
	uint64_t odds = 1 + below(4);

	if (e->type == EVENT_SIZE && below(2))
		image_resize(i, e->bytes);
	for (uint64_t at = 0; e->type != EVENT_SIZE && at < e->bytes; at += SECTOR) {
		uint64_t n = e->bytes - at < SECTOR ? e->bytes - at : SECTOR;
		const struct event part = { e->type, e->offset + at, n, e->data ? e->data + at : NULL };

		if (below(odds + 1))
			apply(i, &part);
	}
}

/* --- the disk's history: which versions a sector may have --- */

struct version { uint32_t sector, number, event, after_flush; bool maybe; };

struct history {
	struct version *version;
	unsigned int count;
	uint32_t flushes;		/* completed */
	uint32_t *flush_event;		/* recorded events when each was done */
	uint64_t size_bytes;		/* at the end */
	uint64_t least_bytes;		/* before it was grown */
};

static void history_add(struct history *h, uint64_t offset, uint64_t bytes, uint32_t number, bool maybe)
{
	for (uint64_t sector = offset / SECTOR; sector < (offset + bytes) / SECTOR; sector++) {
		if (h->count % 65536 == 0)
			h->version = realloc(h->version, (h->count + 65536) * sizeof(h->version[0]));
		h->version[h->count++] = (struct version) { (uint32_t)sector, number, recording.count, h->flushes, maybe };
	}
}

/* Number 0 is zeros. */
static void sector_fill(uint8_t *to, uint32_t sector, uint32_t number)
{
	uint64_t x = (uint64_t)sector << 32 | number;

	if (number == 0) {
		memset(to, 0, SECTOR);
		return;
	}
	for (unsigned int at = 0; at < SECTOR; at += 8, x = x * 6364136223846793005u + 1442695040888963407u)
		memcpy(to + at, &x, 8);
}

/* --- using a disk --- */

struct kind {
	const char *name, *format;
	bool differencing;
	uint32_t block, logical;
};

static const struct kind kinds[] = {
	{ "vhdx", "vhdx", false, 1 * MIB, 512 }, { "vhdx-differencing", "vhdx", true, 1 * MIB, 512 },
	{ "vhdx-4k", "vhdx", false, 2 * MIB, 4096 }, { "vhd", "vhd", false, 512 * KIB, 512 },
	{ "vhd-differencing", "vhd", true, 512 * KIB, 512 },
};

struct use {
	const struct kind *kind;
	struct disk *disk;
	struct history history;
	uint32_t number;
	uint8_t buffer[256 * KIB];
};

static char folder[64];

static const char *path_of(const char *name)
{
	static char path[4][128];
	static unsigned int turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static void check(int r, const char *what)
{
	if (r < 0)
		fail_msg("%s: %s (%s)", what, strerror(-r), disk_error_text());
}

static int open_chain(const struct kind *kind, const char *top, bool read_only, struct disk **out)
{
	struct disk_source chain[2] = { { kind->format, open(top, O_RDWR | O_CLOEXEC) } };
	size_t count = 1 + kind->differencing;
	int r;

	if (kind->differencing)
		chain[1] = (struct disk_source) { kind->format, open(path_of("base"), O_RDONLY | O_CLOEXEC) };
	r = disk_open_chain(chain, count, read_only, out);
	while (r < 0 && count)
		close(chain[--count].fd);
	return r;
}

static void use_open(struct use *u)
{
	check(open_chain(u->kind, path_of("disk"), false, &u->disk), "open");
	recording.fd = u->disk->fd;
}

static void use_close(struct use *u)
{
	check(disk_close(u->disk), "close");
	recording.fd = -1;
	u->disk = NULL;
}

static void flushed(struct history *h)
{
	h->flush_event = realloc(h->flush_event, (h->flushes + 1) * sizeof(h->flush_event[0]));
	h->flush_event[h->flushes++] = recording.count;
}

static void pick_range(struct use *u, uint64_t *offset, uint64_t *bytes)
{
	uint64_t sectors = u->history.size_bytes / u->kind->logical;
	uint64_t first = below(sectors);

	*bytes = 1 + below(below(4) ? 8 : 256 * KIB / u->kind->logical);
	if (below(6) == 0)
		first = first * u->kind->logical / u->kind->block * u->kind->block / u->kind->logical;
	if (*bytes > sectors - first)
		*bytes = sectors - first;
	*offset = first * u->kind->logical;
	*bytes *= u->kind->logical;
}

static void use_write(struct use *u)
{
	uint64_t offset, bytes;

	pick_range(u, &offset, &bytes);
	u->number++;
	history_add(&u->history, offset, bytes, u->number, false);
	for (uint64_t at = 0; at < bytes; at += SECTOR)
		sector_fill(u->buffer + at, (uint32_t)((offset + at) / SECTOR), u->number);
	check(disk_write(u->disk, offset, u->buffer, bytes), "write");
}

static void use_zero(struct use *u, bool unmap)
{
	uint64_t offset, bytes;

	pick_range(u, &offset, &bytes);
	if (below(3) == 0) {		/* whole blocks */
		offset = offset / u->kind->block * u->kind->block;
		bytes = u->history.size_bytes - offset < u->kind->block ? u->history.size_bytes - offset : u->kind->block;
	}
	history_add(&u->history, offset, bytes, 0, unmap);
	check(disk_zero(u->disk, offset, bytes, unmap), "zero");
}

static void use_grow(struct use *u)
{
	uint64_t size = u->history.size_bytes + 64 * KIB;

	if (u->kind->differencing || !strcmp(u->kind->format, "vhd") || size > 9 * MIB)
		return;
	check(disk_resize(u->disk, size), "resize");
	u->history.size_bytes = size;
}

static void use_once(struct use *u)
{
	uint64_t dice = below(100);

	if (dice < 58)
		use_write(u);
	else if (dice < 78)
		use_zero(u, dice < 68);
	else if (dice < 92) {
		check(disk_flush(u->disk), "flush");
		flushed(&u->history);
	} else if (dice < 94) {
		use_grow(u);
	} else if (dice < 96) {
		check(disk_compact(u->disk, NULL), "compact");
	} else {
		use_close(u);
		flushed(&u->history);
		use_open(u);
	}
}

/* A base and a disk over it, or just a disk; what it holds at first is version 1. */
static void use_prepare(struct use *u)
{
	struct disk_new n = {
		.format = u->kind->format, .kind = DISK_DYNAMIC, .block_bytes = u->kind->block, .size_bytes = 7 * MIB + 64 * KIB,
		.logical_sector = u->kind->logical > 512 ? u->kind->logical : 0, .parent_relative = "base",
	};
	const char *first = u->kind->differencing ? "base" : "disk";
	struct disk *d;
	int fd = open(path_of(first), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(disk_create_image(fd, &n), "create");
	check(disk_open(u->kind->format, fd, false, &d), "open new");
	u->history.size_bytes = u->history.least_bytes = n.size_bytes;
	u->number = 1;
	for (uint64_t at = 0; at < 3 * MIB; at += sizeof(u->buffer)) {
		for (uint32_t in = 0; in < sizeof(u->buffer); in += SECTOR)
			sector_fill(u->buffer + in, (uint32_t)((at + in) / SECTOR), 1);
		check(disk_write(d, at, u->buffer, sizeof(u->buffer)), "fill");
	}
	history_add(&u->history, 0, 3 * MIB, 1, false);
	if (u->kind->differencing) {
		check(disk_close(d), "close base");
		check(disk_open(u->kind->format, open(path_of("base"), O_RDONLY | O_CLOEXEC), true, &d), "open base");
		n.kind = DISK_DIFFERENCING;
		n.parent = d;
		fd = open(path_of("disk"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		check(disk_create_image(fd, &n), "create differencing");
		close(fd);
	}
	check(disk_close(d), "close");
}

/* --- judging a state --- */

static void load(const char *path, struct image *i)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size <= FILE_MAX);
	image_resize(i, 0);
	assert_int_equal(pread(fd, i->data, (size_t)st.st_size, 0), st.st_size);
	i->size = (uint64_t)st.st_size;
	close(fd);
}

static void store(const struct image *i, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(pwrite(fd, i->data, i->size, 0), (ssize_t)i->size);
	close(fd);
}

/* What each sector may be: the last version before the guest's last flush, and all after it; */
static void verify(const struct history *h, unsigned int events, const uint8_t *data, uint64_t size, const char *what)
{
	uint32_t flushes = 0, sectors = (uint32_t)(size / SECTOR);
	uint8_t *fits = calloc(sectors, 1), *touched = calloc(sectors, 1);
	uint8_t expected[SECTOR];

	while (flushes < h->flushes && h->flush_event[flushes] <= events)
		flushes++;
	/* Newest first: once a version that must be there has been seen, older ones do not count. */
	for (unsigned int i = h->count; i-- > 0; ) {
		const struct version *v = &h->version[i];

		if (v->event > events || v->sector >= sectors || fits[v->sector] || touched[v->sector])
			continue;
		sector_fill(expected, v->sector, v->number);
		fits[v->sector] = !memcmp(expected, data + (uint64_t)v->sector * SECTOR, SECTOR);
		touched[v->sector] = v->after_flush < flushes && !v->maybe;
	}
	for (uint32_t sector = 0; sector < sectors; sector++) {
		sector_fill(expected, sector, 0);
		if (!fits[sector] && (touched[sector] || memcmp(expected, data + (uint64_t)sector * SECTOR, SECTOR)))
			fail_msg("%s: after %u events and %u flushes sector %u is neither what was flushed nor anything written later",
				 what, events, flushes, sector);
	}
	free(fits);
	free(touched);
}

static void judge(const struct use *u, unsigned int events, uint8_t *data, const char *what)
{
	struct disk_findings f;
	struct disk *d;
	int fd = open(path_of("state"), O_RDONLY | O_CLOEXEC);

	check(disk_check(u->kind->format, fd, false, &f, NULL), "check");
	close(fd);
	/* A footer that was on its way is what a power cut may leave of a VHD; everything else must be sound. */
	if (f.errors > (strcmp(u->kind->format, "vhd") == 0))
		fail_msg("%s: after %u events the image is not sound: %s", what, events, disk_error_text());
	check(open_chain(u->kind, path_of("state"), below(2), &d), what);
	check(disk_read(d, 0, data, d->size_bytes), "read");
	verify(&u->history, events, data, d->size_bytes, what);
	check(disk_close(d), "close state");
}

static void judge_by_qemu(const struct use *u, unsigned int events, const struct image *state, uint8_t *data)
{
	char command[512];
	struct image raw = { data, 0 };

	store(state, path_of("state"));
	snprintf(command, sizeof(command), "cd %s && qemu-img check -q -r all -f vhdx state >qemu.log 2>&1 && "
		 "qemu-img convert -f vhdx -O raw state state.raw >>qemu.log 2>&1 || { cat qemu.log; exit 1; }", folder);
	if (system(command))
		fail_msg("%s: after %u events qemu-img does not accept the image", u->kind->name, events);
	load(path_of("state.raw"), &raw);
	verify(&u->history, events, data, raw.size, "qemu-img");
}

/* --- the test --- */

static unsigned long setting(const char *name, unsigned long standard)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : standard;
}

static void forget_events(void)
{
	for (unsigned int i = 0; i < recording.count; i++)
		free(recording.event[i].data);
	recording.count = 0;
}

static void forget_recording(void)
{
	forget_events();
	recording.fd = -1;
}

static unsigned int last_sync(unsigned int events)
{
	while (events > 0 && recording.event[events - 1].type != EVENT_SYNC)
		events--;
	return events;
}

static void image_copy(struct image *to, const struct image *from)
{
	image_resize(to, from->size);
	memcpy(to->data, from->data, from->size);
}

static void cut_once(const struct use *u, struct image *base, unsigned int *applied, unsigned int events, struct image *state,
		     uint8_t *data)
{
	unsigned int durable = last_sync(events);
	bool qemu = setting("POWER_CUT_QEMU", 0) && !strcmp(u->kind->format, "vhdx") && !u->kind->differencing &&
		    u->kind->logical == 512;

	for (; *applied < durable; ++*applied)
		apply(base, &recording.event[*applied]);
	image_copy(state, base);
	for (unsigned int i = durable; i < events; i++)
		apply_torn(state, &recording.event[i]);
	store(state, path_of("state"));
	judge(u, events, data, u->kind->name);
	if (qemu)
		judge_by_qemu(u, events, state, data);
}

static void cut_often(const struct use *u, struct image *base, unsigned int cuts)
{
	struct image state = { calloc(1, FILE_MAX), 0 };
	uint8_t *data = malloc(FILE_MAX);
	unsigned int applied = 0;

	for (unsigned int i = 0; i < cuts; i++) {	/* from the beginning to the end, each cut a little after the last */
		uint64_t from = (uint64_t)recording.count * i / cuts, to = (uint64_t)recording.count * (i + 1) / cuts;

		cut_once(u, base, &applied, (unsigned int)(from + below(to - from + 1)), &state, data);
	}
	free(state.data);
	free(data);
}

static void test_what_was_flushed_survives(void **state)
{
	const struct kind *kind = *state;
	unsigned int cuts = (unsigned int)(setting("POWER_CUTS", 200) / (sizeof(kinds) / sizeof(kinds[0])));
	struct image base = { calloc(1, FILE_MAX), 0 };
	struct use *u = calloc(1, sizeof(*u));

	random_state = setting("POWER_CUT_SEED", 12345) * 2654435761u + (uint64_t)(kind - kinds) + 1;
	forget_recording();	/* of a test that failed */
	u->kind = kind;
	use_prepare(u);
	load(path_of("disk"), &base);
	flushed(&u->history);
	use_open(u);
	for (unsigned int i = 0; i < (cuts < 1000 ? 400 : 1500); i++)
		use_once(u);
	use_close(u);
	cut_often(u, &base, cuts);
	forget_recording();
	free(u->history.version);
	free(u->history.flush_event);
	free(u);
	free(base.data);
}

/* --- merging --- */

/* The parent while it is merged into, and the child over it: at every cut the chain reads as before. */
static void judge_merge(const struct kind *kind, const uint8_t *model, uint64_t size, uint8_t *data, unsigned int events)
{
	struct disk_source chain[] = {
		{ kind->format, open(path_of("disk"), O_RDONLY | O_CLOEXEC) }, { kind->format, open(path_of("state"), O_RDONLY | O_CLOEXEC) },
	};
	struct disk *d;

	if (disk_open_chain(chain, 2, true, &d) < 0)
		fail_msg("%s: after %u events of the merge the chain does not open: %s", kind->name, events, disk_error_text());
	check(disk_read(d, 0, data, size), "read chain");
	if (memcmp(data, model, size))
		fail_msg("%s: after %u events of the merge the chain reads differently", kind->name, events);
	disk_close(d);
}

static void record_merge(const struct kind *kind)
{
	struct disk_source chain[] = {
		{ kind->format, open(path_of("disk"), O_RDWR | O_CLOEXEC) }, { kind->format, open(path_of("base"), O_RDWR | O_CLOEXEC) },
	};
	struct disk *child, *parent;

	recording.fd = chain[1].fd;
	check(disk_open_for_merge(chain, 2, &child, &parent), "open for merge");
	check(disk_merge(child, parent, NULL), "merge");
	check(disk_merge_end(child, parent, false), "end of merge");
	recording.fd = -1;
}

static void test_a_merge_cut_anywhere_leaves_the_chain_readable(void **test_state)
{
	const struct kind *kind = *test_state;
	unsigned int cuts = (unsigned int)(setting("POWER_CUTS", 200) / 10), applied = 0;
	struct image base = { calloc(1, FILE_MAX), 0 }, state = { calloc(1, FILE_MAX), 0 };
	uint8_t *model = malloc(FILE_MAX), *data = malloc(FILE_MAX);
	struct use *u = calloc(1, sizeof(*u));

	random_state = setting("POWER_CUT_SEED", 12345) * 40503u + 7;
	forget_recording();	/* of a test that failed */
	u->kind = kind;
	use_prepare(u);
	use_open(u);
	for (int i = 0; i < 150; i++)
		use_once(u);
	check(disk_read(u->disk, 0, model, u->history.size_bytes), "read model");
	use_close(u);
	forget_recording();
	load(path_of("base"), &base);
	record_merge(kind);
	for (unsigned int i = 0; i < cuts; i++) {
		unsigned int events = (unsigned int)((uint64_t)recording.count * (i + 1) / cuts);

		for (; applied < last_sync(events); applied++)
			apply(&base, &recording.event[applied]);
		image_copy(&state, &base);
		for (unsigned int j = applied; j < events; j++)
			apply_torn(&state, &recording.event[j]);
		store(&state, path_of("state"));
		judge_merge(kind, model, u->history.size_bytes, data, events);
	}
	forget_recording();
	free(u->history.version);
	free(u->history.flush_event);
	free(u);
	free(model);
	free(data);
	free(base.data);
	free(state.data);
}

/* --- a link leaves the middle of a chain --- */

/* base <- disk <- top, as it was used; *model is what top reads as. */
static void chain_of_three(struct use *u, uint8_t *model)
{
	struct disk_source two[] = {
		{ u->kind->format, open(path_of("disk"), O_RDONLY | O_CLOEXEC) }, { u->kind->format, open(path_of("base"), O_RDONLY | O_CLOEXEC) },
	};
	struct disk_source three[3];
	struct disk_new n = { .format = u->kind->format, .kind = DISK_DIFFERENCING, .block_bytes = u->kind->block, .parent_relative = "disk" };
	int fd = open(path_of("top"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct disk *d;

	check(disk_open_chain(two, 2, true, &n.parent), "open middle");
	check(disk_create_image(fd, &n), "create top");
	close(fd);
	disk_close(n.parent);
	three[0] = (struct disk_source) { u->kind->format, open(path_of("top"), O_RDWR | O_CLOEXEC) };
	three[1] = (struct disk_source) { u->kind->format, open(path_of("disk"), O_RDONLY | O_CLOEXEC) };
	three[2] = (struct disk_source) { u->kind->format, open(path_of("base"), O_RDONLY | O_CLOEXEC) };
	check(disk_open_chain(three, 3, false, &d), "open three");
	memset(u->buffer, 0x77, sizeof(u->buffer));
	for (int i = 0; i < 20; i++)
		check(disk_write(d, below(6 * MIB / SECTOR) * SECTOR, u->buffer, 8 * SECTOR), "write top");
	check(disk_read(d, 0, model, u->history.size_bytes), "read three");
	check(disk_close(d), "close three");
}

/* The middle goes into the base, whose GUID stays; then top names the base, recorded. */
static void record_new_parent(const struct kind *kind)
{
	int fd = open(path_of("top"), O_RDWR | O_CLOEXEC);
	struct disk *base;

	record_merge(kind);
	forget_events();
	check(disk_open(kind->format, open(path_of("base"), O_RDONLY | O_CLOEXEC), true, &base), "open base");
	recording.fd = fd;
	check(disk_set_parent(kind->format, fd, base, ".\\base", NULL), "set parent");
	recording.fd = -1;
	disk_close(base);
	close(fd);
}

static bool reads_as(const struct kind *kind, const char *const *names, const uint8_t *model, uint64_t size, uint8_t *data)
{
	struct disk_source chain[3] = { 0 };
	size_t count = 0;
	struct disk *d;

	for (; names[count]; count++)
		chain[count] = (struct disk_source) { kind->format, open(path_of(names[count]), O_RDONLY | O_CLOEXEC) };
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

static void test_a_chain_that_loses_its_middle_is_readable_at_every_cut(void **test_state)
{
	static const char *const long_chain[] = { "state", "disk", "base", NULL }, *const short_chain[] = { "state", "base", NULL };
	const struct kind *kind = *test_state;
	struct image top = { calloc(1, FILE_MAX), 0 }, state = { calloc(1, FILE_MAX), 0 };
	uint8_t *model = malloc(FILE_MAX), *data = malloc(FILE_MAX);
	struct use *u = calloc(1, sizeof(*u));
	bool was_short = false, was_long = false, is_short = false;

	random_state = setting("POWER_CUT_SEED", 12345) * 69069u + 11;
	forget_recording();	/* of a test that failed */
	u->kind = kind;
	use_prepare(u);
	use_open(u);
	for (int i = 0; i < 100; i++)
		use_once(u);
	use_close(u);
	forget_recording();
	chain_of_three(u, model);
	load(path_of("top"), &top);
	record_new_parent(kind);
	for (unsigned int events = 0, applied = 0; events <= recording.count; events++) {
		for (; applied < last_sync(events); applied++)
			apply(&top, &recording.event[applied]);
		image_copy(&state, &top);
		for (unsigned int i = applied; i < events; i++)
			apply_torn(&state, &recording.event[i]);
		store(&state, path_of("state"));
		is_short = reads_as(kind, short_chain, model, u->history.size_bytes, data);
		was_short |= is_short;
		if (!is_short && !reads_as(kind, long_chain, model, u->history.size_bytes, data))
			fail_msg("%s: after %u of %u events no chain opens: %s", kind->name, events, recording.count, disk_error_text());
		was_long |= !is_short;
	}
	assert_true(was_long && was_short && is_short);
	forget_recording();
	free(u->history.version);
	free(u->history.flush_event);
	free(u);
	free(model);
	free(data);
	free(top.data);
	free(state.data);
}

/* --- a full volume --- */

/* The same request again, once there is room. */
static void when_there_is_room(struct use *u, int (*run)(struct use *u, uint64_t offset, uint64_t bytes), uint64_t offset, uint64_t bytes)
{
	int r;

	volume_is_full = below(3) == 0;
	r = run(u, offset, bytes);
	if (volume_is_full && r < 0) {
		assert_int_equal(r, -ENOSPC);
		volume_is_full = false;
		r = run(u, offset, bytes);
	}
	volume_is_full = false;
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
	struct use *u = calloc(1, sizeof(*u));
	uint8_t *model = calloc(1, FILE_MAX), *data = malloc(FILE_MAX);

	forget_recording();
	random_state = 99 + (uint64_t)((const struct kind *)*state - kinds);
	u->kind = *state;
	use_prepare(u);
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
	free(u->history.version);
	free(u->history.flush_event);
	free(u);
	free(model);
	free(data);
}

static int make_folder(void **state)
{
	(void)state;
	recording.event = calloc(EVENTS_MAX, sizeof(recording.event[0]));
	snprintf(folder, sizeof(folder), "%s/partita-cut-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	free(recording.event);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

#define SURVIVES(i)	{ .name = "test_what_was_flushed_survives_" #i, .test_func = test_what_was_flushed_survives, \
			  .initial_state = (void *)(uintptr_t)&kinds[i] }
#define MERGE(i)	{ .name = "test_a_merge_cut_anywhere_leaves_the_chain_readable_" #i, \
			  .test_func = test_a_merge_cut_anywhere_leaves_the_chain_readable, .initial_state = (void *)(uintptr_t)&kinds[i] }

#define MIDDLE(i)	{ .name = "test_a_chain_that_loses_its_middle_is_readable_at_every_cut_" #i, \
			  .test_func = test_a_chain_that_loses_its_middle_is_readable_at_every_cut, .initial_state = (void *)(uintptr_t)&kinds[i] }

#define FULL(i)		{ .name = "test_a_full_volume_loses_nothing_" #i, .test_func = test_a_full_volume_loses_nothing, \
			  .initial_state = (void *)(uintptr_t)&kinds[i] }

int main(void)
{
	const struct CMUnitTest tests[] = {
		SURVIVES(0), SURVIVES(1), SURVIVES(2), SURVIVES(3), SURVIVES(4), MERGE(1), MERGE(4), MIDDLE(1), MIDDLE(4),
		FULL(0), FULL(1), FULL(2), FULL(3), FULL(4),
	};

	return cmocka_run_group_tests_name("disk-power-cut", tests, make_folder, remove_folder);
}
