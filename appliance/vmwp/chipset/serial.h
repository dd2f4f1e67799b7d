/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COM1 (0x3f8, IRQ 4) and COM2 (0x2f8, IRQ 3): 16550A with FIFOs. What the guest sends goes to every open
 * stream and is kept (the last 64 KiB) for those that open later.
 */
#ifndef VMWP_CHIPSET_SERIAL_H
#define VMWP_CHIPSET_SERIAL_H

#include "vmwp/device.h"

extern const struct device_model serial_model;

/*
 * Machine lock held. port 1 or 2; *stream_fd is the viewer's end of a stream socket (the caller owns it).
 * 0, -EINVAL, -EMFILE …
 */
int serial_open(struct device *serial, unsigned int port, int *stream_fd);

#endif
