/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VGA: modes set by register writes as a video BIOS makes them, pixels looked at as a viewer gets them.
 * With PARTITA_TEST_PNG=DIR the text screen is also written as a picture to be looked at.
 */
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_machine.h"
#include "partita/display.h"
#include "vmwp/chipset/display.h"
#include "vmwp/chipset/ps2.h"
#include "vmwp/chipset/vga.h"

#define LFB 0xe0000000ull
#define LFB_BYTES (16ull << 20)

struct fixture { struct machine m; struct device *vga; };
struct viewer { int fd; struct display_mode mode; uint8_t *pixels; void *map; size_t map_size; };

struct registers { uint8_t misc, seq[5], crtc[25], gc[9], attr[21]; };
static const struct registers mode3 = {
	0x67, { 3, 0x00, 0x03, 0, 0x02 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff },
	{ 0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff },
	{ 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0, 0x0f, 8, 0 } };
static const struct registers mode12 = {
	0xe3, { 3, 0x01, 0x0f, 0, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0, 0xe7, 0x04, 0xe3, 0xff },
	{ 0, 0, 0, 0, 0, 0, 5, 0x0f, 0xff },
	{ 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 1, 0, 0x0f, 0, 0 } };
static const struct registers mode13 = {
	0x63, { 3, 0x01, 0x0f, 0, 0x0e },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff },
	{ 0, 0, 0, 0, 0, 0x40, 5, 0x0f, 0xff },
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0, 0x0f, 0, 0 } };

static void indexed(struct fixture *f, uint16_t port, const uint8_t *values, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		fake_out(&f->m, port, 2, i | (uint32_t)values[i] << 8);
}

/* The 64 colours of an EGA: two bits each of red, green and blue. */
static void load_palette(struct fixture *f)
{
	fake_out(&f->m, 0x3c8, 1, 0);
	for (unsigned int i = 0; i < 256; i++)
		for (int c = 2; c >= 0; c--)
			fake_out(&f->m, 0x3c9, 1, (i >> c & 1) * 0x2a + (i >> (c + 3) & 1) * 0x15);
}

static void set_mode(struct fixture *f, const struct registers *r)
{
	fake_out(&f->m, 0x3c2, 1, r->misc);
	indexed(f, 0x3c4, r->seq, 5);
	fake_out(&f->m, 0x3d4, 2, 0x0011);
	indexed(f, 0x3d4, r->crtc, 25);
	indexed(f, 0x3ce, r->gc, 9);
	fake_in(&f->m, 0x3da, 1);
	for (unsigned int i = 0; i < 21; i++) {
		fake_out(&f->m, 0x3c0, 1, i);
		fake_out(&f->m, 0x3c0, 1, r->attr[i]);
	}
	fake_out(&f->m, 0x3c0, 1, 0x20);
	load_palette(f);
}

static void dispi(struct fixture *f, uint16_t index, uint16_t value)
{
	fake_out(&f->m, 0x1ce, 2, index);
	fake_out(&f->m, 0x1cf, 2, value);
}

static void set_dispi(struct fixture *f, uint16_t width, uint16_t height, uint16_t bpp)
{
	dispi(f, 4, 0);
	dispi(f, 1, width);
	dispi(f, 2, height);
	dispi(f, 3, bpp);
	dispi(f, 4, 0x41);
}

/* --- viewers --- */

static bool next_packet(struct viewer *w, void *packet, size_t size, int *fd)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec iov = { packet, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(w->fd, &msg, MSG_DONTWAIT);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*fd = -1;
	if (c)
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return n > 0;
}

