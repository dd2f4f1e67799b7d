/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the adapter shows now (mode, geometry, start) and what of it changed since it was last drawn. Called
 * when a viewer waits for damage; nothing here runs while nobody looks.
 */
#include "vmwp/chipset/vga_internal.h"

#include <string.h>

#define GC_GRAPHICS		0x01
#define GC_SHIFT_256		0x40
#define SEQ_8_DOTS		0x01
#define SEQ_SCREEN_OFF		0x20
#define CRTC_DOUBLE_SCAN	0x80
#define ATTR_PALETTE_ON		0x20

/* --- mode --- */

static void screen_lfb(const struct vga *v, struct vga_screen *s)
{
	s->kind = v->dispi[DISPI_BPP] == 4 ? SCREEN_PLANAR : SCREEN_LFB;
	s->width = v->dispi[DISPI_XRES];
	s->height = v->dispi[DISPI_YRES];
	s->bpp = v->dispi[DISPI_BPP];
	s->line_bytes = dispi_line_bytes(v);
	s->start = v->dispi[DISPI_Y_OFFSET] * s->line_bytes + v->dispi[DISPI_X_OFFSET] * ((s->bpp + 7) / 8);
}

static uint32_t scan_lines(const struct vga *v)
{
	uint32_t end = v->crtc[0x12] | (v->crtc[7] & 0x02u) << 7 | (v->crtc[7] & 0x40u) << 3;

	return end + 1;
}

static void screen_text(const struct vga *v, struct vga_screen *s)
{
	s->kind = SCREEN_TEXT;
	s->cell_width = v->seq[1] & SEQ_8_DOTS ? 8 : 9;
	s->cell_height = (v->crtc[9] & 0x1fu) + 1;
	s->width = (v->crtc[1] + 1u) * s->cell_width;
	s->height = scan_lines(v) >> s->lines_shift;
	s->height -= s->height % s->cell_height;
}

static void screen_graphics(const struct vga *v, struct vga_screen *s)
{
	uint32_t repeat = ((v->crtc[9] & 0x1fu) + 1) << s->lines_shift;

	s->kind = v->gc[5] & GC_SHIFT_256 ? SCREEN_256 : SCREEN_PLANAR;
	s->width = (v->crtc[1] + 1u) * (s->kind == SCREEN_256 ? 4 : 8);
	s->height = scan_lines(v) / repeat;
}

static void screen_vga(const struct vga *v, struct vga_screen *s)
{
	s->line_bytes = v->crtc[0x13] * 8u;
	s->start = (v->crtc[0x0c] * 256u + v->crtc[0x0d]) * 4;
	s->lines_shift = v->crtc[9] & CRTC_DOUBLE_SCAN ? 1 : 0;
	if (v->gc[6] & GC_GRAPHICS)
		screen_graphics(v, s);
	else
		screen_text(v, s);
}

static bool screen_is_sound(const struct vga_screen *s)
{
	uint64_t end = s->start + (uint64_t)s->line_bytes * s->height;

	if (s->width == 0 || s->height == 0 || s->width > DISPLAY_MAX_WIDTH || s->height > DISPLAY_MAX_HEIGHT)
		return false;
	if (s->kind == SCREEN_TEXT)
		return (uint64_t)(s->width / s->cell_width) * (s->height / s->cell_height) <= VGA_TEXT_CELLS_MAX;
	return s->kind != SCREEN_LFB || end <= VGA_VRAM_BYTES;
}

static bool screen_is_off(const struct vga *v)
{
	return !dispi_is_enabled(v) && ((v->seq[1] & SEQ_SCREEN_OFF) || !(v->attr_index & ATTR_PALETTE_ON));
}

/* The screen as the registers say; a blank one of usual size when they are off or make no sense. */
static struct vga_screen screen_now(const struct vga *v)
{
	struct vga_screen s;

	memset(&s, 0, sizeof(s));
	if (dispi_is_enabled(v))
		screen_lfb(v, &s);
	else
		screen_vga(v, &s);
	if (!screen_is_sound(&s) || screen_is_off(v)) {
		memset(&s, 0, sizeof(s));
		s.width = v->shown.width ? v->shown.width : 720;	/* guests blank it while they set modes */
		s.height = v->shown.height ? v->shown.height : 400;
	}
	return s;
}

/* A 32-bit frame buffer is shown where it lies. */
static bool screen_is_shared(const struct vga_screen *s)
{
	return s->kind == SCREEN_LFB && s->bpp == 32;
}

