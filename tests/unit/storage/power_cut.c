/* SPDX-License-Identifier: Apache-2.0 */
/* See power_cut.h. */
#include "power_cut.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EVENTS_MAX	60000u

/* --- the recorder --- */

struct recording recording = { .fd = { -1, -1 } };

static int file_of(int fd)
{
	for (unsigned int i = 0; i < FILES_MAX; i++)
		if (fd >= 0 && recording.fd[i] == fd)
			return (int)i;
	return -1;
}

static bool no_room(int fd)
{
	if (!recording.full || file_of(fd) < 0)
		return false;
	errno = ENOSPC;
	return true;
}

static void record(int fd, enum event_type type, uint64_t offset, uint64_t bytes, const void *data)
{
	int file = file_of(fd);
	struct event *e;

	if (file < 0)
		return;
	assert_true(recording.count < EVENTS_MAX);
	e = &recording.event[recording.count++];
	*e = (struct event) { type, (unsigned int)file, offset, bytes, NULL };
	if (data) {
		e->data = malloc(bytes);
		memcpy(e->data, data, bytes);
	}
}

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t offset)
{
	if (no_room(fd))
		return -1;
	if (recording.on_write && file_of(fd) >= 0)
		recording.on_write((unsigned int)file_of(fd));
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

void record_nothing(void)
{
	for (unsigned int i = 0; i < FILES_MAX; i++)
		recording.fd[i] = -1;
}

void forget_events(void)
{
	for (unsigned int i = 0; i < recording.count; i++)
		free(recording.event[i].data);
	recording.count = 0;
}

void forget_recording(void)
{
	forget_events();
	record_nothing();
	recording.full = false;
	recording.on_write = NULL;
}

/* --- states of files --- */

static uint64_t random_state;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

void random_begin(uint64_t seed)
{
	random_state = seed * 2654435761u + 1;
}

uint64_t below(uint64_t limit)
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
		const struct event part = { e->type, e->file, e->offset + at, n, e->data ? e->data + at : NULL };

		if (below(odds + 1))
			apply(i, &part);
	}
}

void load(const char *path, struct image *i)
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

/* Files are flushed one by one. */
static unsigned int last_sync(unsigned int events, unsigned int file)
{
	while (events > 0 && (recording.event[events - 1].type != EVENT_SYNC || recording.event[events - 1].file != file))
		events--;
	return events;
}

static void image_copy(struct image *to, const struct image *from)
{
	image_resize(to, from->size);
	memcpy(to->data, from->data, from->size);
}

void cut_begin(struct cut *c, const char *const *names, unsigned int files)
{
	*c = (struct cut) { .files = files };
	for (unsigned int f = 0; f < files; f++) {
		c->durable[f].data = calloc(1, FILE_MAX);
		c->state[f].data = calloc(1, FILE_MAX);
		load(path_of(names[f]), &c->durable[f]);
	}
}

void cut_at(struct cut *c, unsigned int events, const char *const *names)
{
	for (unsigned int f = 0; f < c->files; f++) {
		for (; c->applied[f] < last_sync(events, f); c->applied[f]++)
			if (recording.event[c->applied[f]].file == f)
				apply(&c->durable[f], &recording.event[c->applied[f]]);
		image_copy(&c->state[f], &c->durable[f]);
		for (unsigned int i = c->applied[f]; i < events; i++)
			if (recording.event[i].file == f)
				apply_torn(&c->state[f], &recording.event[i]);
		store(&c->state[f], path_of(names[f]));
	}
}

void cut_end(struct cut *c)
{
	for (unsigned int f = 0; f < c->files; f++) {
		free(c->durable[f].data);
		free(c->state[f].data);
	}
}

/* --- the disk's history: which versions a sector may have --- */

static void history_add(struct history *h, uint64_t offset, uint64_t bytes, uint32_t number, bool maybe)
{
	for (uint64_t sector = offset / SECTOR; sector < (offset + bytes) / SECTOR; sector++) {
		if (h->count % 65536 == 0)
			h->version = realloc(h->version, (h->count + 65536) * sizeof(h->version[0]));
		h->version[h->count++] = (struct version) { (uint32_t)sector, number, recording.count, h->flushes, maybe };
	}
}

/* Number 0 is zeros. */
void sector_fill(uint8_t *to, uint32_t sector, uint32_t number)
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

