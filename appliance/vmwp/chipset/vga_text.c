/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text modes: characters and attributes in planes 0 and 1, fonts in plane 2. Only cells that differ from
 * what was drawn last are drawn. Blinking is shown steady: a cursor that blinks would be damage for ever.
 */
#include "vmwp/chipset/vga_internal.h"

#define ATTR_MODE_LINE_GRAPHICS	0x04	/* the 9th dot of 0xc0..0xdf repeats the 8th */
#define ATTR_MODE_BLINK		0x08
#define CURSOR_OFF		0x20
#define NO_CURSOR		UINT32_MAX

struct text_run {			/* what every cell of one drawing needs */
	const uint8_t *font[2];		/* plane 2, by attribute bit 3 */
	uint32_t colours[16];
	bool blink, line_graphics;
	uint32_t columns, cursor, cursor_first, cursor_last;
};

uint32_t vga_attribute_colour(const struct vga *v, unsigned int index)
{
	uint8_t value = v->attr[index] & 0x3f;

	if (v->attr[0x10] & 0x80)		/* bits 4 and 5 from the colour select register */
		value = (uint8_t)((value & 0x0f) | (v->attr[0x14] & 3) << 4);
	return v->colours[(uint8_t)(value | (v->attr[0x14] & 0x0c) << 4)];
}

/* Fonts are 8 KiB apart in an order that grew (Character Map Select Register). */
static const uint8_t *font_at(const struct vga *v, unsigned int select)
{
	static const uint16_t offsets[8] = { 0x0000, 0x4000, 0x8000, 0xc000, 0x2000, 0x6000, 0xa000, 0xe000 };

	return v->vram + offsets[select] * 4 + 2;
}

static struct text_run text_run(const struct vga *v, const struct vga_screen *s)
{
	uint8_t maps = v->seq[3];
	struct text_run run = {
		.font = { font_at(v, (maps & 3u) | (maps >> 2 & 4u)), font_at(v, (maps >> 2 & 3u) | (maps >> 3 & 4u)) },
		.blink = v->attr[0x10] & ATTR_MODE_BLINK, .line_graphics = v->attr[0x10] & ATTR_MODE_LINE_GRAPHICS,
		.columns = s->width / s->cell_width,
		.cursor = v->crtc[0x0a] & CURSOR_OFF ? NO_CURSOR : v->crtc[0x0e] * 256u + v->crtc[0x0f],
		.cursor_first = v->crtc[0x0a] & 0x1f, .cursor_last = v->crtc[0x0b] & 0x1f,
	};

	for (unsigned int i = 0; i < 16; i++)
		run.colours[i] = vga_attribute_colour(v, i);
	return run;
}

static void draw_glyph_row(uint32_t *to, uint8_t bits, uint32_t fore, uint32_t back, uint32_t width, bool ninth)
{
	for (unsigned int x = 0; x < 8; x++)
		to[x] = bits & (0x80u >> x) ? fore : back;
	if (width == 9)
		to[8] = ninth && (bits & 1) ? fore : back;
}

static void draw_cell(struct vga *v, const struct vga_screen *s, const struct text_run *run, uint32_t index,
		      uint16_t cell, bool cursor)
{
	uint8_t character = (uint8_t)cell, attribute = (uint8_t)(cell >> 8);
	const uint8_t *glyph = run->font[(attribute >> 3) & 1] + character * 32 * 4;
	uint32_t fore = run->colours[attribute & 0x0f], back = run->colours[(attribute >> 4) & (run->blink ? 7 : 15)];
	bool ninth = run->line_graphics && character >= 0xc0 && character <= 0xdf;
	uint32_t *to = v->surface + (size_t)(index / run->columns) * s->cell_height * s->width
		+ index % run->columns * s->cell_width;

	for (uint32_t y = 0; y < s->cell_height; y++, to += s->width) {
		bool inverse = cursor && y >= run->cursor_first && y <= run->cursor_last;

		draw_glyph_row(to, inverse ? 0xff : glyph[y * 4], fore, back, s->cell_width, inverse || ninth);
	}
}

/* One row of cells; true when something was drawn. */
static bool draw_text_row(struct vga *v, const struct vga_screen *s, const struct text_run *run, uint32_t row,
			  uint32_t cursor_state)
{
	bool drawn = false, cursor_changed = cursor_state != v->cursor_drawn;
	uint32_t start = s->start / 4;

	for (uint32_t x = 0; x < run->columns; x++) {
		uint32_t address = (start + row * (s->line_bytes / 4) + x) & 0xffff, index = row * run->columns + x;
		uint16_t cell = (uint16_t)(v->vram[address * 4] | v->vram[address * 4 + 1] << 8);
		bool cursor = address == run->cursor;
		bool touched = cursor_changed && (cursor || address == (v->cursor_drawn & 0xffff));

		if (!v->all_changed && cell == v->cells[index] && !touched)
			continue;
		v->cells[index] = cell;
		draw_cell(v, s, run, index, cell, cursor);
		drawn = true;
	}
	return drawn;
}

void vga_draw_text(struct vga *v, const struct vga_screen *s)
{
	struct text_run run = text_run(v, s);
	uint32_t cursor_state = NO_CURSOR;

	if (run.cursor != NO_CURSOR)
		cursor_state = run.cursor_first << 24 | run.cursor_last << 16 | run.cursor;
	for (uint32_t row = 0; row < s->height / s->cell_height; row++)
		if (draw_text_row(v, s, &run, row, cursor_state))
			display_rows_changed(&v->source, row * s->cell_height, s->cell_height);
	v->cursor_drawn = cursor_state;
}
