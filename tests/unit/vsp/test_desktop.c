/* SPDX-License-Identifier: Apache-2.0 */
/* Synthetic video, keyboard and mouse as the drivers of Linux use them, and what they must not do with nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_bus.h"

#define GPA	0xf9000000ull
#define MIB	(1ull << 20)

struct fixture { struct machine m; struct device *video, *keyboard, *mouse; };

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->video = fake_add(&f->m, &video_model);
	f->keyboard = fake_add(&f->m, &keyboard_model);
	f->mouse = fake_add(&f->m, &mouse_model);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_clear(&f->m);
	free(f);
	return 0;
}

/* --- keyboard --- */

static struct vmbus_channel *keyboard_open(struct fixture *f, uint32_t version)
{
	struct vmbus_channel *c = fake_channel(f->keyboard);
	uint32_t request[] = { 1, version }, response[2] = { 0 };

	assert_int_equal(fake_open(c), 0);
	fake_send(c, request, sizeof(request));
	assert_int_equal(fake_take(c, response, sizeof(response)), 8);
	assert_int_equal(response[0], 2);
	assert_int_equal(response[1], version == 0x10000);
	return c;
}

static void key(struct fixture *f, uint16_t scancode, bool down)
{
	f->m.input[DISPLAY_KEYBOARD]->key(f->m.input_context[DISPLAY_KEYBOARD], scancode, down);
}

struct key_event { uint32_t type; uint16_t code, reserved; uint32_t flags; };

static void expect_key(struct vmbus_channel *c, uint16_t code, uint32_t flags)
{
	struct key_event e = { 0 };

	assert_int_equal(fake_take(c, &e, sizeof(e)), 12);
	assert_int_equal(e.type, 3);
	assert_int_equal(e.code, code);
	assert_int_equal(e.flags, flags);
}

static void keys_arrive_as_set_1_make_codes_with_flags(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = keyboard_open(f, 0x10000);

	key(f, 0x1e, true);
	key(f, 0x1e, false);
	key(f, 0xe048, true);
	key(f, 0xe048, false);
	expect_key(c, 0x1e, 0);
	expect_key(c, 0x1e, 2);
	expect_key(c, 0x48, 4);
	expect_key(c, 0x48, 4 | 2);
	key(f, 0x70, true);			/* katakana/hiragana of a 106 keyboard */
	key(f, 0x7d, false);			/* yen */
	expect_key(c, 0x70, 0);
	expect_key(c, 0x7d, 2);
	key(f, 0xe046, true);			/* pause: both halves at once */
	key(f, 0xe046, false);
	expect_key(c, 0x1d, 8);
	expect_key(c, 0x45, 0);
	expect_key(c, 0x1d, 8 | 2);
	expect_key(c, 0x45, 2);
	key(f, 0x9e, true);			/* no make code has bit 7 */
	key(f, 0x4512, true);
	assert_int_equal(fake_take(c, &(struct key_event){ 0 }, 12), -1);
}

static void keys_go_to_ps2_until_the_driver_agrees_and_after_it_has_gone(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = keyboard_open(f, 0x20000);

	assert_null(f->m.input[DISPLAY_KEYBOARD]);	/* a version nobody knows */
	fake_close(c);
	c = keyboard_open(f, 0x10000);
	assert_non_null(f->m.input[DISPLAY_KEYBOARD]);
	fake_close(c);
	assert_null(f->m.input[DISPLAY_KEYBOARD]);
}

static void a_keyboard_that_talks_nonsense_is_closed(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = keyboard_open(f, 0x10000);
	uint32_t leds[] = { 4, 3 }, unknown[] = { 9, 0 };

	fake_send(c, leds, 6);
	assert_false(c->faulted);
	fake_send(c, unknown, 8);
	assert_true(c->faulted);
	assert_null(f->m.input[DISPLAY_KEYBOARD]);
	c = keyboard_open(f, 0x10000);
	fake_send(c, leds, 0);
	assert_true(c->faulted);
}

