/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window 0xa0000..0xbffff into video memory. In general each access is trapped and goes through the
 * planes' logic; in the states that carry nearly all traffic (text, one plane for fonts, linear) the window
 * is mapped as plain guest memory instead. A mapping is made by the first trapped access in such a state
 * and taken away when a register ends the state.
 */
#include "vmwp/chipset/vga_internal.h"

#include <string.h>

#define SEQ_MAP_MASK(v)		((v)->seq[2] & 0x0f)
#define SEQ_SEQUENTIAL		0x04	/* memory mode: not odd/even */
#define SEQ_CHAIN4		0x08
#define GC_MODE_ODD_EVEN	0x10
#define GC_MODE_READ_COMPARE	0x08
#define GC_MODE_WRITE(v)	((v)->gc[5] & 3)

/* --- which part of 0xa0000..0xbffff, and what it may be mapped as --- */

struct window_range { uint32_t base, bytes; };	/* base from 0xa0000 */

static struct window_range window_range(const struct vga *v)
{
	static const struct window_range ranges[4] = {	/* graphics controller, miscellaneous register */
		{ 0, 0x20000 }, { 0, 0x10000 }, { 0x10000, 0x8000 }, { 0x18000, 0x8000 },
	};

	return ranges[(v->gc[6] >> 2) & 3];
}

/* Writes arrive as they are, and reads return what was written. */
static bool data_path_is_plain(const struct vga *v)
{
	return GC_MODE_WRITE(v) == 0 && !(v->gc[5] & GC_MODE_READ_COMPARE) && v->gc[1] == 0 && v->gc[3] == 0
		&& v->gc[8] == 0xff;
}

static int single_plane(const struct vga *v)
{
	for (int p = 0; p < 4; p++)
		if (SEQ_MAP_MASK(v) == 1u << p)
			return p;
	return -1;
}

static bool linear_is_on(const struct vga *v)
{
	return (dispi_is_enabled(v) && v->dispi[DISPI_BPP] != 4) || (v->seq[4] & SEQ_CHAIN4);
}

static enum vga_window window_kind(const struct vga *v)
{
	bool odd_even = !(v->seq[4] & SEQ_SEQUENTIAL) && (v->gc[5] & GC_MODE_ODD_EVEN);

	if (linear_is_on(v))
		return SEQ_MAP_MASK(v) == 0x0f || dispi_is_enabled(v) ? WINDOW_LINEAR : WINDOW_TRAPPED;
	if (!data_path_is_plain(v))
		return WINDOW_TRAPPED;
	if (odd_even && SEQ_MAP_MASK(v) == 3 && !(v->gc[4] & 2))
		return WINDOW_TEXT;
	if (!odd_even && (v->seq[4] & SEQ_SEQUENTIAL) && single_plane(v) == v->gc[4] && window_range(v).bytes <= 0x10000)
		return WINDOW_PLANE;
	return WINDOW_TRAPPED;
}

static uint32_t window_vram_offset(const struct vga *v)
{
	return dispi_is_enabled(v) ? (uint32_t)v->dispi[DISPI_BANK] << 16 : 0;
}

/* --- the re-arranged copies --- */

static void scratch_load(struct vga *v)
{
	if (v->window_kind == WINDOW_TEXT)
		for (uint32_t i = 0; i < v->window_bytes; i++)
			v->scratch[i] = v->vram[(i >> 1) * 4 + (i & 1)];
	if (v->window_kind == WINDOW_PLANE)
		for (uint32_t i = 0; i < v->window_bytes; i++)
			v->scratch[i] = v->vram[i * 4 + v->window_plane];
}

void vga_window_sync(struct vga *v)
{
	if (v->window_kind == WINDOW_TEXT)
		for (uint32_t i = 0; i < v->window_bytes; i++)
			v->vram[(i >> 1) * 4 + (i & 1)] = v->scratch[i];
	if (v->window_kind == WINDOW_PLANE) {
		for (uint32_t i = 0; i < v->window_bytes; i++)
			v->vram[i * 4 + v->window_plane] = v->scratch[i];
		v->all_changed = true;		/* most likely a font */
	}
	if (v->window_kind == WINDOW_LINEAR)
		vga_harvest_changes(v, v->window, v->window_vram, v->window_bytes);
}

