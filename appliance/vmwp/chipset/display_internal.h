/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The display as the VGA sees it: it reports its mode and the rows that changed, and is asked to look
 * (refresh) when a viewer waits for damage.
 */
#ifndef VMWP_CHIPSET_DISPLAY_INTERNAL_H
#define VMWP_CHIPSET_DISPLAY_INTERNAL_H

#include "partita/display.h"
#include "vmwp/chipset/display.h"

#define DISPLAY_VIEWERS	8u

struct display_viewer {
	int fd;				/* -1: free */
	bool wants;			/* has asked for damage and not got it */
	bool mode_due;			/* the socket was full when the mode changed */
	uint64_t rows[DISPLAY_MAX_HEIGHT / 64];	/* changed since this viewer was last told */
};

struct display {
	struct device *device;
	void (*refresh)(struct display *d);
	struct device_timer *timer;
	struct display_viewer viewer[DISPLAY_VIEWERS];
	struct display_mode mode;
	int mode_fd;			/* not owned */
	unsigned int quiet;		/* looks in a row that found nothing */
	uint64_t looked_at;		/* when, ns */
};

int display_init(struct display *d, struct device *dev, void (*refresh)(struct display *));
void display_fini(struct display *d);
void display_set_mode(struct display *d, int fd, const struct display_mode *mode);
void display_rows_changed(struct display *d, uint32_t first, uint32_t count);

#endif
