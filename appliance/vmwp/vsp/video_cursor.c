/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pointer's shape and whether it is to be seen, as the guest's driver says; viewers draw it where they point. Where the guest
 * says it is does not matter: it follows the viewer's.
 */
#include "vmwp/vsp/video.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CURSOR_BYTES	(DISPLAY_CURSOR_MAX * DISPLAY_CURSOR_MAX * 4u)

struct wire_position { uint8_t visible, output; int32_t x, y; } __attribute__((packed));
struct wire_shape { uint8_t part, argb; uint32_t width, height, hot_x, hot_y; } __attribute__((packed));	/* then pixels */
_Static_assert(sizeof(struct wire_position) == 10, "pointer position");
_Static_assert(sizeof(struct wire_shape) == 18, "pointer shape");

static void tell(struct video *v)
{
	display_set_cursor(&v->source, v->cursor_fd, &v->shape);
}

bool video_cursor_position(struct video *v, const uint8_t *body, size_t size)
{
	struct wire_position w;
	uint32_t visible;

	(void)size;
	memcpy(&w, body, sizeof(w));
	visible = w.visible != 0;
	if (visible == v->shape.visible)
		return true;
	v->shape.visible = visible;
	tell(v);
	return true;
}

/* Shapes of another kind than ARGB, or too large, are none: the viewer shows its own. */
static bool shape_is_usable(const struct wire_shape *w)
{
	return w->argb && w->width && w->height && w->width <= DISPLAY_CURSOR_MAX && w->height <= DISPLAY_CURSOR_MAX &&
		w->hot_x < w->width && w->hot_y < w->height;
}

/* In parts, from 0 on, or all at once; the last one is that which completes it. */
bool video_cursor_shape(struct video *v, const uint8_t *body, size_t size)
{
	uint32_t all, part = (uint32_t)(size - sizeof(struct wire_shape));
	struct wire_shape w;

	memcpy(&w, body, sizeof(w));
	if (!shape_is_usable(&w)) {
		video_cursor_forget(v);
		return true;
	}
	all = w.width * w.height * 4;
	if (w.part == 0 || v->cursor_bytes >= all)
		v->cursor_bytes = 0;
	if (part > all - v->cursor_bytes)
		part = all - v->cursor_bytes;		/* padding */
	memcpy((uint8_t *)v->cursor + v->cursor_bytes, body + sizeof(w), part);
	v->cursor_bytes += part;
	if (v->cursor_bytes < all)
		return true;
	v->shape.width = (uint16_t)w.width;
	v->shape.height = (uint16_t)w.height;
	v->shape.hot_x = (uint16_t)w.hot_x;
	v->shape.hot_y = (uint16_t)w.hot_y;
	tell(v);
	return true;
}

void video_cursor_forget(struct video *v)
{
	v->cursor_bytes = 0;
	v->shape = (struct display_cursor){ .type = DISPLAY_CURSOR, .visible = 1 };
	tell(v);
}

int video_cursor_init(struct video *v)
{
	void *memory;

	v->shape = (struct display_cursor){ .type = DISPLAY_CURSOR, .visible = 1 };
	v->cursor_fd = memfd_create("cursor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (v->cursor_fd < 0)
		return -errno;
	if (ftruncate(v->cursor_fd, CURSOR_BYTES) < 0 || fcntl(v->cursor_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return -errno;
	memory = mmap(NULL, CURSOR_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, v->cursor_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	v->cursor = memory;
	return 0;
}

void video_cursor_fini(struct video *v)
{
	if (v->cursor)
		munmap(v->cursor, CURSOR_BYTES);
	if (v->cursor_fd > 0)
		close(v->cursor_fd);
}
