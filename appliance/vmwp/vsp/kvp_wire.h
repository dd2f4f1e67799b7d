/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the key-value exchange (Linux include/uapi/linux/hyperv.h). */
#ifndef VMWP_VSP_KVP_WIRE_H
#define VMWP_VSP_KVP_WIRE_H

#include <stdint.h>

enum kvp_operation { KVP_GET, KVP_SET, KVP_DELETE, KVP_ENUMERATE, KVP_GET_IP, KVP_SET_IP };
enum kvp_type { KVP_STRING = 1, KVP_U32 = 4, KVP_U64 = 11 };
enum kvp_family { KVP_IPV4 = 1, KVP_IPV6 = 2 };

struct kvp_wire_value {
	uint32_t type, key_size, value_size;	/* sizes in bytes, with the zero */
	uint16_t key[256];
	union { uint16_t text[1024]; uint32_t u32; uint64_t u64; } value;
} __attribute__((packed));

struct kvp_wire_set { uint8_t operation, pool; uint16_t pad; struct kvp_wire_value data; } __attribute__((packed));
struct kvp_wire_enumerate { uint8_t operation, pool; uint16_t pad; uint32_t index; struct kvp_wire_value data; } __attribute__((packed));
struct kvp_wire_delete { uint8_t operation, pool; uint16_t pad; uint32_t key_size; uint16_t key[256]; } __attribute__((packed));
struct kvp_wire_ip {
	uint8_t operation, pool;
	uint16_t adapter[128];
	uint8_t family, dhcp;
	uint16_t addresses[1024], masks[1024], gateways[512], dns[1024];
};

_Static_assert(sizeof(struct kvp_wire_set) == 2576 && sizeof(struct kvp_wire_enumerate) == 2580, "KVP exchange");
_Static_assert(sizeof(struct kvp_wire_delete) == 520 && sizeof(struct kvp_wire_ip) == 7428, "KVP delete and IP");

#endif
