/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics pages (hv-abi.md 6.6): pages that the root deposited for itself, shown to it while they are mapped. Nothing hv
 * decides ever comes from one. There are no "parent" areas: the driver then reads the object's own.
 */
#include <abi/hv_status.h>
#include <abi/hv_types.h>
#include <hv/hypercall.h>
#include <hv/hypercall_target.h>
#include <hv/lp.h>
#include <hv/partition.h>
#include <hv/stats.h>
#include <hv/string.h>
#include <hv/vp.h>

#define AREA(identity)		((identity)[15])
#define HYPERVISOR_LPS		1	/* Linux sizes its tables by it */
#define HYPERVISOR_PARTITIONS	2
#define LP_ROOT_VP_INDEX	19
#define PARTITION_VPS		1
#define PARTITION_DEPOSITED	5

static uint64_t identity_qword(const uint8_t identity[16])
{
	uint64_t value;

	memcpy(&value, identity, sizeof(value));
	return value;
}

static bool object_is_known(uint32_t type, const uint8_t identity[16])
{
	return (type == HV_STATS_HYPERVISOR || type == HV_STATS_LOGICAL_PROCESSOR || type == HV_STATS_PARTITION ||
		type == HV_STATS_VP) && !AREA(identity);
}

/* The VP this object is of, or NULL. A child's is locked until vp_release(); the root's VPs never go away. */
static struct vp *vp_of(struct vp *caller, uint32_t type, const uint8_t identity[16])
{
	uint64_t partition = identity_qword(identity);
	struct vp *vp = NULL;
	uint32_t index;

	memcpy(&index, identity + 8, sizeof(index));
	if (type != HV_STATS_VP)
		return NULL;
	if (partition == HV_PARTITION_ID_SELF || partition == HV_PARTITION_ROOT)
		return partition_vp(&root_partition, index);
	return target_vp(caller, partition, index, &vp) ? NULL : vp;
}

static void vp_release(struct vp *vp)
{
	if (vp && !partition_is_root(vp->partition))
		target_put(vp);
}

static struct stats_record *record_find(uint32_t type, const uint8_t identity[16])
{
	struct stats_record *r = NULL;

	while ((r = records_next(&root_partition.stats_pages, r)))
		if (r->type == type && !memcmp(r->identity, identity, 16))
			return r;
	return NULL;
}

static uint64_t *counters_of(const struct stats_record *r)
{
	return spa_to_virt((spa_t){ r->page });
}

static struct stats_record *record_create(uint32_t type, const uint8_t identity[16])
{
	struct stats_record *r = records_add(&root_partition.stats_pages, &root_partition.pool);
	uint64_t *page = r ? pool_alloc_page(&root_deposits) : NULL;

	if (!page)
		return NULL;
	if (type == HV_STATS_HYPERVISOR)
		page[HYPERVISOR_LPS] = lp_count;
	if (type == HV_STATS_LOGICAL_PROCESSOR)
		page[LP_ROOT_VP_INDEX] = (uint32_t)identity_qword(identity);
	*r = (struct stats_record){ .used = 1, .type = type, .page = virt_to_spa(page).addr };
	memcpy(r->identity, identity, 16);
	return r;
}

static uint64_t *map_object(uint32_t type, const uint8_t identity[16])
{
	struct stats_record *r;

	spin_lock(&root_partition.lock);
	r = record_find(type, identity);
	if (!r)
		r = record_create(type, identity);
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

hv_status_t hc_map_stats_page(struct hc_call *call)
{
	const struct hv_in_map_stats_page *in = hc_in(call, struct hv_in_map_stats_page);
	uint64_t *page = NULL;
	struct partition *p;
	struct vp *vp;

	if (!object_is_known(in->type, in->identity))
		return HV_STATUS_INVALID_PARAMETER;
	vp = vp_of(call->caller, in->type, in->identity);
	if (vp || in->type != HV_STATS_VP)
		page = map_object(in->type, in->identity);
	if (vp && page)
		count_in(vp, page);
	vp_release(vp);
	if (!vp && in->type == HV_STATS_VP)
		return HV_STATUS_INVALID_VP_INDEX;
	if (!page)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	if (in->type == HV_STATS_PARTITION && !partition_get_or_self(call->caller, identity_qword(in->identity), &p)) {
		stats_partition_changed(p);
		partition_put(p);
	}
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
	struct vp *vp = vp_of(call->caller, in->type, in->identity);
	struct stats_record *r;
	void *page = NULL;

	if (vp && vp->running && !partition_is_root(vp->partition)) {
		vp_release(vp);
		return HV_STATUS_INVALID_VP_STATE;
	}
	spin_lock(&root_partition.lock);
	r = record_find(in->type, in->identity);
	if (r && r->used > 1 && --r->used == 1 && may_take_page(vp)) {
		page = counters_of(r);
		r->used = 0;
	}
	spin_unlock(&root_partition.lock);
	vp_release(vp);
	root_page_hide(page, &root_deposits);
	return r ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PARAMETER;
}

static void set_counter(uint32_t type, uint64_t id, unsigned int index, uint64_t value)
{
	uint8_t identity[16] = { 0 };
	struct stats_record *r;

	memcpy(identity, &id, sizeof(id));
	r = record_find(type, identity);
	if (r)
		counters_of(r)[index] = value;
}

void stats_partition_changed(struct partition *p)
{
	uint64_t vps = 0, pages;

	spin_lock(&p->lock);
	for (uint32_t i = 0; i < HV_MAX_VPS; i++)
		vps += p->vps[i] != NULL;
	spin_unlock(&p->lock);
	pages = partition_is_root(p) ? root_deposits.total_pages : p->pool.total_pages;
	spin_lock(&root_partition.lock);
	set_counter(HV_STATS_PARTITION, p->id, PARTITION_VPS, vps);
	set_counter(HV_STATS_PARTITION, p->id, PARTITION_DEPOSITED, pages);
	set_counter(HV_STATS_HYPERVISOR, 0, HYPERVISOR_PARTITIONS, partition_count());
	spin_unlock(&root_partition.lock);
}
