/* SPDX-License-Identifier: Apache-2.0 */
/*
 * i8042 controller with a keyboard (IRQ 1) and an IntelliMouse (IRQ 12). Ports 0x60 and 0x64 only: port
 * 0x61 is the PIT's, 0x92 the board's. Command 0xfe on port 0x64 asks the machine for a reset.
 */
#ifndef VMWP_CHIPSET_PS2_H
#define VMWP_CHIPSET_PS2_H

#include "vmwp/device.h"

extern const struct device_model ps2_model;

/* Machine lock held. scancode, x, y and buttons as in struct display_key and struct display_pointer. */
void ps2_key(struct device *ps2, uint16_t scancode, bool down);
void ps2_pointer(struct device *ps2, uint16_t x, uint16_t y, uint32_t buttons, unsigned int width, unsigned int height);

#endif
