/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ramfb: a frame buffer in guest RAM that the firmware announces through the fw_cfg file etc/ramfb. Guest RAM is never
 * shown to viewers: what changed is copied into the surface, and only while a viewer waits for it.
 */
#include "vmwp/chipset/board.h"
#include "vmwp/chipset/display.h"
#include "vmwp/state.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAMFB_FILE	"etc/ramfb"
#define FOURCC_XR24	0x34325258u	/* DRM_FORMAT_XRGB8888, the only one OVMF uses */
#define SURFACE_BYTES	((size_t)DISPLAY_MAX_WIDTH * DISPLAY_MAX_HEIGHT * 4)
#define BLANK_WIDTH	800u		/* until the firmware has a picture */
#define BLANK_HEIGHT	600u

struct ramfb_config {		/* as the guest writes it, big-endian */
	uint64_t address;
	uint32_t fourcc, flags, width, height, stride;
} __attribute__((packed));

_Static_assert(sizeof(struct ramfb_config) == 28, "etc/ramfb");

struct ramfb {
	struct display_source source;	/* first: refresh is handed it */
	struct device *device;
	int surface_fd;
	uint8_t *surface;
	uint64_t address;		/* 0: nothing announced */
	uint32_t width, height, stride;
};

static void mode_tell(struct ramfb *r)
{
	struct display_mode mode = { .type = DISPLAY_MODE, .width = r->width, .height = r->height, .stride = r->width * 4 };

	mode.size = (uint64_t)mode.stride * mode.height;
	display_set_mode(&r->source, r->surface_fd, &mode);
}

static void blank(struct ramfb *r)
{
	r->address = 0;
	r->width = BLANK_WIDTH;
	r->height = BLANK_HEIGHT;
	memset(r->surface, 0, (size_t)r->width * r->height * 4);
	mode_tell(r);
}

/* Anything that is not a picture within RAM shows nothing; RAM is looked up again for each row that is copied. */
static bool announce(struct ramfb *r, uint64_t address, uint32_t width, uint32_t height, uint32_t stride)
{
	if (!stride)
		stride = width * 4;
	if (width == 0 || height == 0 || width > DISPLAY_MAX_WIDTH || height > DISPLAY_MAX_HEIGHT || stride < width * 4 ||
	    !guest_memory(r->device->machine, address, (uint64_t)stride * (height - 1) + width * 4)) {
		blank(r);
		return false;
	}
	r->address = address;
	r->width = width;
	r->height = height;
	r->stride = stride;
	memset(r->surface, 0, (size_t)width * height * 4);
	mode_tell(r);
	return true;
}

static void ramfb_written(struct device *dev, const void *data)
{
	struct ramfb *r = device_state(dev);
	struct ramfb_config c;

	memcpy(&c, data, sizeof(c));
	if (be32toh(c.fourcc) == FOURCC_XR24)
		announce(r, be64toh(c.address), be32toh(c.width), be32toh(c.height), be32toh(c.stride));
	else
		blank(r);
}

static void ramfb_refresh(struct display_source *source)
{
	struct ramfb *r = (struct ramfb *)source;
	size_t bytes = (size_t)r->width * 4;

	for (uint32_t row = 0; r->address && row < r->height; row++) {
		const void *from = guest_memory(r->device->machine, r->address + (uint64_t)row * r->stride, bytes);
		uint8_t *to = r->surface + row * bytes;

		if (!from || memcmp(from, to, bytes) == 0)
			continue;
		memcpy(to, from, bytes);
		display_rows_changed(source, row, 1);
	}
}

/* Sealed against resizing: a viewer that maps it must not be able to make us fault, nor we it. */
static int surface_create(struct ramfb *r)
{
	void *mapping = MAP_FAILED;

	r->surface_fd = memfd_create("surface", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (r->surface_fd < 0)
		return -errno;
	if (ftruncate(r->surface_fd, SURFACE_BYTES) == 0 && fcntl(r->surface_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		mapping = mmap(NULL, SURFACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, r->surface_fd, 0);
	if (mapping == MAP_FAILED)
		return -errno;
	r->surface = mapping;
	return 0;
}

static int ramfb_init(struct device *dev)
{
	struct ramfb *r = device_state(dev);
	int result;

	r->device = dev;
	r->source.refresh = ramfb_refresh;
	r->source.rank = DISPLAY_RANK_FIRMWARE;
	result = surface_create(r);
	if (result == 0)
		result = fw_cfg_add_writable(dev, RAMFB_FILE, sizeof(struct ramfb_config), ramfb_written);
	if (result == 0)
		result = display_source_add(dev->machine, &r->source);
	if (result < 0)
		return result;
	blank(r);
	display_source_set_active(&r->source, true);
	return 0;
}

static void ramfb_reset(struct device *dev)
{
	blank(device_state(dev));
}

static void ramfb_state(struct device *dev, struct state *s)
{
	struct ramfb *r = device_state(dev);
	uint64_t address = r->address;
	uint32_t width = r->width, height = r->height, stride = r->stride;

	state_u64(s, &address);
	state_u32(s, &width);
	state_u32(s, &height);
	state_u32(s, &stride);
	if (!state_loading(s) || state_error(s))
		return;
	if (!address)
		blank(r);
	else if (!announce(r, address, width, height, stride))
		state_refuse(s);
}

static void ramfb_fini(struct device *dev)
{
	struct ramfb *r = device_state(dev);

	display_source_remove(&r->source);
	if (r->surface)
		munmap(r->surface, SURFACE_BYTES);
	if (r->surface_fd > 0)
		close(r->surface_fd);
}

const struct device_model ramfb_model = {
	.name = "ramfb", .state_size = sizeof(struct ramfb), .state_version = 1,
	.init = ramfb_init, .reset = ramfb_reset, .fini = ramfb_fini, .state = ramfb_state,
};
