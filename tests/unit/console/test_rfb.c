/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFB sessions as a client sees them. The reader below was written from RFC 6143 and shares nothing with
 * the encoders but zlib and libjpeg: each update it applies must make its picture equal to the screen's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <zlib.h>

#include "rfb/session.h"

#define WIDTH	200u
#define HEIGHT	150u

struct fixture {
	struct session s;
	uint32_t screen[640 * 480];
	uint32_t width, height;
	struct { uint16_t scancode; bool down; } keys[64];
	unsigned int key_count;
	uint16_t x, y;
	uint32_t buttons;
	uint16_t room_width, room_height;
	bool cursor_wanted;
	/* the client */
	uint32_t picture[640 * 480];
	uint32_t picture_width, picture_height;
	z_stream zrle, tight;
	unsigned int rects, pixels, lossy;
	bool extended_keys, size_told;
	unsigned int size_reason, size_status;
	struct rect cursor;		/* x, y: the hot spot */
	uint32_t cursor_pixels[16];
	uint8_t cursor_mask[8];
	unsigned int cursors;
};

static void on_key(void *context, uint16_t scancode, bool down)
{
	struct fixture *f = context;

	f->keys[f->key_count % 64].scancode = scancode;
	f->keys[f->key_count++ % 64].down = down;
}

static void on_pointer(void *context, uint16_t x, uint16_t y, uint32_t buttons)
{
	struct fixture *f = context;

	f->x = x;
	f->y = y;
	f->buttons = buttons;
}

static void on_resize(void *context, uint16_t width, uint16_t height)
{
	struct fixture *f = context;

	f->room_width = width;
	f->room_height = height;
}

static void on_want_cursor(void *context)
{
	((struct fixture *)context)->cursor_wanted = true;
}

static void show(struct fixture *f, uint32_t width, uint32_t height)
{
	f->width = width;
	f->height = height;
	session_set_screen(&f->s, &(struct screen) { (const uint8_t *)f->screen, width, height, width * 4 });
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	session_init(&f->s, &(struct session_host) { on_key, on_pointer, on_resize, on_want_cursor, f });
	show(f, WIDTH, HEIGHT);
	inflateInit(&f->zrle);
	inflateInit(&f->tight);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	session_fini(&f->s);
	inflateEnd(&f->zrle);
	inflateEnd(&f->tight);
	free(f);
	return 0;
}

/* --- the client's side of the wire --- */

static const uint8_t *take(struct fixture *f, size_t count)
{
	const uint8_t *at = f->s.out.bytes + f->s.out.sent;

	if (f->s.out.count - f->s.out.sent < count)
		fail_msg("%zu bytes wanted, %zu there", count, f->s.out.count - f->s.out.sent);
	f->s.out.sent += count;
	return at;
}

static void all_taken(struct fixture *f)
{
	assert_true(out_is_empty(&f->s.out));
	f->s.out.sent = f->s.out.count = 0;
}