const struct kind kinds[KINDS] = {
	{ "vhdx", "vhdx", false, 1 * CUT_MIB, 512 }, { "vhdx-differencing", "vhdx", true, 1 * CUT_MIB, 512 },
	{ "vhdx-4k", "vhdx", false, 2 * CUT_MIB, 4096 }, { "vhd", "vhd", false, 512 * KIB, 512 },
	{ "vhd-differencing", "vhd", true, 512 * KIB, 512 },
};

static char folder[64];

const char *path_of(const char *name)
{
	static char path[4][128];
	static unsigned int turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

void check(int r, const char *what)
{
	if (r < 0)
		fail_msg("%s: %s (%s)", what, strerror(-r), disk_error_text());
}

int open_file(const char *name, int flags)
{
	return open(path_of(name), flags | O_CLOEXEC, 0600);
}

int open_over(const struct kind *kind, const char *top, const char *base, bool read_only, struct disk **out)
{
	struct disk_source chain[2] = { { kind->format, open_file(top, O_RDWR) } };
	size_t count = base ? 2 : 1;
	int r;

	if (base)
		chain[1] = (struct disk_source) { kind->format, open_file(base, O_RDONLY) };
	r = disk_open_chain(chain, count, read_only, out);
	while (r < 0 && count)
		close(chain[--count].fd);
	return r;
}

void use_open(struct use *u)
{
	check(open_over(u->kind, "disk", u->kind->differencing ? "base" : NULL, false, &u->disk), "open");
	recording.fd[0] = u->disk->fd;
}

void use_close(struct use *u)
{
	check(disk_close(u->disk), "close");
	recording.fd[0] = -1;
	u->disk = NULL;
}

void flushed(struct history *h)
{
	h->flush_event = realloc(h->flush_event, (h->flushes + 1) * sizeof(h->flush_event[0]));
	h->flush_event[h->flushes++] = recording.count;
}

void pick_range(struct use *u, uint64_t *offset, uint64_t *bytes)
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

	if (u->kind->differencing || !strcmp(u->kind->format, "vhd") || size > 9 * CUT_MIB)
		return;
	check(disk_resize(u->disk, size), "resize");
	u->history.size_bytes = size;
}

void use_data(struct use *u)
{
	uint64_t dice = below(92);

	if (dice < 58) {
		use_write(u);
	} else if (dice < 78) {
		use_zero(u, dice < 68);
	} else {
		check(disk_flush(u->disk), "flush");
		flushed(&u->history);
	}
}

void use_once(struct use *u)
{
	uint64_t dice = below(100);

	if (dice < 92) {
		use_data(u);
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
		.format = u->kind->format, .kind = DISK_DYNAMIC, .block_bytes = u->kind->block, .size_bytes = 7 * CUT_MIB + 64 * KIB,
		.logical_sector = u->kind->logical > 512 ? u->kind->logical : 0, .parent_relative = "base",
	};
	const char *first = u->kind->differencing ? "base" : "disk";
	struct disk *d;
	int fd = open(path_of(first), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(disk_create_image(fd, &n), "create");
	check(disk_open(u->kind->format, fd, false, &d), "open new");
	u->history.size_bytes = u->history.least_bytes = n.size_bytes;
	u->number = 1;
	for (uint64_t at = 0; at < 3 * CUT_MIB; at += sizeof(u->buffer)) {
		for (uint32_t in = 0; in < sizeof(u->buffer); in += SECTOR)
			sector_fill(u->buffer + in, (uint32_t)((at + in) / SECTOR), 1);
		check(disk_write(d, at, u->buffer, sizeof(u->buffer)), "fill");
	}
	history_add(&u->history, 0, 3 * CUT_MIB, 1, false);
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
	flushed(&u->history);
}

struct use *use_new(const struct kind *kind)
{
	struct use *u = calloc(1, sizeof(*u));

	forget_recording();	/* of a test that failed */
	u->kind = kind;
	use_prepare(u);
	return u;
}

void use_free(struct use *u)
{
	free(u->history.version);
	free(u->history.flush_event);
	free(u);
}

/* --- judging --- */

void verify(const struct history *h, unsigned int events, const uint8_t *data, uint64_t size, const char *what)
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

unsigned long setting(const char *name, unsigned long standard)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : standard;
}

int make_folder(void **state)
{
	(void)state;
	recording.event = calloc(EVENTS_MAX, sizeof(recording.event[0]));
	snprintf(folder, sizeof(folder), "%s/partita-cut-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	return mkdtemp(folder) ? 0 : -1;
}

int remove_folder(void **state)
{
	char command[128];

	(void)state;
	free(recording.event);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

