/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framebuffer updates. The view is our copy of what the client shows; damage only marks tiles that may
 * differ. When an update is due, each marked tile is compared with the screen, copied once into the view
 * and sent from there.
 */
#include "rfb/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TILE			64u
#define RECT_HEAD		12u
enum { PSEUDO_DESKTOP_SIZE = -223, PSEUDO_EXTENDED_KEYS = -258, PSEUDO_EXTENDED_SIZE = -308 };

static uint32_t tiles_across(const struct session *s) { return (s->width + TILE - 1) / TILE; }
static uint32_t tiles_down(const struct session *s) { return (s->height + TILE - 1) / TILE; }
static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static bool tile_is_marked(const struct session *s, uint32_t tile)
{
	return s->stale[tile / 64] >> (tile % 64) & 1;
}

static struct rect tile_rect(const struct session *s, uint32_t column, uint32_t row)
{
	uint32_t x = column * TILE, y = row * TILE;

	return (struct rect) { x, y, least(TILE, s->width - x), least(TILE, s->height - y) };
}

/* --- the view --- */

int view_resize(struct session *s, uint32_t width, uint32_t height)
{
	size_t tiles = (size_t)((width + TILE - 1) / TILE) * ((height + TILE - 1) / TILE);
	uint32_t *view = calloc((size_t)width * height, sizeof(*view));
	uint64_t *stale = calloc(tiles / 64 + 1, sizeof(*stale));

	if (!view || !stale) {
		free(view);
		free(stale);
		return -ENOMEM;
	}
	free(s->view);
	free(s->stale);
	s->view = view;
	s->stale = stale;
	s->width = width;
	s->height = height;
	s->encoder.pixels = view;
	s->encoder.stride = width;
	view_mark(s, (struct rect) { 0, 0, width, height });
	s->all_requested = true;		/* a new view has nothing in common with what the client shows */
	return 0;
}

void view_mark(struct session *s, struct rect r)
{
	uint32_t right = least(s->width, r.x + r.width), bottom = least(s->height, r.y + r.height);

	if (r.x >= right || r.y >= bottom)
		return;
	for (uint32_t row = r.y / TILE; row <= (bottom - 1) / TILE; row++)
		for (uint32_t column = r.x / TILE; column <= (right - 1) / TILE; column++) {
			uint32_t tile = row * tiles_across(s) + column;

			s->stale[tile / 64] |= 1ull << (tile % 64);
		}
}

/*
 * Copies a row of the screen into the view; true when it differed. What lies outside of a smaller screen is
 * black.
 */
static bool view_fetch_row(struct session *s, struct rect r, uint32_t y)
{
	uint32_t *to = s->view + (size_t)y * s->width + r.x, row[TILE] = { 0 };
	uint32_t width = y < s->screen.height && r.x < s->screen.width ? least(r.width, s->screen.width - r.x) : 0;

	if (width)
		memcpy(row, s->screen.pixels + (size_t)y * s->screen.stride + 4 * (size_t)r.x, 4 * (size_t)width);
	for (uint32_t x = 0; x < width; x++)
		row[x] &= 0xffffff;		/* the fourth byte is the guest's to scribble on */
	if (!memcmp(to, row, 4 * (size_t)r.width))
		return false;
	memcpy(to, row, 4 * (size_t)r.width);
	return true;
}

static bool view_fetch(struct session *s, struct rect r)
{
	bool differs = false;

	for (uint32_t y = r.y; y < r.y + r.height; y++)
		differs |= view_fetch_row(s, r, y);
	return differs;
}

/* --- rectangles --- */

void rect_head_put(struct session *s, struct rect r, int32_t encoding)
{
	out_u16(&s->out, (uint16_t)r.x);
	out_u16(&s->out, (uint16_t)r.y);
	out_u16(&s->out, (uint16_t)r.width);
	out_u16(&s->out, (uint16_t)r.height);
	out_u32(&s->out, (uint32_t)encoding);
}

static void put_rect(struct session *s, struct rect r)
{
	rect_head_put(s, r, s->encoding->number);
	s->encoding->rect(&s->encoder, r);
}

static void put_size(struct session *s)
{
	struct rect size = { 0, 0, s->width, s->height };

	if (s->can_resize_extended) {
		size.x = s->size_reason;
		size.y = s->size_status;
		rect_head_put(s, size, PSEUDO_EXTENDED_SIZE);
		out_bytes(&s->out, (uint8_t[]) { 1, 0, 0, 0 }, 4);	/* one screen, and padding */
		out_u32(&s->out, 0);					/* its id, then place and size and flags */
		out_u32(&s->out, 0);
		out_u16(&s->out, (uint16_t)s->width);
		out_u16(&s->out, (uint16_t)s->height);
		out_u32(&s->out, 0);
	} else {
		rect_head_put(s, size, PSEUDO_DESKTOP_SIZE);
	}
}

