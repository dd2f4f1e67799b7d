/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of guest memory read as one stream (net_adapter.h). What is judged is copied first: the guest changes it at will. */
#include "vmwp/vsp/net_adapter.h"

#include <errno.h>
#include <string.h>

int net_gather_slice(const struct net_gather *g, size_t offset, size_t size, struct iovec *iov, unsigned int max)
{
	unsigned int count = 0;

	if (offset > g->bytes || size > g->bytes - offset)
		return -ERANGE;
	for (unsigned int i = 0; i < g->count && size > 0; i++) {
		size_t part = g->iov[i].iov_len;

		if (offset >= part) {
			offset -= part;
			continue;
		}
		part -= offset;
		if (part > size)
			part = size;
		if (count == max)
			return -E2BIG;
		iov[count++] = (struct iovec){ (uint8_t *)g->iov[i].iov_base + offset, part };
		size -= part;
		offset = 0;
	}
	return size == 0 ? (int)count : -ERANGE;
}

bool net_gather_copy(const struct net_gather *g, size_t offset, void *to, size_t size)
{
	struct iovec iov[NET_IOV_MAX];
	int n = net_gather_slice(g, offset, size, iov, NET_IOV_MAX);
	uint8_t *at = to;

	for (int i = 0; i < n; i++) {
		memcpy(at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	return n >= 0;
}
