/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets how much processor time: the settings of running VMs as weights and quotas of their control groups. */
#ifndef VMMS_PROCESSORS_H
#define VMMS_PROCESSORS_H

#include "vm.h"

/* entitlement.c, pure: `count` settings (at most DYNMEM_VMS_MAX) on a host with `lps` logical processors. */
void processors_entitle(const struct vm_processor *const *processors, size_t count, uint64_t lps, struct cpu_share *out);
void processors_apply(struct vmms *v);		/* tells vmpriv what has changed */
void processors_usage_round(struct vmms *v);	/* once a second: now and then asks vmpriv what the workers take */
uint64_t processors_reserved_percent(const struct vmms *v, const struct vm *but);	/* of one LP each; by running VMs but this one */

#endif
