/* SPDX-License-Identifier: Apache-2.0 */
/* Guest pages that a GPA-direct packet names, as pieces of our address space. */
#include "vmwp/vmbus/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t range_page_count(const struct vmbus_range *range)
{
	return (uint32_t)(((uint64_t)range->offset + range->bytes + VMBUS_PAGE - 1) / VMBUS_PAGE);
}

static uint8_t *page_memory(struct machine *m, uint64_t pfn)
{
	return pfn > UINT64_MAX / VMBUS_PAGE ? NULL : guest_memory(m, pfn * VMBUS_PAGE, VMBUS_PAGE);
}

int vmbus_range_iovec(struct machine *m, const struct vmbus_range *range, uint32_t offset, uint32_t bytes, struct iovec *iov, unsigned int max)
{
	uint64_t at = (uint64_t)range->offset + offset;
	unsigned int count = 0;

	if (offset > range->bytes || bytes > range->bytes - offset)
		return -ERANGE;
	while (bytes) {
		uint32_t in_page = VMBUS_PAGE - (uint32_t)(at % VMBUS_PAGE), length = bytes < in_page ? bytes : in_page;
		uint8_t *page = page_memory(m, range->pfns[at / VMBUS_PAGE]);

		if (!page)
			return -EFAULT;
		page += at % VMBUS_PAGE;
		if (count && (uint8_t *)iov[count - 1].iov_base + iov[count - 1].iov_len == page) {
			iov[count - 1].iov_len += length;
		} else {
			if (count == max)
				return -E2BIG;
			iov[count++] = (struct iovec){ .iov_base = page, .iov_len = length };
		}
		at += length;
		bytes -= length;
	}
	return (int)count;
}

/* One allocation: the ranges, then their page numbers. */
struct vmbus_range *vmbus_ranges_copy(const struct vmbus_packet *p)
{
	size_t pages = 0;
	struct vmbus_range *copy;
	uint64_t *pfns;

	for (unsigned int i = 0; i < p->range_count; i++)
		pages += range_page_count(&p->ranges[i]);
	copy = malloc(p->range_count * sizeof(*copy) + pages * sizeof(*pfns) + 1);
	if (!copy)
		return NULL;
	pfns = (uint64_t *)(void *)(copy + p->range_count);
	for (unsigned int i = 0; i < p->range_count; i++) {
		size_t count = range_page_count(&p->ranges[i]);

		copy[i] = p->ranges[i];
		copy[i].pfns = pfns;
		memcpy(pfns, p->ranges[i].pfns, count * sizeof(*pfns));
		pfns += count;
	}
	return copy;
}
