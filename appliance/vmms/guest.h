/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker tells of its guest (names, addresses, heartbeat, services), and what the guest is offered. */
#ifndef VMMS_GUEST_H
#define VMMS_GUEST_H

#include "vm.h"

int guests_open(struct vmms *v);		/* makes the folder of guests' sockets */
void guest_note(struct vm *vm, const json_t *status);	/* a whole answer of vmwp.GetStatus */
void guest_apply_services(struct vm *vm);	/* to a worker that is configured; does nothing without one */
void guest_listen(struct vm *vm);		/* <runtime>/vsock/<id>: programs of the host reach the guest's sockets there */
void guest_forget(struct vm *vm);		/* its worker has gone */
bool guest_is_lost(const struct vm *vm);	/* it has answered the heartbeat and does no more */
json_t *guest_to_json(const struct vm *vm);	/* "guest" of the VM */

#endif
