/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the dynamic memory channel (Linux drivers/hv/hv_balloon.c). In-band packets of their own; pages are 4 KiB. */
#ifndef VMWP_VSP_BALLOON_WIRE_H
#define VMWP_VSP_BALLOON_WIRE_H

#include <stdint.h>

enum dm_type {
	DM_VERSION_REQUEST = 1, DM_VERSION_RESPONSE, DM_CAPABILITIES, DM_CAPABILITIES_RESPONSE, DM_STATUS,
	DM_BALLOON_REQUEST, DM_BALLOON_RESPONSE, DM_UNBALLOON_REQUEST, DM_UNBALLOON_RESPONSE,
	DM_HOT_ADD_REQUEST, DM_HOT_ADD_RESPONSE, DM_INFO, DM_TYPES
};

#define DM_VERSION(major, minor)	((uint32_t)(major) << 16 | (minor))
enum { DM_CAN_BALLOON = 1, DM_CAN_HOT_ADD = 2, DM_ALIGNMENT_SHIFT = 2, DM_ALIGNMENT_MASK = 15 };	/* alignment: log2 of MiB */

struct dm_header { uint16_t type, size; uint32_t transaction; };
struct dm_version_request { struct dm_header h; uint32_t version, last_attempt; };
struct dm_accept { struct dm_header h; uint64_t accepted; };			/* both responses; bit 0 */
struct dm_capabilities { struct dm_header h; uint64_t capabilities, min_pages, max_page; };
struct dm_status { struct dm_header h; uint64_t available, committed, page_file, zero_free; uint32_t page_file_writes, io; };
struct dm_balloon { struct dm_header h; uint32_t pages, reserved; };
struct dm_ranges { struct dm_header h; uint32_t reserved, more_count; };	/* balloon response: bit 0 more, 31:1 count; uint64_t[] */
struct dm_unballoon { struct dm_header h; uint32_t more, count; };		/* uint64_t[] */
struct dm_hot_add { struct dm_header h; uint64_t range, region; };
struct dm_hot_added { struct dm_header h; uint32_t pages, result; };

_Static_assert(sizeof(struct dm_header) == 8 && sizeof(struct dm_status) == 48 && sizeof(struct dm_ranges) == 16 &&
	       sizeof(struct dm_hot_add) == 24 && sizeof(struct dm_hot_added) == 16, "dynamic memory");

static inline uint64_t dm_range(uint64_t page, uint64_t count) { return page | count << 40; }
static inline uint64_t dm_range_page(uint64_t range) { return range & ((1ull << 40) - 1); }
static inline uint32_t dm_range_count(uint64_t range) { return (uint32_t)(range >> 40); }

#endif
