/* SPDX-License-Identifier: Apache-2.0 */
/* The IOAPIC at 0xfec00000. Lock held for every call. */
#ifndef VMWP_CHIPSET_IOAPIC_H
#define VMWP_CHIPSET_IOAPIC_H

#include "vmwp/device.h"

#define IOAPIC_BASE	0xfec00000ull
#define IOAPIC_PINS	24u

extern const struct device_model ioapic_model;
void ioapic_set_line(struct device *ioapic, unsigned int pin, bool level);
void ioapic_eoi(struct device *ioapic, uint8_t vector);		/* the guest's EOI of a level interrupt */

#endif