static void take_mode(struct viewer *w, const struct display_mode *mode, int fd)
{
	assert_true(fd >= 0);
	if (w->map)
		munmap(w->map, w->map_size);
	w->mode = *mode;
	w->map_size = mode->offset + mode->size;
	w->map = mmap(NULL, w->map_size, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(w->map != MAP_FAILED);
	w->pixels = (uint8_t *)w->map + mode->offset;
	close(fd);
}

static struct viewer viewer_open(struct fixture *f)
{
	struct viewer w = { .fd = -1 };
	struct display_mode mode;
	int fd;

	assert_int_equal(display_open(&f->m, &w.fd), 0);
	assert_true(next_packet(&w, &mode, sizeof(mode), &fd));
	assert_int_equal(mode.type, DISPLAY_MODE);
	take_mode(&w, &mode, fd);
	return w;
}

static void viewer_close(struct fixture *f, struct viewer *w)
{
	munmap(w->map, w->map_size);
	close(w->fd);
	fake_pump(&f->m, 0);
}

static void viewer_request(struct fixture *f, struct viewer *w)
{
	uint32_t type = DISPLAY_REQUEST;

	assert_int_equal(send(w->fd, &type, sizeof(type), 0), sizeof(type));
	fake_pump(&f->m, 0);
}

/* Rows damaged since the last time; modes are taken on the way. */
static unsigned int viewer_damage(struct fixture *f, struct viewer *w)
{
	union { struct display_mode mode; struct display_damage damage; } p;
	unsigned int rows = 0;
	int fd;

	fake_advance(&f->m, 200000000);
	while (next_packet(w, &p, sizeof(p), &fd)) {
		if (p.mode.type == DISPLAY_MODE) {
			take_mode(w, &p.mode, fd);
			continue;
		}
		assert_int_equal(p.damage.type, DISPLAY_DAMAGE);
		for (unsigned int i = 0; i < p.damage.count; i++)
			rows += p.damage.rects[i].height;
	}
	return rows;
}

static uint32_t pixel(const struct viewer *w, unsigned int x, unsigned int y)
{
	uint32_t value;

	memcpy(&value, w->pixels + (size_t)y * w->mode.stride + 4 * x, 4);
	return value & 0xffffff;
}

/* --- text --- */

static uint8_t glyph_row(unsigned int character, unsigned int row) { return (uint8_t)(character * 3 ^ row * 17); }

static void font_access(struct fixture *f, bool on)
{
	fake_out(&f->m, 0x3c4, 2, 0x0100);
	fake_out(&f->m, 0x3c4, 2, on ? 0x0402 : 0x0302);
	fake_out(&f->m, 0x3c4, 2, on ? 0x0704 : 0x0204);
	fake_out(&f->m, 0x3c4, 2, 0x0300);
	fake_out(&f->m, 0x3ce, 2, on ? 0x0204 : 0x0004);
	fake_out(&f->m, 0x3ce, 2, on ? 0x0005 : 0x1005);
	fake_out(&f->m, 0x3ce, 2, on ? 0x0406 : 0x0e06);
}

static void load_font(struct fixture *f, const uint8_t *font)
{
	font_access(f, true);
	for (unsigned int c = 0; c < 256; c++)
		for (unsigned int y = 0; y < 16; y++)
			fake_mmio_write(&f->m, 0xa0000 + c * 32 + y, 1, font ? font[c * 16 + y] : glyph_row(c, y));
	font_access(f, false);
}

static void text_put(struct fixture *f, unsigned int x, unsigned int y, uint8_t attribute, const char *text)
{
	for (; *text; x++, text++)
		fake_mmio_write(&f->m, 0xb8000 + (y * 80 + x) * 2, 2, (uint8_t)*text | attribute << 8);
}

static void text_cursor(struct fixture *f, unsigned int at)
{
	fake_out(&f->m, 0x3d4, 2, 0x0e | (at >> 8) << 8);
	fake_out(&f->m, 0x3d4, 2, 0x0f | (at & 0xff) << 8);
}

static void assert_cell(const struct viewer *w, unsigned int x, unsigned int y, uint8_t c, uint32_t fore, uint32_t back)
{
	for (unsigned int row = 0; row < 16; row++)
		for (unsigned int col = 0; col < 9; col++) {
			bool on = col < 8 && (glyph_row(c, row) & 0x80 >> col);

			if (pixel(w, x * 9 + col, y * 16 + row) != (on ? fore : back))
				fail_msg("cell %u,%u row %u dot %u is %06x", x, y, row, col, pixel(w, x * 9 + col, y * 16 + row));
		}
}

static void test_text_cells_are_drawn_from_font_and_attribute(void **state)
{
	struct fixture *f = *state;
	struct viewer w;

	set_mode(f, &mode3);
	load_font(f, NULL);
	text_cursor(f, 2000);
	text_put(f, 0, 0, 0x07, "A");
	text_put(f, 79, 24, 0x1e, "z");
	w = viewer_open(f);
	assert_int_equal(w.mode.width, 720);
	assert_int_equal(w.mode.height, 400);
	assert_cell(&w, 0, 0, 'A', 0xaaaaaa, 0);
	assert_cell(&w, 79, 24, 'z', 0xffff55, 0x0000aa);
	assert_cell(&w, 40, 12, 0, 0, 0);
	viewer_close(f, &w);
}

static void test_text_writes_are_not_trapped_but_seen(void **state)
{
	struct fixture *f = *state;
	struct viewer w;
	unsigned int trapped = 0;

	set_mode(f, &mode3);
	load_font(f, NULL);
	text_cursor(f, 1999);
	for (unsigned int i = 0; i < 2000; i++)
		trapped += fake_mmio_write(&f->m, 0xb8000 + 2 * i, 2, 0x0720);
	assert_int_equal(trapped, 1);			/* the one that made the mapping */
	w = viewer_open(f);
	viewer_request(f, &w);
	assert_int_equal(viewer_damage(f, &w), 0);
	text_put(f, 3, 7, 0x07, "x");
	text_put(f, 3, 20, 0x07, "y");
	assert_int_equal(viewer_damage(f, &w), 32);
	assert_cell(&w, 3, 7, 'x', 0xaaaaaa, 0);
	assert_int_equal(fake_mmio_read(&f->m, 0xb8000 + (7 * 80 + 3) * 2, 2), 0x0700 | 'x');
	viewer_request(f, &w);
	text_cursor(f, 0);				/* moves from row 24 to row 0 */
	assert_int_equal(viewer_damage(f, &w), 32);
	assert_cell(&w, 79, 24, ' ', 0xaaaaaa, 0);
	for (unsigned int x = 0; x < 9; x++)
		assert_int_equal(pixel(&w, x, 13), 0xaaaaaa);
	viewer_close(f, &w);
}

static void test_loading_a_font_is_mapped_too_and_keeps_the_text(void **state)
{
	struct fixture *f = *state;
	unsigned int before;
	struct viewer w;

	set_mode(f, &mode3);
	text_put(f, 0, 0, 0x07, "AB");
	text_cursor(f, 2000);
	before = f->m.maps;
	load_font(f, NULL);
	assert_int_equal(f->m.maps, before + 1);
	w = viewer_open(f);
	assert_cell(&w, 1, 0, 'B', 0xaaaaaa, 0);
	font_access(f, true);
	assert_int_equal(fake_mmio_read(&f->m, 0xa0000 + 'B' * 32 + 5, 1), glyph_row('B', 5));
	viewer_close(f, &w);
}

static void test_start_address_scrolls(void **state)
{
	struct fixture *f = *state;
	struct viewer w;

	set_mode(f, &mode3);
	load_font(f, NULL);
	text_cursor(f, 4000);
	text_put(f, 5, 30, 0x07, "Q");
	fake_out(&f->m, 0x3d4, 2, 0x0c | (80 * 10 >> 8) << 8);
	fake_out(&f->m, 0x3d4, 2, 0x0d | (80 * 10 & 255) << 8);
	w = viewer_open(f);
	assert_cell(&w, 5, 20, 'Q', 0xaaaaaa, 0);
	viewer_close(f, &w);
}

static void test_set_reset_in_text_mode_is_trapped(void **state)
{
	struct fixture *f = *state;

	set_mode(f, &mode3);
	fake_mmio_write(&f->m, 0xb8000, 2, 0x0741);
	fake_out(&f->m, 0x3ce, 2, 0x0100);		/* plane 0 is set whatever is written */
	fake_out(&f->m, 0x3ce, 2, 0x0101);
	assert_true(fake_mmio_write(&f->m, 0xb8000, 2, 0x0742));
	assert_true(fake_mmio_write(&f->m, 0xb8000, 2, 0x0742));
	fake_out(&f->m, 0x3ce, 2, 0x0001);
	assert_int_equal(fake_mmio_read(&f->m, 0xb8000, 2), 0x07ff);
}

/* --- graphics --- */

static void test_planar_modes_write_by_latch_mask_and_set_reset(void **state)
{
	struct fixture *f = *state;
	struct viewer w;

	set_mode(f, &mode12);
	fake_out(&f->m, 0x3ce, 2, 0x0a00);		/* set/reset: colour 10 */
	fake_out(&f->m, 0x3ce, 2, 0x0f01);
	fake_out(&f->m, 0x3ce, 2, 0xf008);		/* left half of the byte */
	fake_mmio_read(&f->m, 0xa0000 + 80 * 100 + 10, 1);
	fake_mmio_write(&f->m, 0xa0000 + 80 * 100 + 10, 1, 0xff);
	fake_out(&f->m, 0x3ce, 2, 0x0001);
	fake_out(&f->m, 0x3ce, 2, 0x0205);		/* write mode 2: colour 4 into the right half */
	fake_out(&f->m, 0x3ce, 2, 0x0f08);
	fake_mmio_read(&f->m, 0xa0000 + 80 * 100 + 10, 1);
	fake_mmio_write(&f->m, 0xa0000 + 80 * 100 + 10, 1, 4);
	w = viewer_open(f);
	assert_int_equal(w.mode.width, 640);
	assert_int_equal(w.mode.height, 480);
	assert_int_equal(pixel(&w, 80, 100), 0x55ff55);
	assert_int_equal(pixel(&w, 83, 100), 0x55ff55);
	assert_int_equal(pixel(&w, 84, 100), 0xaa0000);
	assert_int_equal(pixel(&w, 88, 100), 0);
	viewer_request(f, &w);
	viewer_damage(f, &w);
	fake_out(&f->m, 0x3ce, 2, 0x0105);		/* write mode 1 copies latches */
	fake_mmio_read(&f->m, 0xa0000 + 80 * 100 + 10, 1);
	fake_mmio_write(&f->m, 0xa0000 + 80 * 300 + 20, 1, 0);
	viewer_request(f, &w);
	assert_true(viewer_damage(f, &w) < 30);
	assert_int_equal(pixel(&w, 160, 300), 0x55ff55);
	assert_int_equal(pixel(&w, 164, 300), 0xaa0000);
	fake_out(&f->m, 0x3ce, 2, 0x0805);		/* read mode 1 compares colours */
	fake_out(&f->m, 0x3ce, 2, 0x0402);
	fake_out(&f->m, 0x3ce, 2, 0x0f07);
	assert_int_equal(fake_mmio_read(&f->m, 0xa0000 + 80 * 300 + 20, 1), 0x0f);
	viewer_close(f, &w);
}

static void test_mode13_is_linear(void **state)
{
	struct fixture *f = *state;
	struct viewer w;

	set_mode(f, &mode13);
	fake_mmio_write(&f->m, 0xa0000 + 320 * 199 + 319, 1, 0x3f);
	assert_false(fake_mmio_write(&f->m, 0xa0000 + 320 * 5 + 6, 1, 0x04));
	w = viewer_open(f);
	assert_int_equal(w.mode.width, 320);
	assert_int_equal(w.mode.height, 200);
	assert_int_equal(pixel(&w, 319, 199), 0xffffff);
	assert_int_equal(pixel(&w, 6, 5), 0xaa0000);
	viewer_close(f, &w);
}

static const struct { uint16_t bpp; uint32_t stored, shown; } depths[] = {
	{ 8, 0x04, 0xaa0000 }, { 15, 0x7c1f, 0xff00ff }, { 16, 0x07e1, 0x00ff08 }, { 24, 0x123456, 0x123456 }, { 32, 0xabcdef, 0xabcdef },
};

static void test_dispi_modes_of_every_depth(void **state)
{
	struct fixture *f = *state;

	set_mode(f, &mode13);
	f->m.pci.bars[0].moved(f->vga, 0, LFB, true);
	for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		unsigned int bytes = (depths[i].bpp + 7u) / 8;
		struct viewer w;

		set_dispi(f, 800, 600, depths[i].bpp);
		fake_mmio_write(&f->m, LFB + (800 * 599 + 799) * bytes, bytes, depths[i].stored);
		memset(f->m.dirty, 0xff, sizeof(f->m.dirty));
		w = viewer_open(f);
		assert_int_equal(w.mode.width, 800);
		assert_int_equal(w.mode.height, 600);
		assert_int_equal(pixel(&w, 799, 599), depths[i].shown);
		assert_int_equal(pixel(&w, 798, 599), 0);
		viewer_close(f, &w);
	}
}

