/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Display sockets (partita/display.h): viewers of the VGA's surface, whose keys and pointer go to the PS/2
 * devices. The VGA owns the display; damage is looked for only while a viewer has asked.
 */
#ifndef VMWP_CHIPSET_DISPLAY_H
#define VMWP_CHIPSET_DISPLAY_H

#include "vmwp/device.h"

/*
 * Machine lock held. Makes a new viewer of the VGA `vga`; *viewer_fd is the viewer's end (the caller owns
 * it). The MODE packet is already in it and its pixels are up to date: a caller that wants one screen shot
 * reads it and closes. 0, -EMFILE (too many viewers), -errno of socketpair.
 */
int display_open(struct device *vga, int *viewer_fd);

#endif