/* --- mouse --- */

static struct vmbus_channel *mouse_open(struct fixture *f, bool acknowledge)
{
	struct vmbus_channel *c = fake_channel(f->mouse);
	uint32_t request[] = { 0, 4, 0x20000 };
	uint8_t message[256], ack[] = { 3, 0, 0, 0, 1, 0, 0, 0, 0 };
	int size;

	assert_int_equal(fake_open(c), 0);
	fake_pipe_send(c, request, sizeof(request));
	assert_int_equal(fake_pipe_take(c, message, sizeof(message)), 13);	/* Linux drops a longer one */
	assert_int_equal(message[0], 1);
	assert_int_equal(message[12], 1);
	size = fake_pipe_take(c, message, sizeof(message));
	assert_int_equal(message[0], 2);
	assert_int_equal(message[8], 32);
	assert_int_equal(message[40], 9);		/* HID descriptor: length, then the report's at its end */
	assert_int_equal(size, 8 + 32 + 9 + (message[47] | message[48] << 8));
	assert_int_equal(message[49 + 14], 0x29);	/* where Linux mends an old host's descriptor */
	if (acknowledge)
		fake_pipe_send(c, ack, sizeof(ack));
	return c;
}

static void point(struct fixture *f, uint16_t x, uint16_t y, uint32_t buttons)
{
	f->m.input[DISPLAY_MOUSE]->pointer(f->m.input_context[DISPLAY_MOUSE], x, y, buttons);
}

static void expect_report(struct vmbus_channel *c, uint8_t buttons, uint16_t x, uint16_t y, int16_t wheel)
{
	uint8_t r[15] = { 0 };

	assert_int_equal(fake_pipe_take(c, r, sizeof(r)), 15);
	assert_int_equal(r[0], 4);
	assert_int_equal(r[4], 7);
	assert_int_equal(r[8], buttons);
	assert_int_equal(r[9] | r[10] << 8, x);
	assert_int_equal(r[11] | r[12] << 8, y);
	assert_int_equal((int16_t)(r[13] | r[14] << 8), wheel);
}

static void the_pointer_is_absolute_with_buttons_in_hid_order_and_a_wheel(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = mouse_open(f, true);

	point(f, 32767, 1, 0);
	expect_report(c, 0, 32767, 1, 0);
	point(f, 5, 6, 1);			/* left */
	expect_report(c, 1, 5, 6, 0);
	point(f, 5, 6, 2);			/* middle */
	expect_report(c, 4, 5, 6, 0);
	point(f, 5, 6, 4);			/* right */
	expect_report(c, 2, 5, 6, 0);
	point(f, 5, 6, 8);			/* wheel up, once however long it is held */
	expect_report(c, 0, 5, 6, 1);
	point(f, 7, 6, 8);
	expect_report(c, 0, 7, 6, 0);
	point(f, 7, 6, 16);
	expect_report(c, 0, 7, 6, -1);
}

static void a_pointer_without_room_is_sent_as_the_last_position_when_there_is(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = mouse_open(f, true);

	c->full = true;
	point(f, 1, 1, 8);
	point(f, 2, 2, 0);
	point(f, 3, 3, 8);
	c->full = false;
	c->kind->writable(c);
	expect_report(c, 0, 3, 3, 2);
	c->kind->writable(c);
	assert_int_equal(c->count, 0);
}

static void the_pointer_moves_only_after_the_descriptors_were_acknowledged(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = mouse_open(f, false);
	uint8_t ack[] = { 3, 0, 0, 0, 1, 0, 0, 0, 0 };

	assert_null(f->m.input[DISPLAY_MOUSE]);
	fake_pipe_send(c, ack, sizeof(ack));
	assert_non_null(f->m.input[DISPLAY_MOUSE]);
	fake_close(c);
	assert_null(f->m.input[DISPLAY_MOUSE]);
	fake_open(c);
	fake_pipe_send(c, ack, sizeof(ack));	/* of nothing */
	assert_true(c->faulted);
}