static void test_a_new_dispi_mode_is_black(void **state)
{
	struct fixture *f = *state;
	struct viewer w;

	set_mode(f, &mode3);
	for (unsigned int i = 0; i < 2000; i++)
		fake_mmio_write(&f->m, 0xb8000 + 2 * i, 2, 0x0720);
	f->m.pci.bars[0].moved(f->vga, 0, LFB, true);
	set_dispi(f, 800, 600, 16);
	w = viewer_open(f);
	for (unsigned int i = 0; i < 800 * 600; i++)
		assert_int_equal(pixel(&w, i % 800, i / 800), 0);
	viewer_close(f, &w);
}

static void test_only_dirty_pages_are_damage(void **state)
{
	struct fixture *f = *state;
	struct viewer w;

	f->m.pci.bars[0].moved(f->vga, 0, LFB, true);
	set_dispi(f, 1024, 768, 32);
	w = viewer_open(f);
	viewer_request(f, &w);
	assert_int_equal(viewer_damage(f, &w), 0);
	f->m.dirty[1] = 1ull << 36;			/* page 100 is row 100 */
	assert_int_equal(viewer_damage(f, &w), 1);
	assert_int_equal(viewer_damage(f, &w), 0);	/* not asked again */
	f->m.dirty[0] = 3;
	assert_int_equal(viewer_damage(f, &w), 0);
	viewer_request(f, &w);
	assert_int_equal(viewer_damage(f, &w), 2);
	viewer_close(f, &w);
}