static void window_map(struct vga *v, enum vga_window kind)
{
	struct window_range range = window_range(v);
	uint32_t offset = VGA_VRAM_BYTES;

	v->window_kind = kind;
	v->window_base = range.base;
	v->window_bytes = range.bytes;
	v->window_plane = v->gc[4] & 3;
	v->window_vram = window_vram_offset(v);
	if (kind == WINDOW_LINEAR)
		offset = v->window_vram;
	else
		scratch_load(v);
	v->window = memory_map(v->device->machine, 0xa0000 + range.base, range.bytes, v->vram_fd, offset, true);
	if (!v->window)
		v->window_kind = WINDOW_TRAPPED;
}

void vga_window_unmap(struct vga *v)
{
	if (v->window_kind == WINDOW_TRAPPED)
		return;
	memory_unmap(v->window);		/* first: no VP writes any more */
	v->window = NULL;
	vga_window_sync(v);
	v->window_kind = WINDOW_TRAPPED;
}

static bool mapping_is_right(const struct vga *v)
{
	struct window_range range = window_range(v);

	if (window_kind(v) != v->window_kind || range.base != v->window_base || range.bytes != v->window_bytes)
		return false;
	if (v->window_kind == WINDOW_PLANE)
		return v->window_plane == (v->gc[4] & 3u);
	return v->window_kind != WINDOW_LINEAR || v->window_vram == window_vram_offset(v);
}

void vga_window_update(struct vga *v)
{
	if (v->window_kind != WINDOW_TRAPPED && !mapping_is_right(v))
		vga_window_unmap(v);
}

/* --- the planes' logic, byte by byte --- */

static void mark_changed(struct vga *v, uint32_t vram_offset)
{
	uint32_t page = vram_offset / 4096;

	v->changed_pages[page / 64] |= 1ull << (page % 64);
}

static uint32_t spread(uint8_t planes)
{
	uint32_t mask = 0;

	for (unsigned int p = 0; p < 4; p++)
		if (planes & (1u << p))
			mask |= 0xffu << (8 * p);
	return mask;
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, 4);
	return value;
}

static uint8_t rotate(uint8_t value, unsigned int count)
{
	return (uint8_t)(value >> count | value << ((8 - count) & 7));
}

/* The four bytes that write modes 0 to 3 make of one (IBM PS/2 Video Subsystem, "Graphics Mode Register"). */
static uint32_t write_data(const struct vga *v, uint8_t value, uint8_t *bit_mask)
{
	uint32_t every = 0x01010101u, set_reset = spread(v->gc[0]), enable = spread(v->gc[1]);
	uint8_t rotated = rotate(value, v->gc[3] & 7);

	*bit_mask = v->gc[8];
	switch (GC_MODE_WRITE(v)) {
	case 0:
		return ((rotated * every) & ~enable) | (set_reset & enable);
	case 2:
		return spread(value & 0x0f);
	default:				/* mode 3; 1 never comes here */
		*bit_mask = rotated & v->gc[8];
		return set_reset;
	}
}

static uint32_t combine(const struct vga *v, uint32_t data, uint32_t latch)
{
	switch ((v->gc[3] >> 3) & 3) {
	case 1: return data & latch;
	case 2: return data | latch;
	case 3: return data ^ latch;
	default: return data;
	}
}

static void planes_write(struct vga *v, uint32_t offset, uint8_t planes, uint8_t value)
{
	uint32_t latch = load32(v->latch), data = latch, mask = spread(planes), bits;
	uint8_t *at = v->vram + offset * 4, bit_mask;

	if (GC_MODE_WRITE(v) != 1) {
		data = combine(v, write_data(v, value, &bit_mask), latch);
		bits = bit_mask * 0x01010101u;
		data = (data & bits) | (latch & ~bits);
	}
	data = (data & mask) | (load32(at) & ~mask);
	memcpy(at, &data, 4);
	if (planes & 4)
		v->all_changed |= !(v->gc[6] & 1);	/* a font byte in text mode */
	mark_changed(v, offset * 4);
}