static void announce_mode(struct vga *v, const struct vga_screen *s)
{
	struct display_mode mode = { .type = DISPLAY_MODE, .width = s->width, .height = s->height };
	bool shared = screen_is_shared(s);

	mode.stride = shared ? s->line_bytes : s->width * 4;
	mode.offset = shared ? s->start : 0;
	mode.size = (uint64_t)mode.stride * (s->height - 1) + (uint64_t)s->width * 4;
	display_set_mode(&v->source, shared ? v->vram_fd : v->surface_fd, &mode);
}

/* --- changes --- */

static uint64_t page_sum(const uint8_t *page)
{
	uint64_t sum = 0, word;

	for (unsigned int i = 0; i < 4096; i += 8) {
		memcpy(&word, page + i, 8);
		sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
		sum ^= sum >> 29;
	}
	return sum;
}

static void sum_changes(struct vga *v, uint32_t first_page, uint32_t pages)
{
	for (uint32_t p = first_page; p < first_page + pages; p++) {
		uint64_t sum = page_sum(v->vram + (size_t)p * 4096);

		if (sum != v->page_sums[p])
			v->changed_pages[p / 64] |= 1ull << (p % 64);
		v->page_sums[p] = sum;
	}
}

/* Adds the pages that were written through `slot`, which maps `bytes` of video memory from vram_offset on; where the
 * hypervisor keeps no dirty state, contents are compared. */
void vga_harvest_changes(struct vga *v, struct memory_slot *slot, uint32_t vram_offset, uint32_t bytes)
{
	uint64_t bitmap[VGA_LFB_SLOT_BYTES / 4096 / 64] = { 0 };
	uint32_t first = vram_offset / 4096, pages = bytes / 4096;

	if (!slot || memory_dirty_pages(slot, bitmap, pages) < 0) {
		sum_changes(v, first, pages);
		return;
	}
	for (uint32_t p = 0; p < pages; p++)
		if (bitmap[p / 64] & (1ull << (p % 64)))
			v->changed_pages[(first + p) / 64] |= 1ull << ((first + p) % 64);
}

static bool bytes_changed(const struct vga *v, uint32_t from, uint32_t bytes)
{
	for (uint32_t p = from / 4096; p <= (from + bytes - 1) / 4096 && p < VGA_PAGES; p++)
		if (v->changed_pages[p / 64] & (1ull << (p % 64)))
			return true;
	return false;
}

static void draw_changed_rows(struct vga *v, const struct vga_screen *s)
{
	for (uint32_t row = 0; row < s->height; row++) {
		uint32_t from = s->start + row * s->line_bytes;

		if (!v->all_changed && !(s->line_bytes && bytes_changed(v, from, s->line_bytes)))
			continue;
		if (!screen_is_shared(s))
			vga_draw_row(v, s, row);
		display_rows_changed(&v->source, row, 1);
	}
	memset(v->changed_pages, 0, sizeof(v->changed_pages));
}

static void harvest_frame_buffer(struct vga *v, const struct vga_screen *s)
{
	uint32_t end = s->start + s->line_bytes * s->height;

	if (s->kind != SCREEN_LFB)
		return;
	for (uint32_t i = s->start / VGA_LFB_SLOT_BYTES; i < VGA_LFB_SLOTS && i * VGA_LFB_SLOT_BYTES < end; i++)
		if (v->lfb[i])
			vga_harvest_changes(v, v->lfb[i], i * VGA_LFB_SLOT_BYTES, VGA_LFB_SLOT_BYTES);
}

static void make_colours(struct vga *v)
{
	bool wide = v->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC;

	for (unsigned int i = 0; i < 256; i++) {
		const uint8_t *c = &v->dac[3 * (i & v->dac_mask)];
		uint32_t rgb = (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];

		v->colours[i] = wide ? rgb : rgb << 2 | ((rgb >> 4) & 0x030303);
	}
}

void vga_refresh(struct display_source *source)
{
	struct vga *v = (struct vga *)source;
	struct vga_screen s = screen_now(v);

	vga_window_sync(v);
	if (memcmp(&s, &v->shown, sizeof(s))) {
		v->shown = s;
		v->all_changed = true;
		announce_mode(v, &s);
	}
	harvest_frame_buffer(v, &s);
	if (v->all_changed)
		make_colours(v);
	if (s.kind == SCREEN_TEXT)
		vga_draw_text(v, &s);
	else
		draw_changed_rows(v, &s);
	v->all_changed = false;
}