static void test_without_dirty_state_contents_are_compared(void **state)
{
	struct fixture *f = *state;
	struct viewer w;

	f->m.dirty_unknown = true;
	f->m.pci.bars[0].moved(f->vga, 0, LFB, true);
	set_dispi(f, 1024, 768, 16);
	w = viewer_open(f);
	viewer_request(f, &w);
	assert_int_equal(viewer_damage(f, &w), 0);
	fake_mmio_write(&f->m, LFB + 700 * 2048 + 10, 2, 0xffff);
	assert_int_equal(viewer_damage(f, &w), 2);	/* the page's two rows */
	assert_int_equal(pixel(&w, 5, 700), 0xffffff);
	viewer_close(f, &w);
}

static const struct { const char *what; uint16_t width, height, bpp; } impossible[] = {
	{ "too wide", 2568, 600, 32 }, { "no height", 800, 0, 32 }, { "odd depth", 800, 600, 12 }, { "too high", 640, 1601, 8 },
};

static void test_impossible_modes_change_nothing(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		set_dispi(f, 640, 480, 16);
		set_dispi(f, impossible[i].width, impossible[i].height, impossible[i].bpp);
		dispi(f, 6, 0xfff8);
		dispi(f, 8, 0xffff);
		dispi(f, 9, 0xffff);
		fake_out(&f->m, 0x1ce, 2, 9);
		assert_int_equal(fake_in(&f->m, 0x1cf, 2), 0);
		struct viewer w = viewer_open(f);
		assert_true(w.mode.width <= 800 && w.mode.height <= 600);
		viewer_close(f, &w);
	}
}

