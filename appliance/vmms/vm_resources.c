/* SPDX-License-Identifier: Apache-2.0 */
/* The processor and memory sections of a VM's configuration, from and to JSON. */
#include "vm_resources.h"

#include "vm_config.h"

#include <inttypes.h>
#include <stdio.h>

#define WEIGHT_MAX		10000u
#define MEMORY_DEFAULT_MINIMUM	(512ull << 20)
#define MEMORY_BUFFER_MIN	5u		/* percent */
#define MEMORY_BUFFER_MAX	2000u

/* --- processor --- */

static bool lp_set_has(const struct lp_set *s, unsigned int lp)
{
	return lp < LPS_MAX && s->bits[lp / 64] >> (lp % 64) & 1;
}

bool lp_set_is_empty(const struct lp_set *s)
{
	for (unsigned int lp = 0; lp < LPS_MAX; lp++)
		if (lp_set_has(s, lp))
			return false;
	return true;
}

void lp_set_to_list(const struct lp_set *s, char *text, size_t size)
{
	size_t used = 0;

	text[0] = 0;
	for (unsigned int lp = 0, end; lp < LPS_MAX && used < size; lp = end + 1) {
		for (end = lp; lp_set_has(s, end); end++)
			;
		if (end == lp)
			continue;
		used += (size_t)snprintf(text + used, size - used, end == lp + 1 ? "%s%u" : "%s%u-%u", used ? "," : "", lp, end - 1);
	}
}

/* Numbers below those of this host; one that is named twice is meant once. */
static void parse_pins(struct fields *f, const struct vm_limits *limits, struct lp_set *pins)
{
	const json_t *list = field_array(f, "pinnedProcessors", LPS_MAX), *value;
	uint64_t most = limits && limits->vps < LPS_MAX ? limits->vps : LPS_MAX;
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)list, index, value) {
		json_int_t lp = json_is_integer(value) ? json_integer_value(value) : -1;

		if (lp < 0 || (uint64_t)lp >= most) {
			problem_set(f->problem, PROBLEM_OUT_OF_RANGE, "processor.pinnedProcessors",
				    "processor.pinnedProcessors has numbers of logical processors, 0 to %" PRIu64 ".", most - 1);
			return;
		}
		pins->bits[lp / 64] |= 1ull << (lp % 64);
	}
}

static json_t *pins_to_json(const struct lp_set *pins)
{
	json_t *list = json_array();

	for (unsigned int lp = 0; lp < LPS_MAX; lp++)
		if (lp_set_has(pins, lp))
			json_array_append_new(list, json_integer(lp));
	return list;
}

void processor_parse(struct fields *parent, const struct vm_limits *limits, struct vm_processor *p)
{
	struct problem *problem = parent->problem;
	struct fields f;

	*p = (struct vm_processor){ .weight = 100, .limit_percent = 100 };
	fields_begin(&f, field_object(parent, "processor", REQUIRED), "processor", problem);
	field_u64(&f, "count", REQUIRED, 1, VM_VPS_MAX, &p->count);
	field_u64(&f, "weight", OPTIONAL, 1, WEIGHT_MAX, &p->weight);
	field_u64(&f, "limitPercent", OPTIONAL, 1, 100, &p->limit_percent);
	field_u64(&f, "reservePercent", OPTIONAL, 0, 100, &p->reserve_percent);
	field_bool(&f, "overcommit", &p->overcommit);
	field_bool(&f, "shareCores", &p->share_cores);
	parse_pins(&f, limits, &p->pins);
	if (fields_end(&f) < 0)
		return;
	if (p->reserve_percent > p->limit_percent)
		problem_set(problem, PROBLEM_OUT_OF_RANGE, "processor.reservePercent",
			    "processor.reservePercent is %" PRIu64 "; the limit is %" PRIu64 " percent.",
			    p->reserve_percent, p->limit_percent);
	else if (limits && p->count > limits->vps && !p->overcommit)
		problem_set(problem, PROBLEM_OUT_OF_RANGE, "processor.count",
			    "processor.count is %" PRIu64 "; this host has %" PRIu64
			    " logical processors (processor.overcommit allows more).",
			    p->count, limits->vps);
}