static uint32_t take8(struct fixture *f) { return take(f, 1)[0]; }
static uint32_t take16(struct fixture *f) { const uint8_t *p = take(f, 2); return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t take32(struct fixture *f) { uint32_t high = take16(f); return high << 16 | take16(f); }

static int put(struct fixture *f, const void *bytes, size_t count) { return session_input(&f->s, bytes, count); }

static void handshake(struct fixture *f)
{
	assert_memory_equal(take(f, 12), "RFB 003.008\n", 12);
	assert_int_equal(put(f, "RFB 003.008\n", 12), 0);
	assert_int_equal(take16(f), 0x0101);
	assert_int_equal(put(f, "\1", 1), 0);
	assert_int_equal(take32(f), 0);
	assert_int_equal(put(f, "\1", 1), 0);
	f->picture_width = take16(f);
	f->picture_height = take16(f);
	assert_int_equal(take8(f), 32);
	take(f, 15);
	take(f, take32(f));
	all_taken(f);
}

static void put_encodings(struct fixture *f, const int32_t *list, unsigned int count)
{
	uint8_t m[4 + 4 * 16] = { 2, 0, 0, (uint8_t)count };

	for (unsigned int i = 0; i < count; i++)
		for (unsigned int b = 0; b < 4; b++)
			m[4 + 4 * i + b] = (uint8_t)((uint32_t)list[i] >> (24 - 8 * b));
	assert_int_equal(put(f, m, 4 + 4 * count), 0);
}

static void request(struct fixture *f, bool incremental)
{
	uint8_t m[10] = { 3, incremental, 0, 0, 0, 0, (uint8_t)(f->width >> 8), (uint8_t)f->width, (uint8_t)(f->height >> 8), (uint8_t)f->height };

	assert_int_equal(put(f, m, 10), 0);
	assert_int_equal(session_pump(&f->s), 0);
}

static void damage(struct fixture *f, uint16_t x, uint16_t y, uint16_t width, uint16_t height)
{
	session_damage(&f->s, &(struct display_rect) { x, y, width, height }, 1);
	assert_int_equal(session_pump(&f->s), 0);
}

/* --- the client's decoders: pixels as 0xrrggbb, formats of 32 bits --- */

static uint32_t *at(struct fixture *f, uint32_t x, uint32_t y)
{
	assert_true(x < f->picture_width && y < f->picture_height);
	return &f->picture[y * f->picture_width + x];
}

static size_t inflate_some(z_stream *z, const uint8_t *from, size_t count, uint8_t *to, size_t room)
{
	z->next_in = (Bytef *)(uintptr_t)from;
	z->avail_in = (uInt)count;
	z->next_out = to;
	z->avail_out = (uInt)room;
	assert_int_equal(inflate(z, Z_SYNC_FLUSH), Z_OK);
	assert_int_equal(z->avail_in, 0);
	return room - z->avail_out;
}

static void decode_raw(struct fixture *f, struct rect r)
{
	for (uint32_t i = 0; i < r.width * r.height; i++) {
		uint32_t value;

		memcpy(&value, take(f, 4), 4);
		*at(f, r.x + i % r.width, r.y + i / r.width) = value;
	}
}

static uint32_t cpixel(const uint8_t **p)
{
	uint32_t value = (*p)[0] | (uint32_t)(*p)[1] << 8 | (uint32_t)(*p)[2] << 16;

	*p += 3;
	return value;
}

static const uint8_t *decode_zrle_tile(struct fixture *f, struct rect t, const uint8_t *p)
{
	unsigned int kind = *p++, bits = kind == 2 ? 1 : kind <= 4 ? 2 : 4;
	uint32_t palette[16];

	assert_true(kind <= 16);
	for (unsigned int i = 0; i < kind; i++)
		palette[i] = cpixel(&p);
	for (uint32_t y = 0; y < t.height; y++) {
		const uint8_t *row = p;

		for (uint32_t x = 0; x < t.width; x++) {
			if (kind == 0)
				*at(f, t.x + x, t.y + y) = cpixel(&p);
			else if (kind == 1)
				*at(f, t.x + x, t.y + y) = palette[0];
			else
				*at(f, t.x + x, t.y + y) = palette[row[x * bits / 8] >> (8 - bits - x * bits % 8) & ((1 << bits) - 1)];
		}
		if (kind > 1)
			p += (t.width * bits + 7) / 8;
	}
	return p;
}

static void decode_zrle(struct fixture *f, struct rect r)
{
	uint32_t count = take32(f);
	size_t room = (size_t)r.width * r.height * 4 + 65536;
	uint8_t *plain = malloc(room);
	size_t bytes = inflate_some(&f->zrle, take(f, count), count, plain, room);
	const uint8_t *p = plain;

	for (uint32_t y = 0; y < r.height; y += 64)
		for (uint32_t x = 0; x < r.width; x += 64)
			p = decode_zrle_tile(f, (struct rect) { r.x + x, r.y + y, r.width - x < 64 ? r.width - x : 64,
				r.height - y < 64 ? r.height - y : 64 }, p);
	assert_int_equal(p - plain, bytes);
	free(plain);
}

static uint32_t tpixel(const uint8_t *p) { return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]; }

