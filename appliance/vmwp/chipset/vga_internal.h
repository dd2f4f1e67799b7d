/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State and calls shared by the VGA files: vga.c (device, BAR), vga_regs.c (VGA ports), vga_dispi.c (Bochs
 * VBE ports), vga_window.c (0xa0000..0xbffff), vga_screen.c (what is shown and what changed), vga_text.c
 * and vga_graphics.c (pixels).
 *
 * Video memory is kept as the adapter has it: byte 4 * offset + plane. A linear mode's frame buffer is then
 * the same bytes.
 */
#ifndef VMWP_CHIPSET_VGA_INTERNAL_H
#define VMWP_CHIPSET_VGA_INTERNAL_H

#include "vmwp/chipset/display.h"
#include "vmwp/chipset/vga.h"

#define VGA_VRAM_BYTES		(16u << 20)
#define VGA_PLANAR_BYTES	(256u << 10)		/* the part that planes reach */
#define VGA_SCRATCH_BYTES	(128u << 10)		/* behind it: the window while mapped re-arranged */
#define VGA_PAGES		(VGA_VRAM_BYTES / 4096)
#define VGA_LFB_SLOT_BYTES	(2u << 20)		/* mapped in pieces: only those on the screen are asked for changes */
#define VGA_LFB_SLOTS		(VGA_VRAM_BYTES / VGA_LFB_SLOT_BYTES)
#define VGA_TEXT_CELLS_MAX	16384u

enum vga_window { WINDOW_TRAPPED, WINDOW_LINEAR, WINDOW_TEXT, WINDOW_PLANE };

enum vga_screen_kind { SCREEN_BLANK, SCREEN_TEXT, SCREEN_PLANAR, SCREEN_256, SCREEN_LFB };

struct vga_screen {			/* compared bytewise: made from zeroed memory */
	enum vga_screen_kind kind;
	uint32_t width, height;
	uint32_t bpp;			/* LFB */
	uint32_t line_bytes, start;	/* in video memory */
	uint32_t cell_width, cell_height;	/* text */
	uint32_t lines_shift;		/* each row is shown this often more (double scan), but drawn once */
};

enum dispi_register {
	DISPI_ID, DISPI_XRES, DISPI_YRES, DISPI_BPP, DISPI_ENABLE, DISPI_BANK, DISPI_VIRT_WIDTH, DISPI_VIRT_HEIGHT,
	DISPI_X_OFFSET, DISPI_Y_OFFSET, DISPI_VRAM_64K, DISPI_REGISTERS,
};
enum dispi_enable { DISPI_ENABLED = 0x01, DISPI_GETCAPS = 0x02, DISPI_8BIT_DAC = 0x20, DISPI_NOCLEAR = 0x80 };

struct vga {
	struct display_source source;	/* first: refresh is handed it */
	struct device *device;
	int vram_fd, surface_fd;
	uint8_t *vram, *scratch;
	uint32_t *surface;		/* DISPLAY_MAX_WIDTH * DISPLAY_MAX_HEIGHT pixels */

	uint8_t misc, feature_control, status1;
	uint8_t seq_index, seq[8], gc_index, gc[16], crtc_index, crtc[32];
	uint8_t attr_index, attr[32];
	bool attr_data_next;
	uint8_t dac[768], dac_mask, dac_state;
	uint32_t dac_read, dac_write;	/* byte index */
	uint8_t latch[4];
	uint16_t dispi_index, dispi[DISPI_REGISTERS];

	struct memory_slot *lfb[VGA_LFB_SLOTS], *window;
	uint64_t lfb_gpa;			/* where lfb is mapped; 0 nowhere */
	bool lfb_covered;			/* somebody else's memory lies there: it is not mapped */
	enum vga_window window_kind;
	uint32_t window_base, window_bytes, window_plane;	/* as mapped; base in 0xa0000.. and in video memory */
	uint32_t window_vram;

	struct vga_screen shown;
	bool all_changed;		/* colours, fonts, geometry: everything must be drawn anew */
	uint64_t changed_pages[VGA_PAGES / 64];
	uint64_t page_sums[VGA_PAGES];	/* only where the hypervisor cannot tell which pages were written */
	uint16_t cells[VGA_TEXT_CELLS_MAX];	/* as drawn */
	uint32_t cursor_drawn;
	uint32_t colours[256];		/* XRGB of the DAC, made anew when all_changed */
};

/* vga_regs.c */
uint32_t vga_port_read(struct device *dev, uint16_t port, unsigned int size);
void vga_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value);
void vga_regs_reset(struct vga *v);

/* vga_dispi.c */
uint32_t dispi_port_read(struct device *dev, uint16_t port, unsigned int size);
void dispi_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value);
void dispi_reset(struct vga *v);
static inline bool dispi_is_enabled(const struct vga *v) { return v->dispi[DISPI_ENABLE] & DISPI_ENABLED; }
uint32_t dispi_line_bytes(const struct vga *v);

void dispi_state(struct vga *v, struct state *s);

/* vga_state.c */
void vga_settle(struct device *dev);
void vga_state(struct device *dev, struct state *s);

/* vga_window.c */
uint64_t vga_window_read(struct device *dev, uint64_t offset, unsigned int size);
void vga_window_write(struct device *dev, uint64_t offset, unsigned int size, uint64_t value);
void vga_window_update(struct vga *v);		/* after a register changed: takes away a mapping that became wrong */
void vga_window_unmap(struct vga *v);
void vga_window_sync(struct vga *v);		/* brings what was written through the mapping into the planes */

/* vga_screen.c */
void vga_refresh(struct display_source *source);	/* draws what changed and reports it */
void vga_harvest_changes(struct vga *v, struct memory_slot *slot, uint32_t vram_offset, uint32_t bytes);

/* vga_text.c, vga_graphics.c: draw into the surface */
void vga_draw_text(struct vga *v, const struct vga_screen *s);
void vga_draw_row(struct vga *v, const struct vga_screen *s, uint32_t row);
uint32_t vga_attribute_colour(const struct vga *v, unsigned int index);

#endif
