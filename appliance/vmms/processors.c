/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weight, limit and reserve of running VMs as control group settings. A group knows only weight and quota, so a reserve becomes a
 * weight: each VM's entitlement when all are busy (entitlement.c) is the group's weight.
 */
#include "processors.h"

#include "partita/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LPS_LIST_SIZE	2048u		/* the longest, "0,2,4,…,510", has some 1,000 characters */
#define USAGE_EVERY	15u		/* rounds: the kernel adds up a lot for it */

uint64_t processors_reserved_percent(const struct vmms *v, const struct vm *but)
{
	uint64_t sum = 0;

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		if (vm->worker.present && vm != but)
			sum += vm->config.processor.count * vm->config.processor.reserve_percent;
	return sum;
}

/* The VM may have ended meanwhile, or have been deleted: nothing here looks at it. */
static void on_set(struct ipc_message *m, int result, bool continues, void *data)
{
	const char *code = m ? json_string_value(json_object_get(m->body, "error")) : NULL;

	(void)continues;
	(void)data;
	if (result < 0 && !(code && strcmp(code, "worker_not_running") == 0))
		log_warning("processor weights and limits do not hold: %s", code ? code : strerror(-result));
}

static void apply(struct vm *vm, const struct cpu_share *share)
{
	struct worker *w = &vm->worker;
	const struct lp_set *pins = &vm->config.processor.pins;
	bool moved = memcmp(&w->pins, pins, sizeof(*pins)) != 0;
	char cpus[LPS_LIST_SIZE];

	if (w->cpu.weight == share->weight && w->cpu.quota_usec == share->quota_usec && !moved)
		return;
	lp_set_to_list(pins, cpus, sizeof(cpus));
	if (priv_call(vm->vmms, "vmpriv.SetProcessor",
		      json_pack("{s:s, s:i, s:I, s:s*}", "id", vm->id, "weight", (int)share->weight, "quotaUsec",
				(json_int_t)share->quota_usec, "cpus", moved ? cpus : NULL),
		      NULL, 0, on_set, NULL) < 0)
		return;
	w->cpu = *share;
	w->pins = *pins;
}

/* --- what they really take --- */

static void note_usage(struct vm *vm, const json_t *row)
{
	const struct { const char *key; uint64_t *to; } members[] = {
		{ "guestBytes", &vm->worker.usage.guest_bytes }, { "largePageBytes", &vm->worker.usage.large_page_bytes },
		{ "workerBytes", &vm->worker.usage.worker_bytes }, { "kernelBytes", &vm->worker.usage.kernel_bytes },
	};
	const json_t *nodes;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		*members[i].to = (uint64_t)json_integer_value(json_object_get(row, members[i].key));
	nodes = json_object_get(row, "nodeBytes");
	vm->worker.usage.nodes = (unsigned int)(json_array_size(nodes) < NODES_MAX ? json_array_size(nodes) : NODES_MAX);
	for (size_t i = 0; i < vm->worker.usage.nodes; i++)
		vm->worker.usage.node_bytes[i] = (uint64_t)json_integer_value(json_array_get(nodes, i));
}

static void on_usage(struct ipc_message *m, int result, bool continues, void *data)
{
	const json_t *list = result == 0 ? json_object_get(m->body, "workers") : NULL, *row;
	size_t index;

	(void)continues;
	json_array_foreach((json_t *)(uintptr_t)list, index, row) {
		const char *id = json_string_value(json_object_get(row, "id"));
		struct vm *vm = id ? vm_find(data, id) : NULL;

		if (vm && vm->worker.present)
			note_usage(vm, row);
	}
}

void processors_usage_round(struct vmms *v)
{
	bool any = false;

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		any = any || vm->worker.started;
	if (any && v->usage_rounds++ % USAGE_EVERY == 0)
		(void)priv_call(v, "vmpriv.GetUsage", NULL, NULL, 0, on_usage, v);
}

void processors_apply(struct vmms *v)
{
	const struct vm_processor *processors[VMS_MAX] = { NULL };
	struct cpu_share shares[VMS_MAX];
	struct vm *vms[VMS_MAX];
	struct vm_limits limits;
	size_t count = 0;

	if (!v->priv)
		return;
	host_limits(&limits);
	for (struct vm *vm = v->vms; vm && count < VMS_MAX; vm = vm->next)
		if (vm->worker.started) {
			processors[count] = &vm->config.processor;
			vms[count++] = vm;
		}
	processors_entitle(processors, count, limits.vps, shares);
	for (size_t i = 0; i < count; i++)
		apply(vms[i], &shares[i]);
}
