/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State records: see state.h. On disk a record is u32 length of the name, name, u32 version, u32 length, content. The
 * first error sticks: from then on nothing is written and reads give zeros, so that callers need no checks of their own.
 */
#include "vmwp/state.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX	8u
#define NAME_MAX_BYTES	64u
#define GROW_BYTES	4096u

struct state {
	bool loading;
	int error;
	const uint8_t *from;		/* loading: the whole stream */
	uint8_t *to;			/* saving */
	size_t size, room, at;
	size_t ends[DEPTH_MAX];		/* loading: where open records end; saving: where their length goes */
	unsigned int depth;
};

static struct state *state_new(void)
{
	return calloc(1, sizeof(struct state));
}

struct state *state_save_begin(void)
{
	return state_new();
}

int state_save_end(struct state *s, void **data, size_t *size)
{
	int error = s->error ? s->error : s->depth ? -EINVAL : 0;

	if (error) {
		free(s->to);
	} else {
		*data = s->to;
		*size = s->at;
	}
	free(s);
	return error;
}

struct state *state_load_begin(const void *data, size_t size)
{
	struct state *s = state_new();

	if (!s)
		return NULL;
	s->loading = true;
	s->from = data;
	s->size = size;
	return s;
}

int state_load_end(struct state *s)
{
	int error = s->error || s->depth || s->at != s->size ? -EBADMSG : 0;

	free(s);
	return error;
}

bool state_loading(const struct state *s)
{
	return s->loading;
}

int state_error(const struct state *s)
{
	return s->error;
}

void state_refuse(struct state *s)
{
	if (!s->error)
		s->error = -EBADMSG;
}

/* --- bytes --- */

static bool state_make_room(struct state *s, size_t size)
{
	size_t room = s->room;
	uint8_t *to;

	while (room - s->at < size)
		room = room ? 2 * room : GROW_BYTES;
	if (room == s->room)
		return true;
	to = realloc(s->to, room);
	if (!to) {
		s->error = -ENOMEM;
		return false;
	}
	s->to = to;
	s->room = room;
	return true;
}

void state_bytes(struct state *s, void *v, size_t size)
{
	size_t end = s->depth ? s->ends[s->depth - 1] : s->size;

	if (s->loading && (s->error || size > end - s->at)) {
		state_refuse(s);
		memset(v, 0, size);
	} else if (s->loading) {
		memcpy(v, s->from + s->at, size);
		s->at += size;
	} else if (!s->error && state_make_room(s, size)) {
		memcpy(s->to + s->at, v, size);
		s->at += size;
	}
}

void state_u8(struct state *s, uint8_t *v)
{
	state_bytes(s, v, sizeof(*v));
}

void state_u16(struct state *s, uint16_t *v)
{
	uint16_t wire = htole16(*v);

	state_bytes(s, &wire, sizeof(wire));
	if (s->loading)
		*v = le16toh(wire);
}

void state_u32(struct state *s, uint32_t *v)
{
	uint32_t wire = htole32(*v);

	state_bytes(s, &wire, sizeof(wire));
	if (s->loading)
		*v = le32toh(wire);
}

void state_u64(struct state *s, uint64_t *v)
{
	uint64_t wire = htole64(*v);

	state_bytes(s, &wire, sizeof(wire));
	if (s->loading)
		*v = le64toh(wire);
}

void state_bool(struct state *s, bool *v)
{
	uint8_t wire = *v;

	state_u8(s, &wire);
	if (wire > 1)
		state_refuse(s);
	if (s->loading)
		*v = wire == 1;
}

/* --- records --- */

static void record_name(struct state *s, const char *name)
{
	uint32_t length = (uint32_t)strlen(name), wire = length;
	char found[NAME_MAX_BYTES];

	if (length > sizeof(found)) {
		state_refuse(s);
		return;
	}
	memcpy(found, name, length);
	state_u32(s, &wire);
	if (wire != length) {
		state_refuse(s);
		return;
	}
	state_bytes(s, found, length);
	if (memcmp(found, name, length))
		state_refuse(s);
}

uint32_t state_record_begin(struct state *s, const char *name, uint32_t version)
{
	uint32_t wire = version, length = 0;
	size_t end = s->depth ? s->ends[s->depth - 1] : s->size;

	record_name(s, name);
	state_u32(s, &wire);
	state_u32(s, &length);
	if (s->depth == DEPTH_MAX || (s->loading && (wire == 0 || wire > version || s->at > end || length > end - s->at)))
		state_refuse(s);
	if (s->error)
		return 0;
	s->ends[s->depth++] = s->loading ? s->at + length : s->at;
	return wire;
}

void state_record_end(struct state *s)
{
	size_t place;
	uint32_t length;

	if (s->error)
		return;
	if (!s->depth) {
		state_refuse(s);
		return;
	}
	place = s->ends[--s->depth];
	if (s->loading) {
		if (s->at != place)
			state_refuse(s);
		return;
	}
	length = htole32((uint32_t)(s->at - place));
	memcpy(s->to + place - sizeof(length), &length, sizeof(length));
}
