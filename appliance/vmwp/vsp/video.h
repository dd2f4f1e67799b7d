/* SPDX-License-Identifier: Apache-2.0 */
/* The synthetic video adapter between its two halves: video.c speaks with the guest, video_screen.c has memory and picture. */
#ifndef VMWP_VSP_VIDEO_H
#define VMWP_VSP_VIDEO_H

#include "vmwp/chipset/display.h"
#include "vmwp/vsp/vsp.h"

#define VIDEO_VRAM_MIB		16u	/* DISPLAY_MAX_WIDTH × DISPLAY_MAX_HEIGHT × 4 and no more */
#define VIDEO_VRAM_BYTES	((uint64_t)VIDEO_VRAM_MIB << 20)
_Static_assert((uint64_t)DISPLAY_MAX_WIDTH * DISPLAY_MAX_HEIGHT * 4 <= VIDEO_VRAM_BYTES, "the largest mode fits");

struct video_situation {		/* of the only output, as the guest said */
	bool active;
	uint32_t offset, width, height, pitch;
};

struct video_rect { int32_t x1, y1, x2, y2; };	/* x2, y2 exclusive */

struct video {
	struct vmbus_channel *channel;
	bool agreed;			/* on a version, since the channel was opened */
	/* video_screen.c: */
	struct display_source source;
	int fd;				/* memfd of VRAM */
	struct memory_slot *slot;	/* VRAM in the guest; NULL: nowhere */
	uint64_t gpa;			/* 0: the guest has given none */
	struct video_situation situation;
	bool dirt_wanted;		/* the guest has been told to report what it draws */
	bool dirt_seen;			/* and has done so at least once */
	bool settled;			/* what was drawn before it knew is shown too */
	uint64_t wanted_at;
	struct device_timer *unwatched;
	/* video_cursor.c: */
	int cursor_fd;			/* memfd of the shape */
	uint32_t *cursor;		/* mapped */
	uint32_t cursor_bytes;		/* of the shape that have come */
	struct display_cursor shape;
	/* video.c: */
	uint16_t room_width, room_height;	/* of the viewer that said so last; 0: none did */
};

/* video.c */
void video_tell_features(struct video *v);	/* whether dirt_wanted */

/* video_cursor.c */
int video_cursor_init(struct video *v);
void video_cursor_fini(struct video *v);
bool video_cursor_position(struct video *v, const uint8_t *body, size_t size);	/* false: refused */
bool video_cursor_shape(struct video *v, const uint8_t *body, size_t size);
void video_cursor_forget(struct video *v);

/* video_screen.c */
int video_screen_init(struct device *dev);
void video_screen_fini(struct device *dev);
/* The guest's choice of where VRAM is; false when no such range can be had. gpa 0 takes it away. */
bool video_place_vram(struct video *v, uint64_t gpa);
bool video_set_situation(struct video *v, const struct video_situation *s);	/* false: makes no sense */
void video_dirt(struct video *v, const struct video_rect *rects, unsigned int count);
void video_screen_off(struct video *v);		/* channel closed or reset: no VRAM, no picture */
void video_screen_state(struct video *v, struct state *s);

#endif
