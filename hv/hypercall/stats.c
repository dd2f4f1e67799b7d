/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics pages (hv-abi.md 6.6): pages that the root deposited for itself, shown to it while they are mapped. Nothing hv
 * decides ever comes from one. There are no "parent" areas: the driver then reads the object's own.
 */
#include <abi/hv_status.h>
#include <abi/hv_types.h>
#include <hv/hypercall.h>
#include <hv/lp.h>
#include <hv/partition.h>
#include <hv/stats.h>
#include <hv/string.h>
#include <hv/vp.h>

/* Linux: drivers/hv/mshv_debugfs_counters.c */
#define HYPERVISOR_LPS		1	/* Linux sizes its tables by it */
#define HYPERVISOR_PARTITIONS	2
#define LP_ROOT_VP_INDEX	19
#define PARTITION_VPS		1
#define PARTITION_DEPOSITED	5
#define PARTITION_LEAVES	10	/* 4 KiB, 2 MiB, 1 GiB */
#define PARTITION_ID		26
#define PARTITION_SPLIT		31
#define PARTITION_MERGED	32

static bool object_is_known(const struct hv_in_map_stats_page *in)
{
	return (in->type == HV_STATS_HYPERVISOR || in->type == HV_STATS_LOGICAL_PROCESSOR || in->type == HV_STATS_PARTITION ||
		in->type == HV_STATS_VP) && !in->identity.area;
}

/* What the page is of. A child's VP is locked with its partition until object_put(); the root's VPs never go away. */
struct object { struct partition *partition; struct vp *vp; bool locked; };

static hv_status_t object_get(struct vp *caller, const struct hv_in_map_stats_page *in, struct object *o)
{
	bool in_partition = in->type == HV_STATS_PARTITION || in->type == HV_STATS_VP;
	hv_status_t status = partition_get_or_self(caller, in_partition ? in->identity.id : HV_PARTITION_ROOT, &o->partition);

	if (status != HV_STATUS_SUCCESS || in->type != HV_STATS_VP)
		return status;
	o->locked = !partition_is_root(o->partition);
	if (o->locked)
		spin_lock(&o->partition->lock);
	o->vp = partition_vp(o->partition, in->identity.vp_index);
	return o->vp ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_VP_INDEX;
}

static void object_put(struct object *o)
{
	if (o->locked)
		spin_unlock(&o->partition->lock);
	if (o->partition)
		partition_put(o->partition);
}

static struct stats_record *record_find(uint32_t type, const struct hv_stats_identity *identity)
{
	struct stats_record *r = NULL;

	while ((r = records_next(&root_partition.stats_pages, r)))
		if (r->type == type && !memcmp(&r->identity, identity, sizeof(*identity)))
			return r;
	return NULL;
}

static uint64_t *counters_of(const struct stats_record *r)
{
	return spa_to_virt((spa_t){ r->page });
}

static struct stats_record *record_create(const struct hv_in_map_stats_page *in)
{
	struct stats_record *r = records_add(&root_partition.stats_pages, &root_partition.pool);
	uint64_t *page = r ? pool_alloc_page(&root_deposits) : NULL;

	if (!page)
		return NULL;
	if (in->type == HV_STATS_HYPERVISOR)
		page[HYPERVISOR_LPS] = lp_count;
	if (in->type == HV_STATS_LOGICAL_PROCESSOR)
		page[LP_ROOT_VP_INDEX] = in->identity.id;
	*r = (struct stats_record){ .used = 1, .type = in->type, .identity = in->identity, .page = virt_to_spa(page).addr };
	return r;
}

static uint64_t *map_object(const struct hv_in_map_stats_page *in)
{
	struct stats_record *r;

	spin_lock(&root_partition.lock);
	r = record_find(in->type, &in->identity);
	if (!r)
		r = record_create(in);
	if (r)
		r->used++;
	spin_unlock(&root_partition.lock);
	return r ? counters_of(r) : NULL;
}

