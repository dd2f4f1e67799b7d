/* SPDX-License-Identifier: Apache-2.0 */
/* Which integration services a VM is offered: a section of its configuration. Pure. */
#ifndef VMMS_VM_SERVICES_H
#define VMMS_VM_SERVICES_H

#include "fields.h"

enum vm_service { VM_SERVICE_SHUTDOWN, VM_SERVICE_TIME_SYNC, VM_SERVICE_HEARTBEAT, VM_SERVICE_KEY_VALUE, VM_SERVICE_BACKUP,
		  VM_SERVICE_FILE_COPY, VM_SERVICES };
struct vm_services { bool on[VM_SERVICES]; };

void services_parse(struct fields *parent, struct vm_services *s);	/* "integrationServices"; absent ones as usual */
json_t *services_to_json(const struct vm_services *s);
bool services_differ(const struct vm_services *a, const struct vm_services *b);

#endif
