/* SPDX-License-Identifier: Apache-2.0 */
/* INIT and SIPI between root VPs: one small state machine per LP, moved by ICR writes and by the LP's own entries. */
#ifndef HV_BOOT_ROOT_STARTUP_H
#define HV_BOOT_ROOT_STARTUP_H

#include <hv/types.h>

struct vp;

void root_startup_icr(uint64_t icr);		/* a root VP's write to the x2APIC ICR */
bool root_startup_pending(void);		/* an INIT waits for this LP: children must give way */

#endif
