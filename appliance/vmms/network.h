/* SPDX-License-Identifier: Apache-2.0 */
/* Plugging network adapters of VMs into switches: taps from vmpriv, handed to the worker. */
#ifndef VMMS_NETWORK_H
#define VMMS_NETWORK_H

#include "vm.h"

/* A configured worker gets all of the VM's adapters, then `done`. One that cannot be plugged in becomes an event, and the VM
 * starts without it. */
void network_plug_all(struct vm *vm, void (*done)(struct vm *vm));
/* While it runs (else nothing happens): a new adapter, a changed one, one that goes. */
void network_plug(struct vm *vm, const struct adapter *a);
void network_change(struct vm *vm, const struct adapter *a);
void network_unplug(struct vm *vm, const char *adapter_id);

/* Rules between the adapters of all VMs, and switches: 0, or -EINVAL and *p. */
int network_check(const struct vmms *v, const struct vm *self, const struct vm_config *c, struct problem *p);
/* Adapters that nobody chose an address for get one that no other adapter has. 0, or -EINVAL and *p. */
int network_give_addresses(const struct vmms *v, struct vm_config *c, struct problem *p);
/* What a VM gets when nobody says anything: one adapter on the Default Switch. */
int network_default_adapter(const struct vmms *v, struct vm_config *c, struct problem *p);

#endif
