/* SPDX-License-Identifier: Apache-2.0 */
/* Series of samples in steps of 2 s, 20 s and 5 min, oldest dropped. Pure: the caller says what time it is. */
#ifndef VMMS_RINGS_H
#define VMMS_RINGS_H

#include <jansson.h>
#include <stdint.h>

enum metric {
	METRIC_CPU, METRIC_ASSIGNED, METRIC_DEMAND, METRIC_AVAILABLE, METRIC_DISK_READ_BYTES, METRIC_DISK_WRITE_BYTES, METRIC_DISK_READS,
	METRIC_DISK_WRITES, METRIC_NET_RECEIVE_BYTES, METRIC_NET_SEND_BYTES, METRIC_NET_RECEIVE_FRAMES, METRIC_NET_SEND_FRAMES, METRICS
};
extern const char *const metric_names[METRICS];		/* as in the API */
enum rings_range { RANGE_MINUTES, RANGE_HOUR, RANGE_DAY, RANGES };
extern const char *const range_names[RANGES + 1];

json_t *metric_to_json(float value);			/* NAN: null */

struct rings;
struct rings *rings_new(void);				/* NULL: no memory */
void rings_free(struct rings *r);			/* accepts NULL */
/* As bytes for the next service of this boot, whose seconds go on: rings_size() of them. Unpacking: NULL when they are another version's. */
size_t rings_size(void);
void rings_pack(const struct rings *r, void *bytes);
struct rings *rings_unpack(const void *bytes, size_t size);
/* NAN: not known. Times grow; what lies between two samples stays unknown. */
void rings_add(struct rings *r, uint64_t now_seconds, const float values[METRICS]);
float rings_last(const struct rings *r, uint64_t now_seconds, enum metric metric);	/* of the newest step, if it is not long ago; NAN */
/* {stepSeconds, series}, and the second at which the newest step ended. r may be NULL: all unknown. */
json_t *rings_to_json(const struct rings *r, enum rings_range range, uint64_t now_seconds, uint64_t *end_seconds);

#endif
