/* SPDX-License-Identifier: Apache-2.0 */
/* The registers behind machine_enter_sleep() and machine_reset() (hv/root.h), from the FADT. */
#ifndef HV_BOOT_POWER_H
#define HV_BOOT_POWER_H

#include <hv/types.h>

void power_read_fadt(const void *fadt, uint32_t length);

#endif
