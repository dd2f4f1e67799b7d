/* SPDX-License-Identifier: Apache-2.0 */
/* Restarting the host and shutting it down, as clients ask for it: vmms.GetHostPower, vmms.PowerHost. */
#ifndef VMMS_HOST_POWER_H
#define VMMS_HOST_POWER_H

#include "vmms.h"

enum host_going { HOST_STAYS, HOST_RESTARTS, HOST_SHUTS_DOWN };

json_t *host_power_to_json(const struct vmms *v);
void host_power(struct vmms *v, struct ipc_request *r, const char *action);	/* answers when the host has begun */

#endif
