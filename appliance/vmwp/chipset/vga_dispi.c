/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bochs VBE display interface: an index port 0x1ce and a data port 0x1cf (0x1d0 as well), by which vgabios
 * sets modes with a linear frame buffer. Interface as described in SeaBIOS' vgasrc and Bochs' vbe.txt.
 */
#include "vmwp/chipset/vga_internal.h"
#include "vmwp/state.h"

#include <string.h>

#define DISPI_ID_FIRST	0xb0c0u
#define DISPI_ID_LAST	0xb0c5u

uint32_t dispi_line_bytes(const struct vga *v)
{
	uint32_t width = v->dispi[DISPI_VIRT_WIDTH], bpp = v->dispi[DISPI_BPP];

	return bpp == 4 ? width / 2 : width * ((bpp + 7) / 8);
}

static bool bpp_is_known(uint16_t bpp)
{
	return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

/* Rows of the virtual screen: all that fit into video memory. */
static void set_virtual_width(struct vga *v, uint32_t width)
{
	uint32_t bytes, rows;

	v->dispi[DISPI_VIRT_WIDTH] = (uint16_t)(width < v->dispi[DISPI_XRES] ? v->dispi[DISPI_XRES] : width);
	bytes = dispi_line_bytes(v);
	rows = bytes ? VGA_VRAM_BYTES / bytes : UINT16_MAX;
	v->dispi[DISPI_VIRT_HEIGHT] = rows < UINT16_MAX ? (uint16_t)rows : UINT16_MAX;
}

static bool mode_fits(const struct vga *v)
{
	uint64_t pixels = (uint64_t)v->dispi[DISPI_XRES] * v->dispi[DISPI_YRES];

	return pixels && pixels * ((v->dispi[DISPI_BPP] + 7) / 8) <= VGA_VRAM_BYTES;
}

static void enable_write(struct vga *v, uint16_t value)
{
	bool was = dispi_is_enabled(v);

	if ((value & DISPI_ENABLED) && !was) {
		if (!mode_fits(v))
			return;
		vga_window_unmap(v);		/* before memory is cleared: what it brings back is the old mode's */
		set_virtual_width(v, v->dispi[DISPI_XRES]);
		v->dispi[DISPI_X_OFFSET] = v->dispi[DISPI_Y_OFFSET] = 0;
		if (!(value & DISPI_NOCLEAR))
			memset(v->vram, 0, (size_t)dispi_line_bytes(v) * v->dispi[DISPI_YRES]);
	}
	v->dispi[DISPI_ENABLE] = value & ~DISPI_NOCLEAR;
	v->dispi[DISPI_BANK] = 0;
	v->all_changed = true;
	vga_window_update(v);
}

/* While a mode is on its size is fixed; 0 and what exceeds the limits is ignored. */
static void size_write(struct vga *v, unsigned int index, uint16_t value)
{
	uint16_t limit = index == DISPI_XRES ? DISPLAY_MAX_WIDTH : DISPLAY_MAX_HEIGHT;

	if (dispi_is_enabled(v))
		return;
	if (index == DISPI_BPP ? bpp_is_known(value) : value && value <= limit && (index == DISPI_YRES || value % 8 == 0))
		v->dispi[index] = value;
}

/* An offset under which the shown screen would leave video memory is ignored. */
static void offset_write(struct vga *v, unsigned int index, uint16_t value)
{
	uint16_t old = v->dispi[index];
	uint64_t end;

	v->dispi[index] = value;
	end = ((uint64_t)v->dispi[DISPI_Y_OFFSET] + v->dispi[DISPI_YRES]) * dispi_line_bytes(v)
		+ (uint64_t)v->dispi[DISPI_X_OFFSET] * ((v->dispi[DISPI_BPP] + 7) / 8);
	if (end > VGA_VRAM_BYTES)
		v->dispi[index] = old;
}

static void register_write(struct vga *v, uint16_t value)
{
	unsigned int index = v->dispi_index;

	switch (index) {
	case DISPI_ID:
		if (value >= DISPI_ID_FIRST && value <= DISPI_ID_LAST)
			v->dispi[DISPI_ID] = value;
		break;
	case DISPI_XRES: case DISPI_YRES: case DISPI_BPP:
		size_write(v, index, value);
		break;
	case DISPI_ENABLE:
		enable_write(v, value);
		break;
	case DISPI_BANK:
		v->dispi[DISPI_BANK] = value % (VGA_VRAM_BYTES >> 16);
		vga_window_update(v);
		break;
	case DISPI_VIRT_WIDTH:
		if (value <= DISPLAY_MAX_WIDTH * 2)
			set_virtual_width(v, value & ~7u);
		break;
	case DISPI_X_OFFSET: case DISPI_Y_OFFSET:
		offset_write(v, index, value);
		break;
	default:
		break;
	}
}

static uint16_t register_read(const struct vga *v)
{
	bool capabilities = v->dispi[DISPI_ENABLE] & DISPI_GETCAPS;

	switch (v->dispi_index) {
	case DISPI_XRES: return capabilities ? DISPLAY_MAX_WIDTH : v->dispi[DISPI_XRES];
	case DISPI_YRES: return capabilities ? DISPLAY_MAX_HEIGHT : v->dispi[DISPI_YRES];
	case DISPI_BPP: return capabilities ? 32 : v->dispi[DISPI_BPP];
	case DISPI_VRAM_64K: return VGA_VRAM_BYTES >> 16;
	default: return v->dispi_index < DISPI_REGISTERS ? v->dispi[v->dispi_index] : 0;
	}
}

uint32_t dispi_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct vga *v = device_state(dev);

	if (size != 2)
		return port_float(size);
	return port == 0x1ce ? v->dispi_index : register_read(v);
}

void dispi_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct vga *v = device_state(dev);

	if (size != 2)
		return;
	if (port == 0x1ce)
		v->dispi_index = (uint16_t)value;
	else
		register_write(v, (uint16_t)value);
}

void dispi_reset(struct vga *v)
{
	memset(v->dispi, 0, sizeof(v->dispi));
	v->dispi[DISPI_ID] = DISPI_ID_LAST;
	v->dispi[DISPI_BPP] = 8;
	v->dispi_index = 0;
}

/* Loaded as the guest wrote them, so that the same limits hold; a mode comes back without clearing its memory. */
void dispi_state(struct vga *v, struct state *s)
{
	static const uint8_t order[] = { DISPI_ID, DISPI_XRES, DISPI_YRES, DISPI_BPP, DISPI_ENABLE, DISPI_VIRT_WIDTH, DISPI_X_OFFSET,
					 DISPI_Y_OFFSET, DISPI_BANK };
	uint16_t index = v->dispi_index;

	for (unsigned int i = 0; i < sizeof(order); i++) {
		uint16_t value = v->dispi[order[i]];

		state_u16(s, &value);
		if (!state_loading(s))
			continue;
		v->dispi_index = order[i];
		register_write(v, order[i] == DISPI_ENABLE ? value | DISPI_NOCLEAR : value);
	}
	state_u16(s, &index);
	v->dispi_index = index;
}
