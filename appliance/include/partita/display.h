/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The display socket between a worker and one viewer (SOCK_SEQPACKET, one struct per packet, native byte order).
 * The worker doubts every packet of the viewer and the viewer every packet of the worker.
 */
#ifndef PARTITA_DISPLAY_H
#define PARTITA_DISPLAY_H

#include <stdint.h>

#define DISPLAY_MAX_WIDTH	2560u
#define DISPLAY_MAX_HEIGHT	1600u

enum display_type {
	DISPLAY_MODE = 1,	/* worker: struct display_mode + SCM_RIGHTS memfd to map read-only; all is damaged */
	DISPLAY_DAMAGE,		/* worker: struct display_damage; answers at most once per REQUEST */
	DISPLAY_REQUEST,	/* viewer: tell me the next damage as soon as there is some (nothing is sent unasked but MODE) */
	DISPLAY_KEY,		/* viewer: struct display_key */
	DISPLAY_POINTER,	/* viewer: struct display_pointer */
	DISPLAY_RESIZE,		/* viewer: struct display_resize; guests that ask for a mode later hear of it, others go on */
	DISPLAY_CURSOR_WANTED,	/* viewer: send CURSOR now and whenever it changes (never sent otherwise) */
	DISPLAY_CURSOR,		/* worker: struct display_cursor, with a shape + SCM_RIGHTS memfd of it */
};

struct display_mode {		/* pixels are XRGB8888, little-endian */
	uint32_t type, width, height, stride;	/* stride in bytes */
	uint64_t offset, size;			/* of the pixels in the memfd */
};

struct display_rect { uint16_t x, y, width, height; };

#define DISPLAY_RECTS_MAX 64
struct display_damage {
	uint32_t type, count;
	struct display_rect rects[DISPLAY_RECTS_MAX];	/* the packet holds `count` of them */
};

struct display_key {		/* set-1 scancode as in the RFB QEMU extended key event: 0xe0 prefix in bit 7 of the low byte pair */
	uint32_t type;
	uint16_t scancode;	/* e.g. 0x1e = A, 0xe048 = Up */
	uint16_t down;
};

struct display_pointer {	/* absolute, scaled to 0..32767 over the mode; buttons: 0 left, 1 middle, 2 right, 3/4 wheel up/down */
	uint32_t type;
	uint16_t x, y;
	uint32_t buttons;
};

struct display_resize {		/* what the viewer has room for, in pixels */
	uint32_t type;
	uint16_t width, height;
};

#define DISPLAY_CURSOR_MAX 96u
struct display_cursor {		/* the pointer's shape, drawn by the viewer; width 0: no shape is known */
	uint32_t type;
	uint16_t width, height, hot_x, hot_y;
	uint32_t visible;			/* 0: the guest draws its own, or none */
	/* the memfd: width * height pixels ARGB8888, little-endian, alpha not premultiplied; the next CURSOR overwrites it */
};

_Static_assert(sizeof(struct display_mode) == 32, "display_mode");
_Static_assert(sizeof(struct display_key) == 8, "display_key");
_Static_assert(sizeof(struct display_pointer) == 12, "display_pointer");
_Static_assert(sizeof(struct display_resize) == 8, "display_resize");
_Static_assert(sizeof(struct display_cursor) == 16, "display_cursor");

#endif
