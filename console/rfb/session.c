/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handshake and the client's messages (RFC 6143, 7.1 to 7.5, and the community's extensions). See
 * session.h.
 */
#include "rfb/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "input/keyboard.h"

#define SECURITY_NONE		1u
#define CUT_TEXT_MOST		(1u << 20)
#define ENCODINGS_MOST		1024u
#define SCREENS_MOST		16u
#define NAME			"Partita"

enum { ENCODING_DESKTOP_SIZE = -223, ENCODING_QUALITY_0 = -32, ENCODING_QUALITY_9 = -23, ENCODING_EXTENDED_KEYS = -258,
	ENCODING_EXTENDED_SIZE = -308 };
enum { SIZE_STATUS_INVALID = 3, SIZE_STATUS_FORWARDED = 4 };	/* of an ExtendedDesktopSize */
enum { SIZE_REASON_CLIENT = 1 };

#define ROOM_LEAST	64u		/* pixels each way that a client can ask for */

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }

/* --- handshake --- */

static int version_message(struct session *s, const uint8_t *m)
{
	if (memcmp(m, "RFB 003.00", 10) || m[11] != '\n' || (m[10] != '3' && m[10] != '7' && m[10] != '8'))
		return -EPROTO;
	s->minor = m[10] - '0';
	if (s->minor == 3) {			/* the server decides */
		out_u32(&s->out, SECURITY_NONE);
		s->state = SESSION_CLIENT_INIT;
	} else {
		out_u8(&s->out, 1);
		out_u8(&s->out, SECURITY_NONE);
		s->state = SESSION_SECURITY;
	}
	return 0;
}

static int security_message(struct session *s, const uint8_t *m)
{
	if (m[0] != SECURITY_NONE)
		return -EPROTO;
	if (s->minor == 8)
		out_u32(&s->out, 0);
	s->state = SESSION_CLIENT_INIT;
	return 0;
}

static int client_init_message(struct session *s, const uint8_t *m)
{
	uint8_t format[PIXEL_FORMAT_BYTES];

	(void)m;				/* shared or not: each console is its own */
	if (view_resize(s, s->screen.width, s->screen.height) < 0)
		return -ENOMEM;
	pixel_format_write(&s->encoder.format, format);
	out_u16(&s->out, (uint16_t)s->width);
	out_u16(&s->out, (uint16_t)s->height);
	out_bytes(&s->out, format, sizeof(format));
	out_u32(&s->out, sizeof(NAME) - 1);
	out_bytes(&s->out, NAME, sizeof(NAME) - 1);
	s->screen_changed = false;
	s->state = SESSION_RUNNING;
	return 0;
}

/* --- messages --- */

static int set_pixel_format(struct session *s, const uint8_t *m)
{
	int r = pixel_format_parse(m + 4, &s->encoder.format);

	if (r < 0)
		return r;
	view_mark(s, (struct rect) { 0, 0, s->width, s->height });	/* what the client has is of no use to it any more */
	s->all_requested = true;
	return 0;
}

static const struct encoding *const encodings[] = { &encoding_tight, &encoding_zrle };	/* best first */

static void choose_encoding(struct session *s, const uint8_t *list, unsigned int count)
{
	s->encoding = &encoding_raw;
	for (size_t e = 0; e < sizeof(encodings) / sizeof(encodings[0]); e++)
		for (unsigned int i = 0; i < count; i++)
			if ((int32_t)get32(list + 4 * i) == encodings[e]->number) {
				s->encoding = encodings[e];
				return;
			}
}

static void note_extension(struct session *s, int32_t number)
{
	if (number >= ENCODING_QUALITY_0 && number <= ENCODING_QUALITY_9)
		s->encoder.quality = number - ENCODING_QUALITY_0;
	s->can_resize |= number == ENCODING_DESKTOP_SIZE;
	if (number == ENCODING_EXTENDED_SIZE && !s->can_resize_extended) {
		s->can_resize_extended = true;
		s->tell_size = true;		/* how the client learns that we know it */
		s->size_reason = s->size_status = 0;
	}
	if (number == PSEUDO_CURSOR && !s->can_cursor) {
		s->can_cursor = true;
		s->host.want_cursor(s->host.context);
	}
	if (number == ENCODING_EXTENDED_KEYS && !s->can_extended_keys)
		s->can_extended_keys = s->tell_extended_keys = true;
}

static int set_encodings(struct session *s, const uint8_t *m)
{
	unsigned int count = get16(m + 2);

	choose_encoding(s, m + 4, count);
	s->encoder.quality = -1;
	for (unsigned int i = 0; i < count; i++)
		note_extension(s, (int32_t)get32(m + 4 + 4 * i));
	return 0;
}

static int update_request(struct session *s, const uint8_t *m)
{
	struct rect r = { get16(m + 2), get16(m + 4), get16(m + 6), get16(m + 8) };

	if (!m[1])
		view_mark(s, r);
	s->all_requested |= !m[1];
	s->requested = true;
	return 0;
}

static int key_event(struct session *s, const uint8_t *m)
{
	keyboard_keysym(s, get32(m + 4), m[1] != 0);
	return 0;
}

static int extended_key_event(struct session *s, const uint8_t *m)
{
	uint32_t code = get32(m + 8);

	if (m[1] != 0)				/* audio, never offered */
		return -EPROTO;
	if (code > 0 && code <= 0xff)
		keyboard_scancode(s, (uint16_t)(code & 0x80 ? 0xe000 | (code & 0x7f) : code), get16(m + 2) != 0);
	else
		keyboard_keysym(s, get32(m + 4), get16(m + 2) != 0);
	return 0;
}

