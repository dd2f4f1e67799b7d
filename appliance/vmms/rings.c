/* SPDX-License-Identifier: Apache-2.0 */
/* See rings.h. A ring keeps the mean of each step that is over; the step under way is a sum and a count per metric. */
#include "rings.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const metric_names[METRICS] = {
	[METRIC_CPU] = "cpuPercent", [METRIC_ASSIGNED] = "memoryAssignedBytes", [METRIC_DEMAND] = "memoryDemandBytes",
	[METRIC_AVAILABLE] = "memoryAvailableBytes", [METRIC_DISK_READ_BYTES] = "diskReadBytesPerSecond",
	[METRIC_DISK_WRITE_BYTES] = "diskWriteBytesPerSecond", [METRIC_DISK_READS] = "diskReadsPerSecond",
	[METRIC_DISK_WRITES] = "diskWritesPerSecond", [METRIC_NET_RECEIVE_BYTES] = "networkReceiveBytesPerSecond",
	[METRIC_NET_SEND_BYTES] = "networkSendBytesPerSecond", [METRIC_NET_RECEIVE_FRAMES] = "networkReceiveFramesPerSecond",
	[METRIC_NET_SEND_FRAMES] = "networkSendFramesPerSecond",
};
const char *const range_names[RANGES + 1] = { "minutes", "hour", "day", NULL };

#define SLOTS_MAX	288u
#define RECENT_SECONDS	10u
static const struct { uint32_t step, slots; } shapes[RANGES] = { { 2, 150 }, { 20, 180 }, { 300, SLOTS_MAX } };

struct ring {
	float *values;			/* slots × METRICS; slot n of time is at n modulo slots */
	uint64_t slot;			/* the one under way; 0: none yet */
	double sum[METRICS];
	uint32_t count[METRICS];
};

struct rings { struct ring ring[RANGES]; };

static float *place(const struct ring *r, enum rings_range range, uint64_t slot)
{
	return r->values + slot % shapes[range].slots * METRICS;
}

struct rings *rings_new(void)
{
	struct rings *r = calloc(1, sizeof(*r));
	bool whole = r != NULL;

	for (unsigned int i = 0; r && i < RANGES; i++) {
		size_t values = (size_t)shapes[i].slots * METRICS;

		r->ring[i].values = malloc(values * sizeof(float));
		whole = whole && r->ring[i].values;
		for (size_t n = 0; r->ring[i].values && n < values; n++)
			r->ring[i].values[n] = NAN;
	}
	if (whole)
		return r;
	rings_free(r);
	return NULL;
}

void rings_free(struct rings *r)
{
	for (unsigned int i = 0; r && i < RANGES; i++)
		free(r->ring[i].values);
	free(r);
}

/* --- as bytes: a line that says which metrics these are, then ring after ring --- */

#define PACKED_VERSION	"partita rings 1"

struct packed_ring { uint64_t slot; double sum[METRICS]; uint32_t count[METRICS]; };	/* and its values follow */

static size_t values_size(enum rings_range range)
{
	return (size_t)shapes[range].slots * METRICS * sizeof(float);
}

static void packed_head(char head[64])
{
	memset(head, 0, 64);
	snprintf(head, 64, PACKED_VERSION " %u", METRICS);
	for (unsigned int i = 0; i < RANGES; i++)
		snprintf(head + strlen(head), 64 - strlen(head), " %ux%u", shapes[i].slots, shapes[i].step);
}

size_t rings_size(void)
{
	size_t size = 64;

	for (unsigned int i = 0; i < RANGES; i++)
		size += sizeof(struct packed_ring) + values_size(i);
	return size;
}

void rings_pack(const struct rings *r, void *bytes)
{
	uint8_t *to = bytes;

	packed_head(bytes);
	to += 64;
	for (unsigned int i = 0; i < RANGES; i++) {
		struct packed_ring p = { .slot = r->ring[i].slot };

		memcpy(p.sum, r->ring[i].sum, sizeof(p.sum));
		memcpy(p.count, r->ring[i].count, sizeof(p.count));
		memcpy(to, &p, sizeof(p));
		memcpy(to + sizeof(p), r->ring[i].values, values_size(i));
		to += sizeof(p) + values_size(i);
	}
}