static void test_two_viewers_each_get_their_damage(void **state)
{
	struct fixture *f = *state;
	struct viewer a, b;

	set_mode(f, &mode3);
	load_font(f, NULL);
	a = viewer_open(f);
	b = viewer_open(f);
	viewer_request(f, &a);
	text_put(f, 0, 3, 0x07, "x");
	assert_int_equal(viewer_damage(f, &a), 16);
	assert_int_equal(viewer_damage(f, &b), 0);
	viewer_request(f, &b);
	assert_int_equal(viewer_damage(f, &b), 16);
	assert_int_equal(viewer_damage(f, &a), 0);
	set_mode(f, &mode13);
	viewer_request(f, &a);
	viewer_damage(f, &a);
	assert_int_equal(a.mode.width, 320);
	viewer_damage(f, &b);
	assert_int_equal(b.mode.width, 320);
	viewer_close(f, &a);
	viewer_close(f, &b);
}

static void test_a_viewer_that_breaks_the_protocol_is_dropped(void **state)
{
	struct fixture *f = *state;
	static const uint32_t bad[][4] = { { 99 }, { DISPLAY_KEY, 1, 1, 1 }, { DISPLAY_POINTER, 0xffffffff, 0 }, { DISPLAY_MODE } };
	static const size_t sizes[] = { 4, 16, 12, 4 };

	for (size_t i = 0; i < 4; i++) {
		struct viewer w = viewer_open(f);
		char byte;

		assert_int_equal(send(w.fd, bad[i], sizes[i], 0), sizes[i]);
		fake_pump(&f->m, 0);
		assert_int_equal(recv(w.fd, &byte, 1, MSG_DONTWAIT), 0);
		viewer_close(f, &w);
	}
}

