/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs that the host gives to a guest by key-value exchange; kept with the VM and told to it at each start. */
#ifndef VMMS_GUEST_ITEMS_H
#define VMMS_GUEST_ITEMS_H

#include "vm.h"

#define GUEST_ITEMS_FILE	"items.json"	/* in the VM's folder */

json_t *guest_items_to_json(const struct vm *vm);		/* {"key": "value"} */
/* A merge patch: null removes a key. Stored, then told to a guest that runs. 0, or -EINVAL and *p. */
int guest_items_patch(struct vm *vm, const json_t *patch, struct problem *p);
void guest_items_apply(struct vm *vm);			/* to a worker that has just been configured */

#endif