/* --- video --- */

#pragma pack(push, 1)
struct message { uint32_t type, size; uint8_t body[512]; };
struct situation { uint64_t context; uint8_t count, active; uint32_t offset; uint8_t depth; uint32_t width, height, pitch; };
struct vram { uint64_t context; uint8_t specified; uint64_t gpa; };
#pragma pack(pop)

static void video_send(struct vmbus_channel *c, uint32_t type, const void *body, size_t size)
{
	struct message m = { type, (uint32_t)(8 + size), { 0 } };

	memcpy(m.body, body, size);
	fake_pipe_send(c, &m, 8 + size);
}

static size_t video_take(struct vmbus_channel *c, uint32_t type, struct message *m)
{
	int size = fake_pipe_take(c, m, sizeof(*m));

	assert_true(size >= 8);
	assert_int_equal(m->type, type);
	assert_int_equal(m->size, size);
	return (size_t)size - 8;
}

static struct vmbus_channel *video_open(struct fixture *f)
{
	struct vmbus_channel *c = fake_channel(f->video);
	struct message m;

	assert_int_equal(fake_open(c), 0);
	video_send(c, 1, &(uint32_t){ 0x50003 }, 4);
	assert_int_equal(video_take(c, 2, &m), 6);
	assert_int_not_equal(m.body[4], 0);
	assert_int_equal(m.body[5], 1);
	return c;
}

static void vram(struct vmbus_channel *c, uint64_t gpa)
{
	struct vram v = { 0x1122334455667788ull, 1, gpa };
	struct message m;

	video_send(c, 3, &v, sizeof(v));
	assert_int_equal(video_take(c, 4, &m), 8);
	assert_memory_equal(m.body, &v.context, 8);
}

static struct situation mode(uint32_t width, uint32_t height)
{
	return (struct situation){ 7, 1, 1, 0, 32, width, height, width * 4 };
}

static void set_mode(struct vmbus_channel *c, struct situation s)
{
	struct message m;

	video_send(c, 5, &s, sizeof(s));
	assert_int_equal(video_take(c, 6, &m), 8);
	assert_memory_equal(m.body, &s.context, 8);
}

static void a_driver_gets_vram_modes_and_a_picture(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = video_open(f);
	struct message m;
	uint8_t sum = 0;
	size_t size;

	assert_int_equal(c->kind->mmio_mib, 16);
	video_send(c, 13, &(uint8_t){ 64 }, 1);
	size = video_take(c, 14, &m);
	assert_int_equal(size, 131 + 4 * m.body[128]);
	assert_true(m.body[128] >= 5);
	assert_true(m.body[129] < m.body[128]);
	for (unsigned int i = 0; i < 128; i++)
		sum = (uint8_t)(sum + m.body[i]);
	assert_int_equal(sum, 0);			/* an EDID block */
	vram(c, GPA);
	assert_true(f->m.slot[0].mapped);
	assert_int_equal(f->m.slot[0].gpa, GPA);
	assert_false(f->m.source->active);		/* nothing to show yet */
	set_mode(c, mode(1024, 768));
	assert_true(f->m.source->active);
	assert_int_equal(f->m.source->mode.width, 1024);
	assert_int_equal(f->m.source->mode.stride, 4096);
	assert_int_equal(f->m.source->mode.size, 4096 * 768);
	set_mode(c, (struct situation){ .count = 1 });	/* blanked */
	assert_false(f->m.source->active);
	set_mode(c, mode(800, 600));
	fake_close(c);
	assert_false(f->m.source->active);
	assert_false(f->m.slot[0].mapped);
}