static void test_the_pointer_shape_goes_to_viewers_that_want_it(void **state)
{
	struct fixture *f = *state;
	struct display_source *shown = device_state(f->vga);	/* its first member */
	struct display_cursor cursor = { DISPLAY_CURSOR, 16, 16, 2, 3, 1 }, seen;
	struct viewer w = viewer_open(f), other = viewer_open(f);
	int fd;

	assert_int_equal(send(w.fd, &(uint32_t){ DISPLAY_CURSOR_WANTED }, 4, 0), 4);
	fake_pump(&f->m, 0);
	assert_true(next_packet(&w, &seen, sizeof(seen), &fd));
	assert_true(seen.type == DISPLAY_CURSOR && seen.width == 0 && seen.visible && fd == -1);
	display_set_cursor(shown, f->m.slot[0].fd, &cursor);
	assert_true(next_packet(&w, &seen, sizeof(seen), &fd));
	assert_memory_equal(&seen, &cursor, sizeof(seen));
	assert_true(fd >= 0);
	close(fd);
	assert_false(next_packet(&other, &seen, sizeof(seen), &fd));
	assert_int_equal(send(w.fd, &(struct display_resize){ DISPLAY_RESIZE, 800, 600 }, 8, 0), 8);	/* VGA has no use for it */
	fake_pump(&f->m, 0);
	assert_int_equal(send(w.fd, &(struct display_resize){ DISPLAY_RESIZE, 800, 15 }, 8, 0), 8);
	fake_pump(&f->m, 0);
	assert_int_equal(recv(w.fd, &seen, sizeof(seen), MSG_DONTWAIT), 0);
	viewer_close(f, &w);
	viewer_close(f, &other);
}

static void test_register_noise_never_leaves_video_memory(void **state)
{
	struct fixture *f = *state;
	struct viewer w = viewer_open(f);
	uint32_t x = 99;

	for (int i = 0; i < 30000; i++) {
		x = x * 1664525 + 1013904223;
		switch (x >> 29) {
		case 0: dispi(f, x >> 4 & 15, x >> 8 & 0xffff); break;
		case 1: dispi(f, x >> 4 & 15, x >> 8 & 0x3f8); break;
		case 2: fake_mmio_write(&f->m, 0xa0000 + (x >> 8 & 0x1fffc), 4, x); break;
		case 3: fake_mmio_read(&f->m, 0xa0000 + (x >> 8 & 0x1fffc), 4); break;
		case 4: fake_out(&f->m, 0x3d4, 2, x >> 4 & 0xff1f); break;
		default: fake_out(&f->m, 0x3b0 + (x >> 8 & 0x2f), 1, x >> 16 & 255); break;
		}
		if (i % 64 == 0) {
			viewer_request(f, &w);
			viewer_damage(f, &w);
		}
	}
	viewer_close(f, &w);
	f->vga->model->reset(f->vga);
	test_text_cells_are_drawn_from_font_and_attribute(state);
}

/* --- for eyes --- */

static const uint8_t *find_font(uint8_t *rom, size_t bytes)
{
	static const uint8_t letter_a[16] = { 0, 0, 0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6 };
	const uint8_t *at = memmem(rom, bytes, letter_a, 16);

	return at && at - rom >= 'A' * 16 ? at - 'A' * 16 : NULL;
}

static void write_png(const struct viewer *w, const char *path)
{
	png_image image = { .version = PNG_IMAGE_VERSION, .width = w->mode.width, .height = w->mode.height, .format = PNG_FORMAT_BGRA };
	uint8_t *copy = malloc((size_t)w->mode.stride * w->mode.height);

	for (unsigned int i = 0; i < w->mode.width * w->mode.height; i++) {
		uint32_t value = pixel(w, i % w->mode.width, i / w->mode.width) | 0xff000000;

		memcpy(copy + 4 * i, &value, 4);
	}
	assert_true(png_image_write_to_file(&image, path, 0, copy, 0, NULL));
	free(copy);
}