static uint16_t scale(uint32_t at, uint32_t size)
{
	if (size < 2)
		return 0;
	return (uint16_t)((at >= size ? size - 1 : at) * 32767u / (size - 1));
}

static int pointer_event(struct session *s, const uint8_t *m)
{
	uint16_t x = scale(get16(m + 2), s->screen.width), y = scale(get16(m + 4), s->screen.height);

	s->host.pointer(s->host.context, x, y, m[1] & 0x1f);
	return 0;
}

/* The guest has no clipboard: the text is thrown away as it comes. Extended messages have a negative length. */
static int cut_text(struct session *s, const uint8_t *m)
{
	int32_t length = (int32_t)get32(m + 4);
	uint32_t bytes = length < 0 ? 0u - (uint32_t)length : (uint32_t)length;

	if (bytes > CUT_TEXT_MOST)
		return -EPROTO;
	s->skip = bytes;
	return 0;
}

/* The guest is told what the client has room for; whether it changes its mode, and when, is its own affair. */
static int set_desktop_size(struct session *s, const uint8_t *m)
{
	uint16_t width = get16(m + 2), height = get16(m + 4);
	bool sound = width >= ROOM_LEAST && height >= ROOM_LEAST;

	if (sound)
		s->host.resize(s->host.context, width, height);
	s->tell_size = s->can_resize_extended;
	s->size_reason = SIZE_REASON_CLIENT;
	s->size_status = sound ? SIZE_STATUS_FORWARDED : SIZE_STATUS_INVALID;
	return 0;
}

/* --- reading them --- */

static size_t encodings_length(const uint8_t *m)
{
	return get16(m + 2) <= ENCODINGS_MOST ? 4 + 4u * get16(m + 2) : 0;
}

static size_t desktop_size_length(const uint8_t *m)
{
	return m[6] <= SCREENS_MOST ? 8 + 16u * m[6] : 0;
}

static const struct message {
	uint8_t type, head;				/* bytes that tell the length */
	size_t (*length)(const uint8_t *head);		/* NULL: head is all; 0: too long */
	int (*run)(struct session *s, const uint8_t *message);
} messages[] = {
	{ 0, 20, NULL, set_pixel_format },
	{ 2, 4, encodings_length, set_encodings },
	{ 3, 10, NULL, update_request },
	{ 4, 8, NULL, key_event },
	{ 5, 6, NULL, pointer_event },
	{ 6, 8, NULL, cut_text },
	{ 251, 8, desktop_size_length, set_desktop_size },
	{ 255, 12, NULL, extended_key_event },
};

static const struct message *message_of(uint8_t type)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (messages[i].type == type)
			return &messages[i];
	return NULL;
}

/* Carries out one message; its length, 0 when more bytes are needed, or negative errno. */
static ssize_t running_message(struct session *s, const uint8_t *bytes, size_t count)
{
	const struct message *m = message_of(bytes[0]);
	size_t length;
	int r;

	if (!m)
		return -EPROTO;
	if (count < m->head)
		return 0;
	length = m->length ? m->length(bytes) : m->head;
	if (length == 0)
		return -EPROTO;
	if (count < length)
		return 0;
	r = m->run(s, bytes);
	return r < 0 ? r : (ssize_t)length;
}

static const struct { uint8_t length; int (*run)(struct session *s, const uint8_t *m); } handshake[] = {
	[SESSION_VERSION] = { 12, version_message },
	[SESSION_SECURITY] = { 1, security_message },
	[SESSION_CLIENT_INIT] = { 1, client_init_message },
};

static ssize_t one_message(struct session *s, const uint8_t *bytes, size_t count)
{
	size_t length;
	int r;

	if (s->skip) {
		length = count < s->skip ? count : (size_t)s->skip;
		s->skip -= length;
		return (ssize_t)length;
	}
	if (s->state == SESSION_RUNNING)
		return running_message(s, bytes, count);
	length = handshake[s->state].length;
	if (count < length)
		return 0;
	r = handshake[s->state].run(s, bytes);
	return r < 0 ? r : (ssize_t)length;
}

static int consume(struct session *s)
{
	size_t at = 0;

	while (at < s->input_count) {
		ssize_t n = one_message(s, s->input + at, s->input_count - at);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		at += (size_t)n;
	}
	memmove(s->input, s->input + at, s->input_count - at);
	s->input_count -= at;
	return 0;
}

int session_input(struct session *s, const uint8_t *bytes, size_t count)
{
	int r = 0;

	while (r == 0 && count) {
		size_t room = sizeof(s->input) - s->input_count, n = count < room ? count : room;

		memcpy(s->input + s->input_count, bytes, n);
		s->input_count += n;
		bytes += n;
		count -= n;
		r = consume(s);
		if (r == 0 && s->input_count == sizeof(s->input))
			r = -EPROTO;		/* no message is that long */
	}
	return s->out.failed ? -ENOMEM : r;
}

void session_init(struct session *s, const struct session_host *host)
{
	memset(s, 0, sizeof(*s));
	s->host = *host;
	s->encoding = &encoding_raw;
	s->encoder.format = pixel_format_native;
	s->encoder.quality = -1;
	s->encoder.out = &s->out;
	out_bytes(&s->out, "RFB 003.008\n", 12);
}

void session_fini(struct session *s)
{
	keyboard_release_all(s);
	encoder_close(&s->encoder);
	out_free(&s->out);
	free(s->view);
	free(s->stale);
}