json_t *processor_to_json(const struct vm_processor *p)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:I}", "count", (json_int_t)p->count, "weight", (json_int_t)p->weight,
			      "limitPercent", (json_int_t)p->limit_percent, "reservePercent",
			      (json_int_t)p->reserve_percent);

	if (p->overcommit)
		json_object_set_new(o, "overcommit", json_true());
	if (p->share_cores)
		json_object_set_new(o, "shareCores", json_true());
	if (!lp_set_is_empty(&p->pins))
		json_object_set_new(o, "pinnedProcessors", pins_to_json(&p->pins));
	return o;
}

/* --- memory --- */

static void check_step(uint64_t bytes, const char *field, struct problem *p)
{
	if (bytes % VM_MEMORY_STEP != 0)
		problem_set(p, PROBLEM_OUT_OF_RANGE, field, "%s is %" PRIu64 "; it must be a multiple of %llu (2 MiB).",
			    field, bytes, VM_MEMORY_STEP);
}

/* Of a static VM the limits mean nothing yet; they follow its size, so that dynamic memory can be turned on later. */
static void order_limits(struct vm_memory *m, struct problem *p)
{
	if (!m->dynamic) {
		m->minimum = m->minimum < m->startup ? m->minimum : m->startup;
		m->maximum = m->maximum > m->startup ? m->maximum : m->startup;
	} else if (m->minimum > m->startup) {
		problem_set(p, PROBLEM_OUT_OF_RANGE, "memory.minimumBytes",
			    "memory.minimumBytes is %" PRIu64 "; it must not exceed startupBytes, %" PRIu64 ".", m->minimum,
			    m->startup);
	} else if (m->maximum < m->startup) {
		problem_set(p, PROBLEM_OUT_OF_RANGE, "memory.maximumBytes",
			    "memory.maximumBytes is %" PRIu64 "; it must not be below startupBytes, %" PRIu64 ".", m->maximum,
			    m->startup);
	}
}

void memory_parse(struct fields *parent, const struct vm_limits *limits, struct vm_memory *m)
{
	struct problem *problem = parent->problem;
	struct fields f;

	*m = (struct vm_memory){ .buffer_percent = 20, .weight = 5000 };
	fields_begin(&f, field_object(parent, "memory", REQUIRED), "memory", problem);
	field_u64(&f, "startupBytes", REQUIRED, VM_MEMORY_MIN, VM_MEMORY_MAX, &m->startup);
	m->minimum = m->startup < MEMORY_DEFAULT_MINIMUM ? m->startup : MEMORY_DEFAULT_MINIMUM;
	m->maximum = limits && limits->memory_bytes > m->startup ? limits->memory_bytes / VM_MEMORY_STEP * VM_MEMORY_STEP : m->startup;
	field_bool(&f, "dynamic", &m->dynamic);
	field_u64(&f, "minimumBytes", OPTIONAL, VM_MEMORY_MIN, VM_MEMORY_MAX, &m->minimum);
	field_u64(&f, "maximumBytes", OPTIONAL, VM_MEMORY_MIN, VM_MEMORY_MAX, &m->maximum);
	field_u64(&f, "bufferPercent", OPTIONAL, MEMORY_BUFFER_MIN, MEMORY_BUFFER_MAX, &m->buffer_percent);
	field_u64(&f, "weight", OPTIONAL, 1, WEIGHT_MAX, &m->weight);
	field_id(&f, "smartPagingVolumeId", OPTIONAL, m->paging_volume);
	if (fields_end(&f) < 0)
		return;
	check_step(m->startup, "memory.startupBytes", problem);
	check_step(m->minimum, "memory.minimumBytes", problem);
	check_step(m->maximum, "memory.maximumBytes", problem);
	if (problem->code == PROBLEM_NONE && limits && m->startup > limits->memory_bytes)
		problem_set(problem, PROBLEM_OUT_OF_RANGE, "memory.startupBytes",
			    "memory.startupBytes is %" PRIu64 "; this host has %" PRIu64 " bytes of memory.", m->startup,
			    limits->memory_bytes);
	if (problem->code == PROBLEM_NONE)
		order_limits(m, problem);
}

json_t *memory_to_json(const struct vm_memory *m)
{
	json_t *o = json_pack("{s:I, s:b, s:I, s:I, s:I, s:I}", "startupBytes", (json_int_t)m->startup, "dynamic", m->dynamic,
			      "minimumBytes", (json_int_t)m->minimum, "maximumBytes", (json_int_t)m->maximum, "bufferPercent",
			      (json_int_t)m->buffer_percent, "weight", (json_int_t)m->weight);

	if (m->paging_volume[0])
		json_object_set_new(o, "smartPagingVolumeId", json_string(m->paging_volume));
	return o;
}
