/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory and the picture of the synthetic video adapter: VRAM is a memfd of ours mapped where the guest says, and a
 * source of the display while the guest has a mode. Linux on a generation-1 machine puts VRAM over the VGA's frame buffer,
 * which gives way and keeps its text screen. Guests report what they draw only while somebody looks.
 */
#include "vmwp/vsp/video.h"

#include "vmwp/chipset/vga.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096u
#define MMIO_LOW	0xf8000000ull	/* the windows of the machine's ACPI tables (firmware/dsdt*.asl) */
#define MMIO_LOW_END	0xfec00000ull
#define MMIO_HIGH	0x100000000ull
#define MMIO_END	(1ull << 46)
#define SETTLE_NS	1000000000ull	/* for the guest to learn that its drawing is asked for */
#define UNWATCHED_NS	5000000000ull	/* nobody has looked for so long: the guest need not report */

#define screen_of(s)	((struct video *)((char *)(s) - offsetof(struct video, source)))

static struct machine *video_machine(const struct video *v)
{
	return vmbus_channel_machine(v->channel);
}

/* --- VRAM --- */

static void vram_remove(struct video *v)
{
	display_source_set_active(&v->source, false);
	memory_unmap(v->slot);
	v->slot = NULL;
	v->gpa = 0;
	vga_uncover(video_machine(v));
}

static bool gpa_is_free(struct machine *m, uint64_t gpa)
{
	if (gpa % PAGE)
		return false;
	if (gpa >= MMIO_LOW && gpa <= MMIO_LOW_END - VIDEO_VRAM_BYTES)
		return true;
	/* RAM above 4 GiB is one piece from there on, and may grow */
	return gpa >= MMIO_HIGH + guest_ram_space(m) - guest_ram_low(m) && gpa <= MMIO_END;
}

bool video_place_vram(struct video *v, uint64_t gpa)
{
	struct machine *m = video_machine(v);

	vram_remove(v);
	if (!gpa || !gpa_is_free(m, gpa))
		return false;
	(void)vga_cover(m, gpa, VIDEO_VRAM_BYTES);	/* elsewhere it is not in the way */
	v->slot = memory_map(m, gpa, VIDEO_VRAM_BYTES, v->fd, 0, true);
	if (!v->slot) {
		vga_uncover(m);
		return false;
	}
	v->gpa = gpa;
	return video_set_situation(v, &v->situation);
}

/* --- picture --- */

static bool situation_is_sound(const struct video_situation *s)
{
	if (s->width == 0 || s->height == 0 || s->width > DISPLAY_MAX_WIDTH || s->height > DISPLAY_MAX_HEIGHT)
		return false;
	return s->pitch >= s->width * 4 && s->pitch % 4 == 0 && s->offset % 4 == 0 && s->offset <= VIDEO_VRAM_BYTES &&
		(uint64_t)s->pitch * s->height <= VIDEO_VRAM_BYTES - s->offset;
}

static void all_rows_changed(struct video *v)
{
	display_rows_changed(&v->source, 0, v->situation.height);
}

bool video_set_situation(struct video *v, const struct video_situation *s)
{
	struct display_mode mode = { .type = DISPLAY_MODE, .width = s->width, .height = s->height, .stride = s->pitch };
	bool shown = s->active && v->slot;

	if (s->active && !situation_is_sound(s))
		return false;
	v->situation = *s;
	if (shown) {
		mode.offset = s->offset;
		mode.size = (uint64_t)s->pitch * (s->height - 1) + (uint64_t)s->width * 4;
		display_set_mode(&v->source, v->fd, &mode);
	}
	display_source_set_active(&v->source, shown);
	return true;
}

void video_dirt(struct video *v, const struct video_rect *rects, unsigned int count)
{
	int32_t height = (int32_t)v->situation.height;

	v->dirt_seen = true;
	for (unsigned int i = 0; i < count; i++) {
		int32_t first = rects[i].y1 < 0 ? 0 : rects[i].y1, end = rects[i].y2 > height ? height : rects[i].y2;

		if (first < end)
			display_rows_changed(&v->source, (uint32_t)first, (uint32_t)(end - first));
	}
}

static void want_dirt(struct video *v, bool want)
{
	v->dirt_wanted = want;
	v->settled = false;
	v->wanted_at = machine_now_ns(video_machine(v));
	video_tell_features(v);
}

/*
 * Somebody looks. What the guest drew before it knew is taken in once, a second later; a guest that has never reported
 * anything is looked at as a whole once a second.
 */
static void screen_refresh(struct display_source *source)
{
	struct video *v = screen_of(source);
	uint64_t now = machine_now_ns(video_machine(v));

	device_timer_arm(v->unwatched, now + UNWATCHED_NS);
	if (!v->dirt_wanted)
		want_dirt(v, true);
	if ((v->settled && v->dirt_seen) || now - v->wanted_at < SETTLE_NS)
		return;
	all_rows_changed(v);
	v->settled = true;
	v->wanted_at = now;
}

static void screen_unwatched(struct device *dev)
{
	want_dirt(device_state(dev), false);
}

void video_screen_off(struct video *v)
{
	vram_remove(v);
	device_timer_arm(v->unwatched, 0);
	v->situation = (struct video_situation){ 0 };
	v->dirt_wanted = v->dirt_seen = v->settled = false;
}

/* --- state --- */

static void pixels_state(struct video *v, struct state *s)
{
	uint8_t *pixels = mmap(NULL, VIDEO_VRAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);

	if (pixels == MAP_FAILED)
		return;
	state_bytes(s, pixels + v->situation.offset, (size_t)v->situation.pitch * v->situation.height);
	munmap(pixels, VIDEO_VRAM_BYTES);
}

void video_screen_state(struct video *v, struct state *s)
{
	struct video_situation situation = v->situation;
	uint64_t gpa = v->gpa;

	state_u64(s, &gpa);
	state_bool(s, &situation.active);
	state_u32(s, &situation.offset);
	state_u32(s, &situation.width);
	state_u32(s, &situation.height);
	state_u32(s, &situation.pitch);
	if (state_loading(s) && gpa &&
	    (!video_place_vram(v, gpa) || (situation.active && !video_set_situation(v, &situation))))
		state_refuse(s);
	if (v->gpa && v->situation.active && !state_error(s))
		pixels_state(v, s);
}

/* --- device --- */

int video_screen_init(struct device *dev)
{
	struct video *v = device_state(dev);

	v->fd = memfd_create("vram", MFD_CLOEXEC);
	if (v->fd < 0 || ftruncate(v->fd, (off_t)VIDEO_VRAM_BYTES) < 0)
		return -errno;
	v->unwatched = device_timer_new(dev, screen_unwatched);
	if (!v->unwatched)
		return -ENOMEM;
	v->source.refresh = screen_refresh;
	v->source.rank = DISPLAY_RANK_SYNTHETIC;
	return display_source_add(dev->machine, &v->source);
}

void video_screen_fini(struct device *dev)
{
	struct video *v = device_state(dev);

	memory_unmap(v->slot);
	display_source_remove(&v->source);
	device_timer_free(v->unwatched);
	if (v->fd >= 0)
		close(v->fd);
}