static void every_resolution_offered_fits_the_memory_offered(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = video_open(f);
	struct message m;

	video_send(c, 13, &(uint8_t){ 3 }, 1);
	video_take(c, 14, &m);
	assert_int_equal(m.body[128], 3);		/* no more than asked for */
	assert_true(m.body[129] < 3);
	video_send(c, 13, &(uint8_t){ 255 }, 1);
	video_take(c, 14, &m);
	vram(c, GPA);
	for (unsigned int i = 0; i < m.body[128]; i++) {
		uint16_t size[2];

		memcpy(size, m.body + 131 + 4 * i, 4);
		assert_true(size[0] * size[1] * 4u <= 16 * MIB);
		set_mode(c, mode(size[0], size[1]));
		assert_true(f->m.source->active);
	}
}

static void the_preferred_resolution_is_the_largest_that_the_viewer_has_room_for(void **state)
{
	static const struct { uint32_t width, height; uint16_t want[2]; } cases[] = {
		{ 1600, 905, { 1600, 900 } }, { 1279, 2000, { 1152, 864 } }, { 60, 60, { 640, 480 } }, { 65535, 65535, { 2560, 1600 } },
	};
	struct fixture *f = *state;
	struct vmbus_channel *c = video_open(f);
	struct message m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f->m.source->resize(f->m.source, cases[i].width, cases[i].height);
		video_send(c, 13, &(uint8_t){ 64 }, 1);
		video_take(c, 14, &m);
		assert_memory_equal(m.body + 131 + 4 * m.body[129], cases[i].want, 4);
	}
}

#pragma pack(push, 1)
struct shape { uint8_t part, argb; uint32_t width, height, hot_x, hot_y; uint32_t pixels[64]; };
#pragma pack(pop)

static uint32_t cursor_pixel(const struct display_source *s, off_t index)
{
	uint32_t pixel;

	assert_int_equal(pread(s->cursor_fd, &pixel, 4, index * 4), 4);
	return pixel;
}

static void a_pointer_shape_reaches_the_viewer_whole_or_in_parts(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = video_open(f);
	struct shape s = { 0xff, 1, 8, 8, 3, 4, { [0] = 0x11223344, [63] = 0x55667788 } };
	uint8_t position[10] = { 0 };

	video_send(c, 8, &s, sizeof(s));
	assert_int_equal(f->m.source->cursor.width, 8);
	assert_int_equal(f->m.source->cursor.hot_y, 4);
	assert_int_equal(f->m.source->cursor.visible, 1);
	assert_int_equal(cursor_pixel(f->m.source, 0), 0x11223344);
	assert_int_equal(cursor_pixel(f->m.source, 63), 0x55667788);
	s = (struct shape){ 0, 1, 4, 32, 0, 0, { [0] = 1 } };		/* half of it */
	video_send(c, 8, &s, sizeof(s));
	assert_int_equal(f->m.source->cursor.height, 8);
	s.part = 1, s.pixels[63] = 9;
	video_send(c, 8, &s, sizeof(s));
	assert_int_equal(f->m.source->cursor.height, 32);
	assert_int_equal(cursor_pixel(f->m.source, 127), 9);
	video_send(c, 7, position, sizeof(position));
	assert_int_equal(f->m.source->cursor.visible, 0);
	position[0] = 1;
	video_send(c, 7, position, sizeof(position));
	assert_int_equal(f->m.source->cursor.visible, 1);
	fake_close(c);
	assert_int_equal(f->m.source->cursor.width, 0);
}

static void a_pointer_shape_that_makes_no_sense_is_none(void **state)
{
	static const struct shape shapes[] = {
		{ 0xff, 0, 8, 8, 0, 0, { 0 } }, { 0xff, 1, 0, 8, 0, 0, { 0 } }, { 0xff, 1, 97, 1, 0, 0, { 0 } }, { 0xff, 1, 8, 97, 0, 0, { 0 } },
		{ 0xff, 1, 8, 8, 8, 0, { 0 } }, { 0xff, 1, 0x10000, 0x10000, 0, 0, { 0 } },
	};
	struct fixture *f = *state;
	struct vmbus_channel *c = video_open(f);
	struct shape good = { 0xff, 1, 8, 8, 3, 4, { 0 } };

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		video_send(c, 8, &good, sizeof(good));
		assert_int_equal(f->m.source->cursor.width, 8);
		video_send(c, 8, &shapes[i], sizeof(shapes[i]));
		assert_int_equal(f->m.source->cursor.width, 0);
	}
}