static unsigned int put_pseudo_rects(struct session *s)
{
	unsigned int count = 0;

	if (s->tell_size) {
		put_size(s);
		s->tell_size = false;
		count++;
	}
	if (s->tell_extended_keys) {
		rect_head_put(s, (struct rect) { 0, 0, s->width, s->height }, PSEUDO_EXTENDED_KEYS);
		s->tell_extended_keys = false;
		count++;
	}
	if (s->tell_cursor) {
		cursor_put(s);
		s->tell_cursor = false;
		count++;
	}
	return count;
}

/* The most tiles of one row that go into one rectangle of this encoding. */
static uint32_t tiles_at_once(const struct session *s)
{
	uint32_t most = s->encoding->most_width ? s->encoding->most_width / TILE : tiles_across(s);

	return s->encoding->most_pixels ? least(most, s->encoding->most_pixels / (TILE * TILE)) : most;
}

static bool take_tile(struct session *s, uint32_t column, uint32_t row)
{
	uint32_t tile = row * tiles_across(s) + column;

	if (!tile_is_marked(s, tile))
		return false;
	s->stale[tile / 64] &= ~(1ull << (tile % 64));
	return view_fetch(s, tile_rect(s, column, row)) || s->all_requested;
}

/* Neighbouring tiles of a row that changed go as one rectangle. */
static unsigned int put_tile_row(struct session *s, uint32_t row)
{
	unsigned int count = 0;
	uint32_t most = tiles_at_once(s);

	for (uint32_t column = 0; column < tiles_across(s); column++) {
		struct rect r = tile_rect(s, column, row);
		uint32_t first = column;

		while (column < tiles_across(s) && column - first < most && take_tile(s, column, row))
			column++;
		if (column == first)
			continue;
		r.width = least(s->width, column * TILE) - r.x;
		put_rect(s, r);
		count++;
		column--;
	}
	return count;
}

static unsigned int put_changed_tiles(struct session *s)
{
	unsigned int count = 0;

	for (uint32_t row = 0; row < tiles_down(s); row++)
		count += put_tile_row(s, row);
	return count;
}

/* --- when --- */

static bool anything_marked(const struct session *s)
{
	for (size_t i = 0; i <= (size_t)tiles_across(s) * tiles_down(s) / 64; i++)
		if (s->stale[i])
			return true;
	return false;
}

bool session_wants_damage(const struct session *s)
{
	return s->state == SESSION_RUNNING && s->requested && out_is_empty(&s->out);
}

/* The client's frame buffer follows the screen, if the client can. */
static int follow_screen(struct session *s)
{
	bool same_size = s->width == s->screen.width && s->height == s->screen.height;

	s->screen_changed = false;
	if (same_size || !(s->can_resize || s->can_resize_extended)) {
		view_mark(s, (struct rect) { 0, 0, s->width, s->height });
		return 0;
	}
	s->tell_size = true;
	s->size_reason = s->size_status = 0;
	return view_resize(s, s->screen.width, s->screen.height);
}

int session_pump(struct session *s)
{
	size_t count_at = s->out.count + 2;
	unsigned int count;
	int r = 0;

	if (!session_wants_damage(s))
		return 0;
	if (s->screen_changed)
		r = follow_screen(s);
	if (r < 0 || (!s->tell_size && !s->tell_extended_keys && !s->tell_cursor && !anything_marked(s)))
		return r;
	out_u16(&s->out, 0);			/* FramebufferUpdate, padding */
	out_u16(&s->out, 0);
	count = put_pseudo_rects(s) + put_changed_tiles(s);
	if (s->out.failed)
		return -ENOMEM;
	s->all_requested = false;
	if (count == 0) {			/* marked, yet the same: nothing to tell */
		s->out.count = count_at - 2;
		return 0;
	}
	out_patch_u16(&s->out, count_at, (uint16_t)count);
	s->requested = false;
	return 0;
}

int session_set_screen(struct session *s, const struct screen *screen)
{
	s->screen = *screen;
	s->screen_changed = s->state == SESSION_RUNNING;
	return 0;
}

void session_damage(struct session *s, const struct display_rect *rects, unsigned int count)
{
	for (unsigned int i = 0; s->state == SESSION_RUNNING && i < count; i++)
		view_mark(s, (struct rect) { rects[i].x, rects[i].y, rects[i].width, rects[i].height });
}
