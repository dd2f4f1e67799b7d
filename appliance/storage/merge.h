/* SPDX-License-Identifier: Apache-2.0 */
/* What merging a disk that nobody uses (merge.c) and one that is in use (live_merge.c) have in common. */
#ifndef STORAGE_MERGE_H
#define STORAGE_MERGE_H

#include "storage/manage.h"

#define MERGE_BYTES	(1u << 20)	/* of the buffer */

/* What the child has from `offset` to `end` goes to its parent, data and zeros; total progress is the child's size. */
int merge_span(struct disk *child, struct disk *parent, uint64_t offset, uint64_t end, uint8_t *buffer, const struct disk_progress *p);

int disk_map_within(struct disk *d, uint64_t offset, uint64_t end, struct disk_range *out);	/* map.c; as disk_map(), and not beyond `end` */

#endif