static void vram_over_the_vga_covers_it_while_it_is_there(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = video_open(f);

	f->m.vga_gpa = 0xf8000000ull;
	vram(c, 0xf8000000ull);
	assert_true(f->m.vga_covered);
	assert_true(f->m.slot[0].mapped);
	set_mode(c, mode(640, 480));
	vram(c, 0xf9000000ull);
	assert_false(f->m.vga_covered);
	vram(c, 0xf8000000ull);
	assert_true(f->m.vga_covered);
	fake_close(c);
	assert_false(f->m.vga_covered);
	assert_false(f->m.slot[0].mapped);
}

static void vram_is_never_mapped_where_something_else_is(void **state)
{
	static const uint64_t places[] = { 0, 0x1000, 0xbf000000, 0xe0000000, 0xf7ffffff, 0xf9000800, 0xfe000000, 0xfec00000, 0xfee00000,
					   0xffffffff, 0x100000000, 0x13ffff000, 1ull << 52, UINT64_MAX, UINT64_MAX - 4095 };
	struct fixture *f = *state;
	struct vmbus_channel *c = video_open(f);

	f->m.ram_high = 1ull << 30;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		vram(c, places[i]);
		assert_false(f->m.slot[0].mapped);
		set_mode(c, mode(640, 480));
		assert_false(f->m.source->active);
	}
	vram(c, 0x140000000ull);			/* right behind RAM */
	assert_true(f->m.slot[0].mapped);
	assert_true(f->m.source->active);
}

static void modes_that_do_not_fit_are_refused(void **state)
{
	struct situation bad[] = { mode(0, 480), mode(640, 0), mode(2561, 16), mode(16, 1601), mode(640, 480), mode(640, 480), mode(640, 480),
				   mode(640, 480), mode(640, 480) };
	struct fixture *f = *state;

	bad[4].pitch = 2556;
	bad[5].pitch = 0xffffffff;
	bad[6].offset = 16 * MIB - 4;
	bad[7].offset = 0xfffffffc;
	bad[8].count = 2;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vmbus_channel *c = video_open(f);

		vram(c, GPA);
		video_send(c, 5, &bad[i], sizeof(bad[i]));
		if (!c->faulted)
			fail_msg("situation %zu was taken", i);
		assert_false(f->m.source->active);
	}
}

static void drawing_is_asked_for_while_somebody_looks(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = video_open(f);
	struct message m;
	struct { uint8_t output, count; int32_t r[8]; } __attribute__((packed)) dirt = { 0, 2, { 0, 10, 5, 20, -9, -3, 4000, 100000 } };

	vram(c, GPA);
	set_mode(c, mode(640, 480));
	f->m.source->refresh(f->m.source);
	video_take(c, 9, &m);
	assert_int_equal(m.body[0], 1);
	assert_int_equal(f->m.rows_count, 0);
	video_send(c, 10, &dirt, sizeof(dirt));
	assert_int_equal(f->m.rows[0].first, 10);
	assert_int_equal(f->m.rows[0].count, 10);
	assert_int_equal(f->m.rows[1].first, 0);
	assert_int_equal(f->m.rows[1].count, 480);
	fake_advance(&f->m, 1100000000);
	f->m.source->refresh(f->m.source);		/* what was drawn before the guest knew */
	assert_int_equal(f->m.rows_count, 3);
	fake_advance(&f->m, 3000000000);
	f->m.source->refresh(f->m.source);
	assert_int_equal(f->m.rows_count, 3);
	assert_int_equal(c->count, 0);
	fake_advance(&f->m, 6000000000);		/* nobody looks any more */
	video_take(c, 9, &m);
	assert_int_equal(m.body[0], 0);
}

