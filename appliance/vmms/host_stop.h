/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping every VM because the host goes down: vmms.StopVms. */
#ifndef VMMS_HOST_STOP_H
#define VMMS_HOST_STOP_H

#include "vm.h"

void host_stop_begin(struct vmms *v, struct ipc_request *r);	/* answers when no VM runs any more, or after 150 s */
void host_stop_forget(struct vmms *v);

#endif