static size_t take_compact(struct fixture *f)
{
	size_t value = 0;

	for (unsigned int shift = 0; shift <= 14; shift += 7) {
		uint32_t byte = take8(f);

		value |= (size_t)(byte & (shift == 14 ? 0xff : 0x7f)) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

static void take_tight_data(struct fixture *f, uint8_t *to, size_t count)
{
	if (count < 12) {
		memcpy(to, take(f, count), count);
	} else {
		size_t n = take_compact(f);

		assert_int_equal(inflate_some(&f->tight, take(f, n), n, to, count), count);
	}
}

static void decode_jpeg(struct fixture *f, struct rect r)
{
	size_t n = take_compact(f);
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr error;
	uint8_t *row = malloc(r.width * 3);
	JSAMPROW rows = row;

	jpeg.err = jpeg_std_error(&error);
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, take(f, n), n);
	jpeg_read_header(&jpeg, TRUE);
	jpeg_start_decompress(&jpeg);
	assert_int_equal(jpeg.output_width, r.width);
	assert_int_equal(jpeg.output_height, r.height);
	for (uint32_t y = 0; y < r.height; y++) {
		jpeg_read_scanlines(&jpeg, &rows, 1);
		for (uint32_t x = 0; x < r.width; x++)
			*at(f, r.x + x, r.y + y) = tpixel(row + 3 * x);
	}
	jpeg_finish_decompress(&jpeg);
	jpeg_destroy_decompress(&jpeg);
	free(row);
	f->lossy++;
}

static void decode_tight_palette(struct fixture *f, struct rect r)
{
	unsigned int count = take8(f) + 1;
	size_t row = count == 2 ? (r.width + 7) / 8 : r.width;
	uint8_t *indices = malloc(row * r.height);
	uint32_t palette[256];

	for (unsigned int i = 0; i < count; i++)
		palette[i] = tpixel(take(f, 3));
	take_tight_data(f, indices, row * r.height);
	for (uint32_t y = 0; y < r.height; y++)
		for (uint32_t x = 0; x < r.width; x++)
			*at(f, r.x + x, r.y + y) = palette[count == 2 ? indices[y * row + x / 8] >> (7 - x % 8) & 1 : indices[y * row + x]];
	free(indices);
}

static void decode_tight(struct fixture *f, struct rect r)
{
	uint32_t control = take8(f), fill;
	uint8_t *plain;

	if (control == 0x90) {
		decode_jpeg(f, r);
	} else if (control == 0x80) {
		fill = tpixel(take(f, 3));
		for (uint32_t i = 0; i < r.width * r.height; i++)
			*at(f, r.x + i % r.width, r.y + i / r.width) = fill;
	} else if (control == 0x40) {
		assert_int_equal(take8(f), 1);
		decode_tight_palette(f, r);
	} else {
		assert_int_equal(control, 0);
		plain = malloc((size_t)r.width * r.height * 3);
		take_tight_data(f, plain, (size_t)r.width * r.height * 3);
		for (uint32_t i = 0; i < r.width * r.height; i++)
			*at(f, r.x + i % r.width, r.y + i / r.width) = tpixel(plain + 3 * i);
		free(plain);
	}
}

static void take_size(struct fixture *f, struct rect r, bool extended)
{
	if (extended) {
		assert_int_equal(take32(f), 0x01000000);
		take(f, 16);
		f->size_reason = r.x;
		f->size_status = r.y;
	}
	f->size_told = true;
	f->picture_width = r.width;
	f->picture_height = r.height;
}

/* Small ones in the native format only. */
static void take_cursor(struct fixture *f, struct rect r)
{
	size_t pixels = r.width * r.height * 4u, mask = (r.width + 7) / 8 * r.height;

	assert_true(pixels <= sizeof(f->cursor_pixels) && mask <= sizeof(f->cursor_mask));
	memcpy(f->cursor_pixels, take(f, pixels), pixels);
	memcpy(f->cursor_mask, take(f, mask), mask);
	f->cursor = r;
	f->cursors++;
}

static void take_rect(struct fixture *f)
{
	struct rect r = { take16(f), 0, 0, 0 };
	int32_t encoding;

	r.y = take16(f);
	r.width = take16(f);
	r.height = take16(f);
	encoding = (int32_t)take32(f);
	switch (encoding) {
	case 0: decode_raw(f, r); break;
	case 7: decode_tight(f, r); break;
	case 16: decode_zrle(f, r); break;
	case -223: case -308: take_size(f, r, encoding == -308); return;
	case -239: take_cursor(f, r); return;
	case -258: f->extended_keys = true; return;
	default: fail_msg("encoding %d was not asked for", encoding);
	}
	f->rects++;
	f->pixels += r.width * r.height;
}

static void take_update(struct fixture *f)
{
	unsigned int rects;

	f->rects = f->pixels = 0;
	assert_int_equal(take16(f) >> 8, 0);
	rects = take16(f);
	for (unsigned int i = 0; i < rects; i++)
		take_rect(f);
	all_taken(f);
}

static void assert_same_picture(struct fixture *f)
{
	assert_int_equal(f->picture_width, f->width);
	assert_int_equal(f->picture_height, f->height);
	for (uint32_t i = 0; i < f->width * f->height; i++)
		if (f->picture[i] != (f->screen[i] & 0xffffff))
			fail_msg("pixel %u,%u is %06x, not %06x", i % f->width, i / f->width, f->picture[i], f->screen[i]);
}

/* Areas of one colour, two, sixteen, many; the fourth byte is noise. */
static void paint(struct fixture *f, uint32_t seed)
{
	static const unsigned int colours[] = { 1, 2, 4, 16, 17, 1000000 };

	for (uint32_t i = 0; i < f->width * f->height; i++) {
		uint32_t area = (i % f->width / 45 + i / f->width / 50 + seed) % 6, x = i * 2654435761u + seed;

		f->screen[i] = (x >> 8) % colours[area] * 1234567u + 0xff000000u * (x & 1);
	}
}

/* --- tests --- */

static void test_every_encoding_shows_the_screen(void **state)
{
	struct fixture *f = *state;
	static const int32_t lists[][2] = { { 0, 1 }, { 16, 0 }, { 16, 7 } };

	handshake(f);
	for (unsigned int i = 0; i < 3; i++)
		for (uint32_t seed = 0; seed < 6; seed++) {
			put_encodings(f, lists[i], 2);
			paint(f, seed);
			request(f, false);
			take_update(f);
			assert_int_equal(f->pixels, WIDTH * HEIGHT);
			assert_same_picture(f);
		}
}

static void test_wide_screens_are_cut_for_tight(void **state)
{
	struct fixture *f = *state;

	show(f, 2500, 100);
	handshake(f);
	put_encodings(f, (int32_t[]) { 7 }, 1);
	paint(f, 2);
	request(f, false);
	take_update(f);
	assert_int_equal(f->rects, 20);			/* 16384 pixels are 4 tiles */
	assert_same_picture(f);
}

static void test_updates_hold_only_what_changed(void **state)
{
	struct fixture *f = *state;

	handshake(f);
	put_encodings(f, (int32_t[]) { 16 }, 1);
	paint(f, 1);
	request(f, false);
	take_update(f);
	request(f, true);
	assert_true(out_is_empty(&f->s.out));
	assert_true(session_wants_damage(&f->s));
	damage(f, 0, 0, WIDTH, HEIGHT);			/* said to be damaged, but is the same */
	assert_true(out_is_empty(&f->s.out));
	f->screen[70 * WIDTH + 130] ^= 0x00ff00;
	damage(f, 0, 70, WIDTH, 1);
	take_update(f);
	assert_int_equal(f->pixels, 64 * 64);
	assert_same_picture(f);
	f->screen[0] ^= 1;
	damage(f, 0, 0, 1, 1);
	assert_true(out_is_empty(&f->s.out));		/* the client has not asked */
	assert_false(session_wants_damage(&f->s));
	request(f, true);
	take_update(f);
	assert_same_picture(f);
}

static void test_jpeg_only_where_the_client_allowed_it(void **state)
{
	struct fixture *f = *state;

	handshake(f);
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		f->screen[i] = i % WIDTH * 255 / WIDTH << 16 | i / WIDTH * 255 / HEIGHT << 8 | 0x40;
	put_encodings(f, (int32_t[]) { 7, -23 }, 2);
	request(f, false);
	take_update(f);
	assert_true(f->lossy > 0);
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		for (unsigned int shift = 0; shift < 24; shift += 8)
			assert_true(abs((int)(f->picture[i] >> shift & 255) - (int)(f->screen[i] >> shift & 255)) < 12);
	f->lossy = 0;
	put_encodings(f, (int32_t[]) { 7 }, 1);
	request(f, false);
	take_update(f);
	assert_int_equal(f->lossy, 0);
	assert_same_picture(f);
}

static void test_a_client_that_can_follows_the_mode(void **state)
{
	struct fixture *f = *state;

	handshake(f);
	put_encodings(f, (int32_t[]) { 16, -308 }, 2);
	paint(f, 0);
	request(f, false);
	take_update(f);
	assert_true(f->size_told);
	request(f, true);
	show(f, 320, 240);
	paint(f, 3);
	assert_int_equal(session_pump(&f->s), 0);
	take_update(f);
	assert_same_picture(f);
}

static void ask_for_room(struct fixture *f, uint16_t width, uint16_t height)
{
	uint8_t message[24] = { 251, 0, (uint8_t)(width >> 8), (uint8_t)width, (uint8_t)(height >> 8), (uint8_t)height, 1 };

	assert_int_equal(put(f, message, sizeof(message)), 0);
	request(f, true);
	take_update(f);
	assert_int_equal(f->size_reason, 1);
	assert_int_equal(f->picture_width, WIDTH);	/* only the guest changes its mode */
}

static void test_a_guest_hears_how_much_room_the_client_has(void **state)
{
	struct fixture *f = *state;

	handshake(f);
	put_encodings(f, (int32_t[]) { 0, -308 }, 2);
	request(f, false);
	take_update(f);
	ask_for_room(f, 1024, 768);
	assert_int_equal(f->size_status, 4);		/* forwarded */
	assert_int_equal(f->room_width, 1024);
	assert_int_equal(f->room_height, 768);
	ask_for_room(f, 1024, 0);
	assert_int_equal(f->size_status, 3);		/* nonsense */
	assert_int_equal(f->room_height, 768);
}

static void test_a_client_that_can_draws_the_pointer(void **state)
{
	static const uint32_t shape[] = { 0xff112233, 0x00ffffff, 0x80445566, 0x7f000000, 0xff778899, 0 };
	struct display_cursor c = { DISPLAY_CURSOR, 2, 3, 1, 2, 1 };
	struct fixture *f = *state;

	handshake(f);
	session_set_cursor(&f->s, &c, shape);
	request(f, false);
	take_update(f);
	assert_int_equal(f->cursors, 0);		/* it was not asked for */
	assert_false(f->cursor_wanted);
	put_encodings(f, (int32_t[]) { 0, -239 }, 2);
	assert_true(f->cursor_wanted);
	session_set_cursor(&f->s, &c, shape);
	request(f, true);
	take_update(f);
	assert_int_equal(f->cursors, 1);
	assert_int_equal(f->cursor.width, 2);
	assert_int_equal(f->cursor.height, 3);
	assert_int_equal(f->cursor.x, 1);
	assert_int_equal(f->cursor.y, 2);
	assert_int_equal(f->cursor_pixels[0] & 0xffffff, 0x112233);
	assert_int_equal(f->cursor_pixels[4] & 0xffffff, 0x778899);
	assert_memory_equal(f->cursor_mask, ((uint8_t[]) { 0x80, 0x80, 0x80 }), 3);
	c.visible = 0;
	session_set_cursor(&f->s, &c, shape);
	request(f, true);
	take_update(f);
	assert_int_equal(f->cursors, 2);
	assert_int_equal(f->cursor.width, 0);
}

static void test_a_client_that_cannot_keeps_its_size(void **state)
{
	struct fixture *f = *state;

	handshake(f);
	paint(f, 0);
	request(f, false);
	take_update(f);
	show(f, 100, 300);
	paint(f, 2);
	request(f, true);
	take_update(f);
	assert_int_equal(f->picture_width, WIDTH);
	assert_int_equal(f->picture[100 * WIDTH + 99], f->screen[100 * 100 + 99] & 0xffffff);
	assert_int_equal(f->picture[100 * WIDTH + 100], 0);
}

static void test_pixel_formats_are_the_clients(void **state)
{
	struct fixture *f = *state;
	const uint8_t *p;

	handshake(f);
	f->screen[0] = 0x00ff8040;
	assert_int_equal(put(f, (uint8_t[]) { 0, 0, 0, 0, 16, 16, 1, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0 }, 20), 0);
	request(f, false);
	assert_int_equal(f->s.out.count, 4 + 12 * 3 + WIDTH * HEIGHT * 2);	/* three rows of tiles */
	p = f->s.out.bytes + 4 + 12;
	assert_int_equal(p[0] << 8 | p[1], 31 << 11 | 32 << 5 | 8);
	out_consumed(&f->s.out, f->s.out.count);
	assert_int_equal(put(f, (uint8_t[]) { 0, 0, 0, 0, 8, 8, 0, 1, 0, 7, 0, 7, 0, 3, 0, 3, 6, 0, 0, 0 }, 20), 0);
	request(f, false);
	assert_int_equal(f->s.out.bytes[16], 7 | 4 << 3 | 1 << 6);
}

static const struct { const char *what; uint32_t keysym; uint16_t scancode; bool shift; } keysyms[] = {
	{ "a", 'a', 0x1e, false }, { "A", 'A', 0x1e, true }, { "~", '~', 0x29, true }, { "1", '1', 0x02, false }, { "|", '|', 0x2b, true },
	{ "Return", 0xff0d, 0x1c, false }, { "Up", 0xff52, 0xe048, false }, { "Delete", 0xffff, 0xe053, false }, { "F12", 0xffc9, 0x58, false },
	{ "z", 'z', 0x2c, false }, { "/", '/', 0x35, false }, { "?", '?', 0x35, true }, { "=", '=', 0x0d, false }, { "@", '@', 0x03, true },
};

static void key(struct fixture *f, uint32_t keysym, bool down)
{
	uint8_t m[8] = { 4, down, 0, 0, (uint8_t)(keysym >> 24), (uint8_t)(keysym >> 16), (uint8_t)(keysym >> 8), (uint8_t)keysym };

	assert_int_equal(put(f, m, 8), 0);
}

static void test_keysyms_become_scancodes_with_shift_where_needed(void **state)
{
	struct fixture *f = *state;

	handshake(f);
	for (size_t i = 0; i < sizeof(keysyms) / sizeof(keysyms[0]); i++) {
		unsigned int first = keysyms[i].shift ? 1 : 0;

		f->key_count = 0;
		key(f, keysyms[i].keysym, true);
		if (f->key_count != (keysyms[i].shift ? 3 : 1) || f->keys[first].scancode != keysyms[i].scancode)
			fail_msg("%s gave %u keys, scancode %x", keysyms[i].what, f->key_count, f->keys[first].scancode);
		key(f, keysyms[i].keysym, false);
		assert_false(f->keys[f->key_count - 1].down);
	}
	key(f, 0xffe1, true);
	f->key_count = 0;
	key(f, 'A', true);
	assert_int_equal(f->key_count, 1);		/* the client holds Shift itself */
	key(f, 0x12345678, true);
	assert_int_equal(f->key_count, 1);
}

static void test_extended_keys_and_pointer(void **state)
{
	struct fixture *f = *state;

	handshake(f);
	put_encodings(f, (int32_t[]) { -258 }, 1);
	request(f, true);
	take_update(f);
	assert_true(f->extended_keys);
	assert_int_equal(put(f, (uint8_t[]) { 255, 0, 0, 1, 0, 0, 0xff, 0x52, 0, 0, 0, 0xc8 }, 12), 0);
	assert_int_equal(f->keys[0].scancode, 0xe048);
	assert_int_equal(put(f, (uint8_t[]) { 255, 0, 0, 1, 0, 0, 0, 'a', 0, 0, 0, 0x1e }, 12), 0);
	assert_int_equal(f->keys[1].scancode, 0x1e);
	assert_int_equal(put(f, (uint8_t[]) { 5, 0xff, 0, WIDTH - 1, 0, 0 }, 6), 0);
	assert_int_equal(f->x, 32767);
	assert_int_equal(f->y, 0);
	assert_int_equal(f->buttons, 0x1f);
	assert_int_equal(put(f, (uint8_t[]) { 5, 0, 0xff, 0xff, 0, HEIGHT / 2 }, 6), 0);
	assert_int_equal(f->x, 32767);
	f->key_count = 0;
	session_fini(&f->s);				/* lets go of what is still held */
	assert_int_equal(f->key_count, 2);
	session_init(&f->s, &(struct session_host) { on_key, on_pointer, on_resize, on_want_cursor, f });
}

static const struct { const char *what; size_t count; uint8_t bytes[24]; } hostile[] = {
	{ "an unknown message", 1, { 9 } },
	{ "a pixel format of 24 bits", 20, { 0, 0, 0, 0, 24, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0 } },
	{ "a colour map", 20, { 0, 0, 0, 0, 8, 8, 0, 0 } },
	{ "a shift beyond the pixel", 20, { 0, 0, 0, 0, 16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 75, 5, 0 } },
	{ "a maximum that is no mask", 20, { 0, 0, 0, 0, 16, 16, 0, 1, 0, 30, 0, 63, 0, 31, 11, 5, 0 } },
	{ "a maximum wider than the pixel", 20, { 0, 0, 0, 0, 16, 16, 0, 1, 0xff, 0xff, 0, 63, 0, 31, 11, 5, 0 } },
	{ "65535 encodings", 4, { 2, 0, 0xff, 0xff } },
	{ "two gigabytes of clipboard", 8, { 6, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff } },
	{ "the most negative clipboard", 8, { 6, 0, 0, 0, 0x80, 0, 0, 0 } },
	{ "255 screens", 8, { 251, 0, 4, 0, 3, 0, 255, 0 } },
	{ "audio", 12, { 255, 1, 0, 0 } },
};

static void test_broken_rules_end_the_session(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		handshake(f);
		if (put(f, hostile[i].bytes, hostile[i].count) != -71)
			fail_msg("%s was accepted", hostile[i].what);
		assert_int_equal(f->key_count, 0);
		session_fini(&f->s);
		session_init(&f->s, &(struct session_host) { on_key, on_pointer, on_resize, on_want_cursor, f });
		show(f, WIDTH, HEIGHT);
	}
	assert_int_equal(put(f, "GET / HTTP/1", 12), -71);
}