static void a_guest_that_never_reports_is_looked_at_every_second(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = video_open(f);

	vram(c, GPA);
	set_mode(c, mode(640, 480));
	for (unsigned int i = 0; i < 40; i++) {
		f->m.source->refresh(f->m.source);
		fake_advance(&f->m, 100000000);
	}
	assert_int_equal(f->m.rows_count, 3);
}

static void unknown_and_short_video_messages_close_the_channel(void **state)
{
	static const struct { uint32_t type; size_t size; } bad[] = {
		{ 0, 64 }, { 2, 64 }, { 3, 16 }, { 5, 26 }, { 7, 9 }, { 8, 17 }, { 10, 1 }, { 13, 0 }, { 17, 64 }, { 0xffffffff, 64 },
	};
	struct fixture *f = *state;
	uint8_t body[64] = { 0, 200 };
	struct vmbus_channel *c = fake_channel(f->video);

	fake_open(c);
	video_send(c, 3, body, 17);			/* before a version */
	assert_true(c->faulted);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = video_open(f);
		video_send(c, bad[i].type, body, bad[i].size);
		if (!c->faulted)
			fail_msg("message %u of %zu bytes was taken", bad[i].type, bad[i].size);
	}
	c = video_open(f);
	video_send(c, 10, body, 64);			/* 200 rectangles in 62 bytes */
	assert_true(c->faulted);
}

/* --- state --- */

static void the_picture_survives_save_and_restore(void **state)
{
	struct fixture *f = *state, *other;
	void *fresh, *data;
	struct vmbus_channel *c = video_open(f), *k = keyboard_open(f, 0x10000), *m = mouse_open(f, true);
	struct state *s = state_save_begin();
	size_t size;

	vram(c, GPA);
	set_mode(c, mode(320, 200));
	c->kind->state(c, s);
	k->kind->state(k, s);
	m->kind->state(m, s);
	assert_int_equal(state_save_end(s, &data, &size), 0);
	setup(&fresh);
	other = fresh;
	s = state_load_begin(data, size);
	for (unsigned int i = 0; i < 3; i++) {
		struct vmbus_channel *n = fake_channel(i == 0 ? other->video : i == 1 ? other->keyboard : other->mouse);

		n->open = true;				/* as the bus has it by then */
		n->kind->state(n, s);
	}
	assert_int_equal(state_load_end(s), 0);
	assert_true(other->m.source->active);
	assert_int_equal(other->m.source->mode.width, 320);
	assert_int_equal(other->m.slot[0].gpa, GPA);
	assert_non_null(other->m.input[DISPLAY_KEYBOARD]);
	assert_non_null(other->m.input[DISPLAY_MOUSE]);
	teardown(&fresh);
	free(data);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(keys_arrive_as_set_1_make_codes_with_flags),
		TEST(keys_go_to_ps2_until_the_driver_agrees_and_after_it_has_gone),
		TEST(a_keyboard_that_talks_nonsense_is_closed),
		TEST(the_pointer_is_absolute_with_buttons_in_hid_order_and_a_wheel),
		TEST(a_pointer_without_room_is_sent_as_the_last_position_when_there_is),
		TEST(the_pointer_moves_only_after_the_descriptors_were_acknowledged),
		TEST(a_driver_gets_vram_modes_and_a_picture),
		TEST(every_resolution_offered_fits_the_memory_offered),
		TEST(the_preferred_resolution_is_the_largest_that_the_viewer_has_room_for),
		TEST(a_pointer_shape_reaches_the_viewer_whole_or_in_parts),
		TEST(a_pointer_shape_that_makes_no_sense_is_none),
		TEST(vram_over_the_vga_covers_it_while_it_is_there),
		TEST(vram_is_never_mapped_where_something_else_is),
		TEST(modes_that_do_not_fit_are_refused),
		TEST(drawing_is_asked_for_while_somebody_looks),
		TEST(a_guest_that_never_reports_is_looked_at_every_second),
		TEST(unknown_and_short_video_messages_close_the_channel),
		TEST(the_picture_survives_save_and_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
