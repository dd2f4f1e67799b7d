/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VGA's own ports, 0x3b0..0x3df: sequencer, graphics controller, CRTC, attribute controller and DAC
 * (IBM PS/2 "Video Subsystem"). Registers are stored; what they mean is read by vga_window.c and
 * vga_screen.c.
 */
#include "vmwp/chipset/vga_internal.h"

#include <string.h>

enum vga_port {
	PORT_ATTR = 0x3c0, PORT_ATTR_READ = 0x3c1, PORT_MISC_WRITE = 0x3c2, PORT_SEQ_INDEX = 0x3c4, PORT_SEQ = 0x3c5,
	PORT_DAC_MASK = 0x3c6, PORT_DAC_READ = 0x3c7, PORT_DAC_WRITE = 0x3c8, PORT_DAC_DATA = 0x3c9, PORT_FEATURE_READ = 0x3ca,
	PORT_MISC_READ = 0x3cc, PORT_GC_INDEX = 0x3ce, PORT_GC = 0x3cf, PORT_CRTC_INDEX = 0x3d4, PORT_CRTC = 0x3d5,
	PORT_STATUS1 = 0x3da,
};

#define MISC_COLOUR		0x01u	/* CRTC and status at 0x3dx, not 0x3bx */
#define CRTC_PROTECT		0x80u	/* in register 0x11: registers 0..7 are read-only */
#define STATUS1_RETRACE		0x09u	/* vertical retrace, display disabled */
#define ATTR_PALETTE_ON		0x20u

static const uint8_t seq_mask[8] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
static const uint8_t gc_mask[16] = { 0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff };

/* The colour ports as one set: a monochrome setting moves them from 0x3dx to 0x3bx. 0: not there now. */
static uint16_t port_normalise(const struct vga *v, uint16_t port)
{
	bool colour = v->misc & MISC_COLOUR;

	if (port >= 0x3d0)
		return colour ? port : 0;
	if (port < 0x3c0)
		return colour ? 0 : port + 0x20;
	return port;
}

static uint8_t dac_data_read(struct vga *v)
{
	uint8_t value = v->dac[v->dac_read];

	v->dac_read = (v->dac_read + 1) % sizeof(v->dac);
	return value;
}

static void dac_data_write(struct vga *v, uint8_t value)
{
	v->dac[v->dac_write] = v->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC ? value : value & 0x3f;
	v->dac_write = (v->dac_write + 1) % sizeof(v->dac);
	v->all_changed = true;
}

static uint8_t status1_read(struct vga *v)
{
	v->attr_data_next = false;
	v->status1 ^= STATUS1_RETRACE;		/* who waits for a retrace sees one at the next look */
	return v->status1;
}

static uint8_t byte_read(struct vga *v, uint16_t port)
{
	switch (port_normalise(v, port)) {
	case PORT_ATTR:		return v->attr_index;
	case PORT_ATTR_READ:	return v->attr[v->attr_index & 0x1f];
	case PORT_MISC_WRITE:	return 0x10;			/* input status 0: a colour monitor */
	case PORT_SEQ_INDEX:	return v->seq_index;
	case PORT_SEQ:		return v->seq[v->seq_index];
	case PORT_DAC_MASK:	return v->dac_mask;
	case PORT_DAC_READ:	return v->dac_state;
	case PORT_DAC_WRITE:	return (uint8_t)(v->dac_write / 3);
	case PORT_DAC_DATA:	return dac_data_read(v);
	case PORT_FEATURE_READ:	return v->feature_control;
	case PORT_MISC_READ:	return v->misc;
	case PORT_GC_INDEX:	return v->gc_index;
	case PORT_GC:		return v->gc[v->gc_index];
	case PORT_CRTC_INDEX:	return v->crtc_index;
	case PORT_CRTC:		return v->crtc_index < sizeof(v->crtc) ? v->crtc[v->crtc_index] : 0;
	case PORT_STATUS1:	return status1_read(v);
	default:		return 0xff;
	}
}

static void attr_write(struct vga *v, uint8_t value)
{
	unsigned int index = v->attr_index & 0x1f;

	if (!v->attr_data_next)
		v->attr_index = value & 0x3f;
	else if (index < 16)
		v->attr[index] = value & 0x3f;
	else if (index <= 0x14)
		v->attr[index] = value;
	v->attr_data_next = !v->attr_data_next;
	v->all_changed = true;
}

static void crtc_write(struct vga *v, uint8_t value)
{
	unsigned int index = v->crtc_index;

	if (index >= sizeof(v->crtc))
		return;
	if (index <= 7 && (v->crtc[0x11] & CRTC_PROTECT)) {
		if (index == 7)			/* but line compare's bit 8 */
			v->crtc[7] = (uint8_t)((v->crtc[7] & ~0x10) | (value & 0x10));
		return;
	}
	v->crtc[index] = value;		/* geometry, start and cursor are looked at when the screen is drawn */
}

static void seq_write(struct vga *v, uint8_t value)
{
	v->seq[v->seq_index] = value & seq_mask[v->seq_index];
	v->all_changed |= v->seq_index == 1 || v->seq_index == 3;	/* dots per character, fonts */
	vga_window_update(v);
}

static void gc_write(struct vga *v, uint8_t value)
{
	v->gc[v->gc_index] = value & gc_mask[v->gc_index];
	vga_window_update(v);
}

static void byte_write(struct vga *v, uint16_t port, uint8_t value)
{
	switch (port_normalise(v, port)) {
	case PORT_ATTR:		attr_write(v, value); break;
	case PORT_MISC_WRITE:	v->misc = value & ~0x10u; break;
	case PORT_SEQ_INDEX:	v->seq_index = value & 7; break;
	case PORT_SEQ:		seq_write(v, value); break;
	case PORT_DAC_MASK:	v->dac_mask = value; break;
	case PORT_DAC_READ:	v->dac_read = value * 3u; v->dac_state = 3; break;
	case PORT_DAC_WRITE:	v->dac_write = value * 3u; v->dac_state = 0; break;
	case PORT_DAC_DATA:	dac_data_write(v, value); break;
	case PORT_GC_INDEX:	v->gc_index = value & 0x0f; break;
	case PORT_GC:		gc_write(v, value); break;
	case PORT_CRTC_INDEX:	v->crtc_index = value; break;
	case PORT_CRTC:		crtc_write(v, value); break;
	case PORT_STATUS1:	v->feature_control = value & 0x10; break;
	default:		break;
	}
}

uint32_t vga_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct vga *v = device_state(dev);
	uint32_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value |= (uint32_t)byte_read(v, (uint16_t)(port + i)) << (8 * i);
	return value;
}

/* A word write to an index port sets index and data: the usual way. */
void vga_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct vga *v = device_state(dev);

	for (unsigned int i = 0; i < size; i++)
		byte_write(v, (uint16_t)(port + i), (uint8_t)(value >> (8 * i)));
}

void vga_regs_reset(struct vga *v)
{
	memset(v->seq, 0, sizeof(v->seq));
	memset(v->gc, 0, sizeof(v->gc));
	memset(v->crtc, 0, sizeof(v->crtc));
	memset(v->attr, 0, sizeof(v->attr));
	memset(v->dac, 0, sizeof(v->dac));
	v->misc = v->feature_control = v->status1 = 0;
	v->seq_index = v->gc_index = v->crtc_index = v->attr_index = 0;
	v->attr_data_next = false;
	v->dac_mask = 0xff;
	v->dac_state = 0;
	v->dac_read = v->dac_write = 0;
}
