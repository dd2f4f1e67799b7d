/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that a client wants inside a guest, checked and put as key-value exchange says them. Pure. */
#ifndef VMMS_GUEST_ADDRESSES_H
#define VMMS_GUEST_ADDRESSES_H

#include "fields.h"

/* {dhcp, addresses: ["192.0.2.5/24"], gateways, dnsServers} → the parameters of vmwp.SetGuestAddresses; NULL and *p. */
json_t *guest_addresses_parse(const char *adapter_id, const json_t *body, struct problem *p);

#endif
