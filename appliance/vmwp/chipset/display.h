/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Display sockets (partita/display.h): viewers of one picture, whose keys and pointer go to the guest. The picture comes
 * from a source: the VGA or the ramfb of the firmware, the synthetic video once a guest drives it. Sources report their
 * mode and the rows that changed, and are asked to look only while a viewer waits for damage. Machine lock held everywhere.
 */
#ifndef VMWP_CHIPSET_DISPLAY_H
#define VMWP_CHIPSET_DISPLAY_H

#include "partita/display.h"
#include "vmwp/device.h"

extern const struct device_model display_model;		/* on the board before every source */

/*
 * Makes a new viewer; *viewer_fd is the viewer's end (the caller owns it). The MODE packet is already in it and its pixels
 * are up to date: a caller that wants one screen shot reads it and closes. 0, -EMFILE (too many viewers), -ENODEV (nothing
 * shows a picture), -errno of socketpair.
 */
int display_open(struct machine *m, int *viewer_fd);

/* --- pictures --- */

enum display_rank { DISPLAY_RANK_FIRMWARE, DISPLAY_RANK_SYNTHETIC };	/* of the active sources the highest one is shown */

struct display;
struct display_source {			/* part of the device that draws */
	void (*refresh)(struct display_source *s);	/* look: report mode and rows with the two calls below */
	void (*resize)(struct display_source *s, uint32_t width, uint32_t height);	/* a viewer has that much room; may be NULL */
	enum display_rank rank;
	/* display.c's: */
	struct display *display;
	struct display_source *next;
	bool active;
	struct display_mode mode;
	int mode_fd;			/* not owned; -1: no mode yet */
	struct display_cursor cursor;
	int cursor_fd;			/* not owned */
};

/* Adds an inactive source; refresh and rank are set. -ENODEV without a display on the board. */
int display_source_add(struct machine *m, struct display_source *s);
void display_source_remove(struct display_source *s);	/* does nothing when it was never added */
/* Whether the source has a picture at all; a source that is shown next tells its mode at the latest in refresh. */
void display_source_set_active(struct display_source *s, bool active);
/* `fd` is a memfd that viewers may map, never guest RAM. It stays the source's and outlives the mode. */
void display_set_mode(struct display_source *s, int fd, const struct display_mode *mode);
/* `fd` as in display_set_mode(); not looked at when there is no shape. */
void display_set_cursor(struct display_source *s, int fd, const struct display_cursor *cursor);
void display_rows_changed(struct display_source *s, uint32_t first, uint32_t count);

/* --- keys and pointer --- */

enum display_input { DISPLAY_KEYBOARD, DISPLAY_MOUSE, DISPLAY_INPUTS };

struct display_input_ops {		/* one of the two, as the kind says */
	void (*key)(void *context, uint16_t scancode, bool down);		/* as in struct display_key */
	void (*pointer)(void *context, uint16_t x, uint16_t y, uint32_t buttons);	/* as in struct display_pointer */
};

/* From now on viewers' input of that kind goes there; ops NULL gives it back to PS/2, or to nobody without one. */
void display_set_input(struct machine *m, enum display_input kind, const struct display_input_ops *ops, void *context);

#endif