static void test_clipboard_is_thrown_away_in_pieces(void **state)
{
	struct fixture *f = *state;
	uint8_t text[1000];

	memset(text, 9, sizeof(text));			/* 9 is no message */
	handshake(f);
	assert_int_equal(put(f, (uint8_t[]) { 6, 0, 0, 0, 0, 0, 0x4e, 0x20 }, 8), 0);	/* 20000 bytes */
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(put(f, text, 1000), 0);
	key(f, 'a', true);
	assert_int_equal(f->key_count, 1);
}

static void test_older_clients_skip_what_they_do_not_know(void **state)
{
	struct fixture *f = *state;

	take(f, 12);
	assert_int_equal(put(f, "RFB 003.003\n", 12), 0);
	assert_int_equal(take32(f), 1);
	assert_int_equal(put(f, "\0", 1), 0);
	assert_int_equal(take16(f), WIDTH);
}

/* Messages cut and mixed at random: each either works or ends the session, byte by byte or at once. */
static void test_noise_only_ever_ends_the_session(void **state)
{
	struct fixture *f = *state;
	static const uint8_t types[] = { 0, 2, 3, 3, 3, 4, 5, 6, 251, 255 };
	uint32_t x = 7;

	for (int run = 0; run < 3000; run++) {
		uint8_t bytes[64];
		int r = 0;

		handshake(f);
		for (int i = 0; r == 0 && i < 40; i++) {
			for (size_t b = 0; b < sizeof(bytes); b++) {
				x = x * 1664525 + 1013904223;
				bytes[b] = (uint8_t)(x >> 24 & (x >> 8 & 3 ? 0x03 : 0xff));
			}
			bytes[0] = types[(x >> 16) % sizeof(types)];
			r = put(f, bytes, 1 + (x >> 10) % sizeof(bytes));
			f->screen[(x >> 8) % (WIDTH * HEIGHT)] = x;
			session_damage(&f->s, &(struct display_rect) { (uint16_t)x, (uint16_t)(x >> 8), (uint16_t)(x >> 16), 40 }, 1);
			if (r == 0)
				r = session_pump(&f->s);
			out_consumed(&f->s.out, f->s.out.count - f->s.out.sent);
		}
		session_fini(&f->s);
		session_init(&f->s, &(struct session_host) { on_key, on_pointer, on_resize, on_want_cursor, f });
		show(f, WIDTH, HEIGHT);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_every_encoding_shows_the_screen),
		T(test_wide_screens_are_cut_for_tight),
		T(test_updates_hold_only_what_changed),
		T(test_jpeg_only_where_the_client_allowed_it),
		T(test_a_client_that_can_follows_the_mode),
		T(test_a_guest_hears_how_much_room_the_client_has),
		T(test_a_client_that_can_draws_the_pointer),
		T(test_a_client_that_cannot_keeps_its_size),
		T(test_pixel_formats_are_the_clients),
		T(test_keysyms_become_scancodes_with_shift_where_needed),
		T(test_extended_keys_and_pointer),
		T(test_broken_rules_end_the_session),
		T(test_clipboard_is_thrown_away_in_pieces),
		T(test_older_clients_skip_what_they_do_not_know),
		T(test_noise_only_ever_ends_the_session),
	};

	return cmocka_run_group_tests_name("rfb", tests, NULL, NULL);
}
