/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of power cuts share. Every write, size change, hole and flush of the image files that are recorded; files put
 * together as a power cut could have left them: what was before the last flush of a file is there, of what came after it any
 * sectors may be, in any order; and disks in use, whose every sector is known.
 */
#ifndef POWER_CUT_H
#define POWER_CUT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "storage/manage.h"

#define KIB		1024u
#define CUT_MIB		(1u << 20)
#define SECTOR		512u
#define FILE_MAX	(48u * CUT_MIB)
#define FILES_MAX	2u

/* --- the recorder: libc's calls, as the library makes them --- */

enum event_type { EVENT_WRITE, EVENT_SIZE, EVENT_ZERO, EVENT_SYNC };

struct event {
	enum event_type type;
	unsigned int file;
	uint64_t offset, bytes;
	uint8_t *data;
};

struct recording {
	int fd[FILES_MAX];		/* what is recorded; -1: nothing */
	struct event *event;
	unsigned int count;
	bool full;			/* writes to recorded files and longer sizes fail: no room */
	void (*on_write)(unsigned int file);	/* before each write; may be NULL */
};
extern struct recording recording;

void record_nothing(void);		/* from now on */
void forget_events(void);
void forget_recording(void);

/* --- states --- */

struct image { uint8_t *data; uint64_t size; };

struct cut {
	unsigned int files;
	struct image durable[FILES_MAX], state[FILES_MAX];
	unsigned int applied[FILES_MAX];	/* events that are in `durable` */
};

void cut_begin(struct cut *c, const char *const *names, unsigned int files);	/* the files before what is recorded */
void cut_at(struct cut *c, unsigned int events, const char *const *names);	/* a state after so many events, in files of these names */
void cut_end(struct cut *c);

uint64_t below(uint64_t limit);
void random_begin(uint64_t seed);

/* --- disks in use --- */

struct version { uint32_t sector, number, event, after_flush; bool maybe; };

struct history {
	struct version *version;
	unsigned int count;
	uint32_t flushes;		/* completed */
	uint32_t *flush_event;		/* recorded events when each was done */
	uint64_t size_bytes;		/* at the end */
	uint64_t least_bytes;		/* before it was grown */
};

struct kind {
	const char *name, *format;
	bool differencing;
	uint32_t block, logical;
};
#define KINDS	5u
extern const struct kind kinds[KINDS];

struct use {
	const struct kind *kind;
	struct disk *disk;
	struct history history;
	uint32_t number;
	uint8_t buffer[256 * KIB];
};

const char *path_of(const char *name);
int open_file(const char *name, int flags);
void check(int r, const char *what);
unsigned long setting(const char *name, unsigned long standard);

struct use *use_new(const struct kind *kind);	/* a base and a disk over it, or just a disk, with something in them */
void use_free(struct use *u);
void use_open(struct use *u);			/* recorded as file 0 */
void use_close(struct use *u);
void use_once(struct use *u);			/* anything */
void use_data(struct use *u);			/* no more than writing, zeroing and flushing */
void pick_range(struct use *u, uint64_t *offset, uint64_t *bytes);
void sector_fill(uint8_t *to, uint32_t sector, uint32_t number);
void flushed(struct history *h);
int open_over(const struct kind *kind, const char *top, const char *base, bool read_only, struct disk **out);	/* base: NULL without */
/* What each sector may be: the last version before the guest's last flush, and all after it. */
void verify(const struct history *h, unsigned int events, const uint8_t *data, uint64_t size, const char *what);
void load(const char *path, struct image *i);

int make_folder(void **state);
int remove_folder(void **state);

#endif
