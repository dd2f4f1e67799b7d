/* SPDX-License-Identifier: Apache-2.0 */
/* The 8259A pair. Lock held for every call. */
#ifndef VMWP_CHIPSET_PIC_H
#define VMWP_CHIPSET_PIC_H

#include "vmwp/device.h"

extern const struct device_model pic_model;
void pic_set_line(struct device *pic, unsigned int line, bool level);

#endif