/* From now on the VP counts in the page. One that runs elsewhere may lose a count. */
static void count_in(struct vp *vp, uint64_t *page)
{
	if (vp->stats == page)
		return;
	memcpy(page, vp->stats, VP_COUNTERS * sizeof(*page));
	__atomic_store_n(&vp->stats, page, __ATOMIC_SEQ_CST);
}

static void count_partition_in(struct partition *p, uint64_t *page)
{
	spin_lock(&p->lock);
	p->stats = page;
	if (page)
		stats_partition_changed(p);
	spin_unlock(&p->lock);
}

hv_status_t hc_map_stats_page(struct hc_call *call)
{
	const struct hv_in_map_stats_page *in = hc_in(call, struct hv_in_map_stats_page);
	struct object object = { .locked = false };
	uint64_t *page = NULL;
	hv_status_t status;

	if (!object_is_known(in))
		return HV_STATUS_INVALID_PARAMETER;
	status = object_get(call->caller, in, &object);
	if (status == HV_STATUS_SUCCESS)
		page = map_object(in);
	if (object.vp && page)
		count_in(object.vp, page);
	if (in->type == HV_STATS_PARTITION && page)
		count_partition_in(object.partition, page);
	object_put(&object);
	if (!page)
		return status == HV_STATUS_SUCCESS ? HV_STATUS_INSUFFICIENT_MEMORY : status;
	stats_hypervisor_changed();
	hc_out(call, struct hv_out_page)->gpfn = virt_to_spa(page).addr >> PAGE_SHIFT;
	return root_page_show(page);
}

/* The page of a root VP stays where that VP counts: it may be counting just now, on another LP. */
static bool may_take_page(struct vp *vp)
{
	if (!vp)
		return true;
	if (partition_is_root(vp->partition))
		return false;
	memcpy(vp->own_stats, vp->stats, sizeof(vp->own_stats));
	vp->stats = vp->own_stats;
	return true;
}

hv_status_t hc_unmap_stats_page(struct hc_call *call)
{
	const struct hv_in_map_stats_page *in = hc_in(call, struct hv_in_map_stats_page);
	struct object object = { .locked = false };
	struct stats_record *r;
	void *page = NULL;

	object_get(call->caller, in, &object);		/* if it is still there: its page outlives it */
	if (object.locked && object.vp && object.vp->running) {
		object_put(&object);
		return HV_STATUS_INVALID_VP_STATE;
	}
	spin_lock(&root_partition.lock);
	r = record_find(in->type, &in->identity);
	if (r && r->used > 1 && --r->used == 1 && may_take_page(object.vp)) {
		page = counters_of(r);
		r->used = 0;
	}
	spin_unlock(&root_partition.lock);
	if (page && in->type == HV_STATS_PARTITION && object.partition)
		count_partition_in(object.partition, NULL);
	object_put(&object);
	root_page_hide(page, &root_deposits);
	return r ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PARAMETER;
}

void stats_hypervisor_changed(void)
{
	struct stats_record *r;

	spin_lock(&root_partition.lock);
	r = record_find(HV_STATS_HYPERVISOR, &(struct hv_stats_identity){ 0 });
	if (r)
		counters_of(r)[HYPERVISOR_PARTITIONS] = partition_count();
	spin_unlock(&root_partition.lock);
}

void stats_gpa_changed(struct partition *p)
{
	if (!p->stats)
		return;
	memcpy(&p->stats[PARTITION_LEAVES], &p->gpa.leaves[1], 3 * sizeof(uint64_t));
	p->stats[PARTITION_SPLIT] = p->gpa.split;
	p->stats[PARTITION_MERGED] = p->gpa.merged;
}

void stats_partition_changed(struct partition *p)
{
	uint64_t vps = 0;

	if (!p->stats)
		return;
	for (uint32_t i = 0; i < HV_MAX_VPS; i++)
		vps += p->vps[i] != NULL;
	p->stats[PARTITION_ID] = p->id;
	p->stats[PARTITION_VPS] = vps;
	p->stats[PARTITION_DEPOSITED] = partition_is_root(p) ? root_deposits.total_pages : p->pool.total_pages;
	stats_gpa_changed(p);
}
