/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state record of the VGA: registers, and the pages of video memory that hold anything. Where the frame buffer is mapped
 * comes with the PCI function's record; what the viewers see is drawn anew.
 */
#include "vmwp/chipset/vga_internal.h"
#include "vmwp/state.h"

#include <string.h>

#define PAGE	4096u

/* The window's re-arranged copy goes back into the planes; the guest's next access maps it anew. */
void vga_settle(struct device *dev)
{
	vga_window_unmap(device_state(dev));
}

static void registers_state(struct vga *v, struct state *s)
{
	uint8_t *const bytes[] = {
		&v->misc, &v->feature_control, &v->status1, &v->seq_index, &v->gc_index, &v->crtc_index, &v->attr_index, &v->dac_mask, &v->dac_state,
	};

	for (unsigned int i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
		state_u8(s, bytes[i]);
	state_bool(s, &v->attr_data_next);
	state_bytes(s, v->seq, sizeof(v->seq));
	state_bytes(s, v->gc, sizeof(v->gc));
	state_bytes(s, v->crtc, sizeof(v->crtc));
	state_bytes(s, v->attr, sizeof(v->attr));
	state_bytes(s, v->dac, sizeof(v->dac));
	state_u32(s, &v->dac_read);
	state_u32(s, &v->dac_write);
	state_bytes(s, v->latch, sizeof(v->latch));
	if (v->seq_index >= sizeof(v->seq) || v->gc_index >= sizeof(v->gc) || v->dac_read >= sizeof(v->dac) || v->dac_write >= sizeof(v->dac))
		state_refuse(s);
	v->seq_index %= sizeof(v->seq);
	v->gc_index %= sizeof(v->gc);
	v->dac_read %= sizeof(v->dac);
	v->dac_write %= sizeof(v->dac);
}

static bool page_is_zero(const uint8_t *page)
{
	return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

static void memory_state(struct vga *v, struct state *s)
{
	for (uint32_t i = 0; i < VGA_PAGES && !state_error(s); i++) {
		uint8_t *page = v->vram + (size_t)i * PAGE;
		bool filled = !state_loading(s) && !page_is_zero(page);

		state_bool(s, &filled);
		if (filled)
			state_bytes(s, page, PAGE);
	}
}

void vga_state(struct device *dev, struct state *s)
{
	struct vga *v = device_state(dev);

	registers_state(v, s);
	dispi_state(v, s);
	memory_state(v, s);
	v->all_changed = true;
}