static void test_text_screen_picture(void **state)
{
	struct fixture *f = *state;
	const char *dir = getenv("PARTITA_TEST_PNG");
	static uint8_t rom[65536];
	FILE *file = fopen("/usr/share/seabios/vgabios-stdvga.bin", "rb");
	const uint8_t *font;
	struct viewer w;
	char path[256];

	assert_non_null(file);
	font = find_font(rom, fread(rom, 1, sizeof(rom), file));
	fclose(file);
	assert_non_null(font);
	set_mode(f, &mode3);
	load_font(f, font);
	for (unsigned int i = 0; i < 2000; i++)
		fake_mmio_write(&f->m, 0xb8000 + 2 * i, 2, 0x0720);
	text_put(f, 0, 0, 0x07, "SeaBIOS (version 1.16.3-debian-1.16.3-2)");
	text_put(f, 0, 2, 0x0f, "Booting from DVD/CD...");
	for (unsigned int i = 0; i < 16; i++)
		text_put(f, 4 + 4 * i, 5, (uint8_t)(i << 4 | (15 - i)), "Aa\xdb ");
	for (unsigned int i = 0; i < 256; i++)
		fake_mmio_write(&f->m, 0xb8000 + ((8 + i / 64) * 80 + 8 + i % 64) * 2, 2, i | 0x1e00);
	text_put(f, 10, 14, 0x70, "\xc9\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xbb");
	text_put(f, 10, 15, 0x70, "\xba Partita menu   \xba");
	text_put(f, 10, 16, 0x70, "\xc8\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xbc");
	text_put(f, 0, 24, 0x07, "boot: ");
	text_cursor(f, 24 * 80 + 6);
	w = viewer_open(f);
	for (unsigned int y = 0; y < 16; y++)		/* the S of SeaBIOS as the font has it */
		for (unsigned int x = 0; x < 8; x++)
			assert_int_equal(pixel(&w, x, y), font['S' * 16 + y] & 0x80 >> x ? 0xaaaaaa : 0);
	if (dir) {
		snprintf(path, sizeof(path), "%s/text.png", dir);
		write_png(&w, path);
	}
	viewer_close(f, &w);
}

static bool lfb_is_mapped(const struct machine *m)
{
	for (size_t i = 0; i < FAKE_SLOTS; i++)
		if (m->slot[i].used && m->slot[i].gpa >= LFB && m->slot[i].gpa < LFB + LFB_BYTES)
			return true;
	return false;
}

/* As Linux' hyperv_drm on generation 1: its pixels lie where the frame buffer is, and may go without a reset (kexec). */
static void test_an_adapter_over_the_frame_buffer_leaves_the_text_screen_alone(void **state)
{
	struct fixture *f = *state;
	struct viewer w;

	set_mode(f, &mode3);
	load_font(f, NULL);
	text_cursor(f, 2000);
	text_put(f, 0, 0, 0x07, "A");
	f->m.pci.bars[0].moved(f->vga, 0, LFB, true);
	assert_true(lfb_is_mapped(&f->m));
	assert_false(vga_cover(&f->m, LFB + 4096, LFB_BYTES));
	assert_true(vga_cover(&f->m, LFB, LFB_BYTES));
	assert_false(lfb_is_mapped(&f->m));
	f->m.pci.bars[0].moved(f->vga, 0, LFB, false);	/* the guest sizes the BAR meanwhile */
	f->m.pci.bars[0].moved(f->vga, 0, LFB, true);
	assert_false(lfb_is_mapped(&f->m));
	vga_uncover(&f->m);
	assert_true(lfb_is_mapped(&f->m));
	w = viewer_open(f);
	assert_cell(&w, 0, 0, 'A', 0xaaaaaa, 0);
	viewer_close(f, &w);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fake_add(&f->m, &display_model);
	f->vga = fake_add(&f->m, &vga_model);
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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_text_cells_are_drawn_from_font_and_attribute),
		T(test_text_writes_are_not_trapped_but_seen),
		T(test_loading_a_font_is_mapped_too_and_keeps_the_text),
		T(test_start_address_scrolls),
		T(test_set_reset_in_text_mode_is_trapped),
		T(test_planar_modes_write_by_latch_mask_and_set_reset),
		T(test_mode13_is_linear),
		T(test_dispi_modes_of_every_depth),
		T(test_a_new_dispi_mode_is_black),
		T(test_only_dirty_pages_are_damage),
		T(test_without_dirty_state_contents_are_compared),
		T(test_impossible_modes_change_nothing),
		T(test_two_viewers_each_get_their_damage),
		T(test_a_viewer_that_breaks_the_protocol_is_dropped),
		T(test_the_pointer_shape_goes_to_viewers_that_want_it),
		T(test_register_noise_never_leaves_video_memory),
		T(test_text_screen_picture),
		T(test_an_adapter_over_the_frame_buffer_leaves_the_text_screen_alone),
	};

	return cmocka_run_group_tests_name("vga", tests, NULL, NULL);
}
