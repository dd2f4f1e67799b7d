/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Basics of the published interface: ids, page size, 128-bit values. Every abi header compiles alone, in hv and in user
 * space, needs nothing but the C library's freestanding headers and goes well with <linux/mshv.h>.
 */
#ifndef HV_ABI_TYPES_H
#define HV_ABI_TYPES_H

#include <stddef.h>
#include <stdint.h>

#define HV_PAGE_SIZE			4096
#define HV_PARTITION_ID_SELF		(~0ull)
#define HV_ANY_VP			0xffffffffu
#define HV_VP_INDEX_SELF		0xfffffffeu

#define HV_ASSERT_SIZE(type, size)	_Static_assert(sizeof(type) == (size), #type)

struct hv_u128 { uint64_t low_part, high_part; };
HV_ASSERT_SIZE(struct hv_u128, 16);

/* HV_VP_SET: format 0 lists the set banks of 64 VPs in order, format 1 means every VP. */
#define HV_VP_SET_SPARSE	0
#define HV_VP_SET_ALL		1

struct hv_proximity { uint32_t domain_id, flags; };

#endif
