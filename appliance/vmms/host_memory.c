/* SPDX-License-Identifier: Apache-2.0 */
/* See host_memory.h. The reserve is kept in memory.json of the state directory; without the file it is computed. */
#include "host_memory.h"

#include "fields.h"
#include "memory.h"
#include "partita/file.h"
#include "partita/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME	"memory.json"
#define FILE_MAX	4096
#define RESERVE_MIN	(128ull << 20)
#define RESERVE_BASE	(256ull << 20)		/* what the root partition takes by itself */
#define LARGE_HOST	(4ull << 30)		/* beyond it, a 64th: page tables, caches, buffers of more guests */

uint64_t host_memory_reserve_computed(uint64_t total)
{
	return RESERVE_BASE + (total > LARGE_HOST ? (total - LARGE_HOST) / 64 : 0);
}

uint64_t host_memory_reserve(const struct vmms *v, uint64_t total)
{
	return v->memory_reserve ? v->memory_reserve : host_memory_reserve_computed(total);
}

int host_memory_open(struct vmms *v)
{
	json_t *o = NULL;
	int r = file_read_json(v->state_dir, FILE_NAME, FILE_MAX, &o);
	json_int_t reserve = json_integer_value(json_object_get(o, "reserveBytes"));

	v->memory_revision = (uint64_t)json_integer_value(json_object_get(o, "revision"));
	if (r == 0 && reserve >= (json_int_t)RESERVE_MIN)
		v->memory_reserve = (uint64_t)reserve;
	else if (r < 0 && r != -ENOENT)
		log_error("%s: %s; the reserve is computed", FILE_NAME, strerror(-r));
	json_decref(o);
	return 0;
}

static int reserve_save(const struct vmms *v, uint64_t reserve, uint64_t revision)
{
	json_t *o = json_pack("{s:i, s:I, s:I}", "formatVersion", 1, "revision", (json_int_t)revision, "reserveBytes", (json_int_t)reserve);
	int r = o ? file_write_json(v->state_dir, FILE_NAME, o, 0600) : -ENOMEM;

	json_decref(o);
	return r;
}

static int patch_parse(const json_t *patch, uint64_t total, uint64_t *reserve, struct problem *p)
{
	struct fields f;

	fields_begin(&f, patch, "", p);
	if (json_is_null(json_object_get(patch, "reserveBytes")) && field_is_present(&f, "reserveBytes"))
		*reserve = 0;
	else
		field_u64(&f, "reserveBytes", OPTIONAL, RESERVE_MIN, total / 4 * 3, reserve);
	return fields_end(&f);
}

int host_memory_patch(struct vmms *v, const json_t *patch, struct problem *p)
{
	uint64_t reserve = v->memory_reserve;
	struct vm_limits limits;
	int r;

	host_limits(&limits);
	if (patch_parse(patch, limits.memory_bytes, &reserve, p) < 0)
		return -EINVAL;
	if (reserve == v->memory_reserve)
		return 0;
	r = reserve_save(v, reserve, v->memory_revision + 1);
	if (r < 0)
		return problem_from_errno(p, r, "The reserve could not be stored");
	v->memory_reserve = reserve;
	v->memory_revision++;
	event_add(v, "host.updated", SEVERITY_INFO, object_ref("host", NULL, "host"), NULL,
		  "The memory kept for the root partition is now %" PRIu64 " MiB%s.", host_memory_reserve(v, limits.memory_bytes) >> 20,
		  reserve ? "" : ", as computed");
	return 0;
}

/* --- who holds what --- */

static json_t *holder_to_json(const struct vm *vm)
{
	const struct vm_memory *c = &vm->config.memory;
	json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:I}", "id", vm->id, "name", vm_name(vm), "minimumBytes",
			      (json_int_t)(c->dynamic ? c->minimum : memory_held(vm)), "maximumBytes",
			      (json_int_t)(c->dynamic ? c->maximum : memory_held(vm)), "couldGiveBytes", (json_int_t)memory_could_give(vm),
			      "dynamic", c->dynamic, "weight", (json_int_t)c->weight);

	memory_add_to_json(vm, o);
	json_object_set_new(o, "assignedBytes", json_integer((json_int_t)memory_held(vm)));
	json_object_del(o, "availableBytes");
	json_object_set_new(o, "workerBytes", json_integer((json_int_t)(vm->worker.usage.worker_bytes + vm->worker.usage.kernel_bytes)));
	return o;
}

static int by_size(const void *a, const void *b)
{
	const struct vm *const *x = a, *const *y = b;
	uint64_t left = memory_held(*x), right = memory_held(*y);

	return left < right ? 1 : left > right ? -1 : strcmp((*x)->id, (*y)->id);
}

static json_t *holders_to_json(const struct vmms *v)
{
	const struct vm *vms[VMS_MAX];
	json_t *list = json_array();
	size_t count = 0;

	for (const struct vm *vm = v->vms; vm && count < VMS_MAX; vm = vm->next)
		if (memory_held(vm) > 0)
			vms[count++] = vm;
	qsort(vms, count, sizeof(vms[0]), by_size);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, holder_to_json(vms[i]));
	return list;
}

json_t *host_memory_to_json(const struct vmms *v)
{
	struct host_memory m;
	char etag[24];

	host_memory_survey(v, &m);
	snprintf(etag, sizeof(etag), "%" PRIu64, v->memory_revision);
	return json_pack("{s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:o, s:s}", "totalBytes", (json_int_t)m.total, "reserveBytes",
			 (json_int_t)m.reserve, "reserveIsComputed", v->memory_reserve == 0, "overheadBytes",
			 (json_int_t)(m.vms * HOST_MEMORY_PER_VM), "assignedBytes", (json_int_t)m.assigned, "demandBytes",
			 (json_int_t)memory_demand(v), "availableBytes", (json_int_t)host_memory_left(&m), "holders", holders_to_json(v),
			 "etag", etag);
}
