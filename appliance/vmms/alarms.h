/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong now and asks for somebody: conditions looked at every few seconds, told as events when they begin and end. */
#ifndef VMMS_ALARMS_H
#define VMMS_ALARMS_H

#include "vm.h"

void alarms_round(struct vmms *v);			/* once a second */
void alarms_forget(struct vmms *v, const char *vm_id);	/* the VM is deleted: its alarms are over */
void alarms_close(struct vmms *v);
json_t *alarms_to_json(const struct vmms *v);		/* the oldest first */

#endif