static uint8_t planes_compare(const struct vga *v)
{
	uint32_t differ = (load32(v->latch) ^ spread(v->gc[2])) & spread(v->gc[7]);

	differ |= differ >> 16;
	return (uint8_t)~(differ | differ >> 8);
}

static uint32_t planar_offset(uint32_t at) { return at & (VGA_PLANAR_BYTES / 4 - 1); }

static uint8_t trapped_read(struct vga *v, uint32_t at)
{
	uint8_t plane = v->gc[4];

	if (linear_is_on(v))
		return v->vram[window_vram_offset(v) + at];
	if (v->gc[5] & GC_MODE_ODD_EVEN) {
		plane = (plane & 2) | (at & 1);
		at >>= 1;
	}
	memcpy(v->latch, v->vram + planar_offset(at) * 4, 4);
	return v->gc[5] & GC_MODE_READ_COMPARE ? planes_compare(v) : v->latch[plane];
}

static void linear_write(struct vga *v, uint32_t at, uint8_t value)
{
	if (!dispi_is_enabled(v) && !(SEQ_MAP_MASK(v) & (1u << (at & 3))))
		return;
	v->vram[window_vram_offset(v) + at] = value;
	mark_changed(v, window_vram_offset(v) + at);
}

static void trapped_write(struct vga *v, uint32_t at, uint8_t value)
{
	if (linear_is_on(v))
		linear_write(v, at, value);
	else if (v->seq[4] & SEQ_SEQUENTIAL)
		planes_write(v, planar_offset(at), SEQ_MAP_MASK(v), value);
	else
		planes_write(v, planar_offset(at >> 1), SEQ_MAP_MASK(v) & ((at & 1) ? 0x0a : 0x05), value);
}

/* --- the trapped accesses --- */

/*
 * The mapped memory when there is one: another VP, or the rest of a string instruction, may come here after
 * the mapping was made.
 */
static uint8_t *mapped_byte(struct vga *v, uint32_t at)
{
	if (v->window_kind == WINDOW_TRAPPED || at >= v->window_bytes)
		return NULL;
	return v->window_kind == WINDOW_LINEAR ? v->vram + v->window_vram + at : v->scratch + at;
}

static uint8_t byte_read(struct vga *v, uint32_t offset)
{
	struct window_range range = window_range(v);
	const uint8_t *mapped;

	if (offset < range.base || offset - range.base >= range.bytes)
		return 0xff;
	mapped = mapped_byte(v, offset - range.base);
	return mapped ? *mapped : trapped_read(v, offset - range.base);
}

static void byte_write(struct vga *v, uint32_t offset, uint8_t value)
{
	struct window_range range = window_range(v);
	uint8_t *mapped;

	if (offset < range.base || offset - range.base >= range.bytes)
		return;
	mapped = mapped_byte(v, offset - range.base);
	if (mapped)
		*mapped = value;
	else
		trapped_write(v, offset - range.base, value);
}

static void map_if_possible(struct vga *v, uint32_t offset)
{
	struct window_range range = window_range(v);
	enum vga_window kind = window_kind(v);

	if (v->window_kind == WINDOW_TRAPPED && kind != WINDOW_TRAPPED && offset - range.base < range.bytes)
		window_map(v, kind);
}

uint64_t vga_window_read(struct device *dev, uint64_t offset, unsigned int size)
{
	struct vga *v = device_state(dev);
	uint64_t value = 0;

	map_if_possible(v, (uint32_t)offset);
	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)byte_read(v, (uint32_t)offset + i) << (8 * i);
	return value;
}

void vga_window_write(struct device *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct vga *v = device_state(dev);

	map_if_possible(v, (uint32_t)offset);
	for (unsigned int i = 0; i < size; i++)
		byte_write(v, (uint32_t)offset + i, (uint8_t)(value >> (8 * i)));
}