struct rings *rings_unpack(const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	struct rings *r = NULL;
	char head[64];

	packed_head(head);
	if (size == rings_size() && memcmp(bytes, head, sizeof(head)) == 0)
		r = rings_new();
	from += 64;
	for (unsigned int i = 0; r && i < RANGES; i++) {
		struct packed_ring p;

		memcpy(&p, from, sizeof(p));
		r->ring[i].slot = p.slot;
		memcpy(r->ring[i].sum, p.sum, sizeof(p.sum));
		memcpy(r->ring[i].count, p.count, sizeof(p.count));
		memcpy(r->ring[i].values, from + sizeof(p), values_size(i));
		from += sizeof(p) + values_size(i);
	}
	return r;
}

static void finish_slot(struct ring *r, enum rings_range range)
{
	float *to = place(r, range, r->slot);

	for (unsigned int m = 0; m < METRICS; m++)
		to[m] = r->count[m] ? (float)(r->sum[m] / r->count[m]) : NAN;
	memset(r->sum, 0, sizeof(r->sum));
	memset(r->count, 0, sizeof(r->count));
}

/* Steps in which nothing came are unknown, also those that an older lap has left. */
static void advance(struct ring *r, enum rings_range range, uint64_t slot)
{
	uint64_t from = r->slot + 1;

	if (r->slot)
		finish_slot(r, range);
	if (from + shapes[range].slots < slot)
		from = slot - shapes[range].slots;
	for (; r->slot && from <= slot; from++)
		for (unsigned int m = 0; m < METRICS; m++)
			place(r, range, from)[m] = NAN;
	r->slot = slot;
}

void rings_add(struct rings *rings, uint64_t now, const float values[METRICS])
{
	for (unsigned int range = 0; range < RANGES; range++) {
		struct ring *r = &rings->ring[range];

		if (now / shapes[range].step > r->slot)
			advance(r, range, now / shapes[range].step);
		for (unsigned int m = 0; m < METRICS; m++)
			if (!isnan(values[m])) {
				r->sum[m] += (double)values[m];
				r->count[m]++;
			}
	}
}

static float value_at(const struct ring *r, enum rings_range range, uint64_t slot, enum metric metric)
{
	bool kept = r->slot && slot < r->slot && slot + shapes[range].slots > r->slot;

	return kept ? place(r, range, slot)[metric] : NAN;
}

float rings_last(const struct rings *rings, uint64_t now, enum metric metric)
{
	const struct ring *r = rings ? &rings->ring[RANGE_MINUTES] : NULL;

	if (!r || !r->slot || now > r->slot * shapes[RANGE_MINUTES].step + RECENT_SECONDS)
		return NAN;
	return value_at(r, RANGE_MINUTES, r->slot - 1, metric);
}

/* Not below zero; two decimals are enough for small ones. */
json_t *metric_to_json(float value)
{
	if (isnan(value))
		return json_null();
	if (value >= 1000 || value == (float)(int)value)
		return json_integer((json_int_t)value);
	return json_real((double)(int)(value * 100 + 0.5f) / 100);
}

json_t *rings_to_json(const struct rings *rings, enum rings_range range, uint64_t now, uint64_t *end)
{
	json_t *series = json_object();
	uint64_t last = now / shapes[range].step;	/* not included: it is not over */

	for (unsigned int m = 0; m < METRICS; m++) {
		json_t *list = json_array();

		for (uint64_t n = shapes[range].slots - 1; n > 0; n--)
			json_array_append_new(list, metric_to_json(rings && last >= n ? value_at(&rings->ring[range], range, last - n, m) : NAN));
		json_object_set_new(series, metric_names[m], list);
	}
	*end = last * shapes[range].step;
	return json_pack("{s:i, s:o}", "stepSeconds", (int)shapes[range].step, "series", series);
}
