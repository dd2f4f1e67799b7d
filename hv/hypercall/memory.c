/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deposited memory and GPA mappings (hv-abi.md 3.6 and 10). Removals are complete when the call returns: the root frees the
 * page at once. Pages change hands as root -> pool (out of the root's GPA space) -> root (scrubbed, back in it).
 */
#include <abi/hv_status.h>
#include <hv/frames.h>
#include <hv/hypercall.h>
#include <hv/iommu.h>
#include <hv/partition.h>
#include <hv/root.h>
#include <hv/stats.h>
#include <hv/vp.h>

#define LARGE_PAGES	512ull
#define GPA_ALL		(GPA_READ | GPA_WRITE | GPA_EXECUTE)

static gpa_t gpa_of(uint64_t gpfn)
{
	return (gpa_t){ gpfn << PAGE_SHIFT };
}

/* A page the root has and may give or lend: RAM of its own, mapped with everything. Caller holds the root's lock. */
static bool root_has(uint64_t gpfn, spa_t *spa)
{
	unsigned int access;

	return gpfn < 1ull << 40 && gpa_space_lookup(&root_partition.gpa, gpa_of(gpfn), spa, &access) == GPA_MAPPED &&
	       access == GPA_ALL;
}

static bool take_from_root(uint64_t gpfn)
{
	spa_t spa;

	return root_has(gpfn, &spa) && root_may_own(spa) && spa.addr >> PAGE_SHIFT == gpfn && !frame_is_lent(spa) &&
	       gpa_space_unmap(&root_partition.gpa, gpa_of(gpfn), 1) == HV_STATUS_SUCCESS;
}

static hv_status_t give_to_root(spa_t page)
{
	return gpa_space_map(&root_partition.gpa, (gpa_t){ page.addr }, page, 1, GPA_ALL, false);
}

hv_status_t root_page_show(void *page)
{
	hv_status_t status;

	spin_lock(&root_partition.lock);
	status = give_to_root(virt_to_spa(page));
	spin_unlock(&root_partition.lock);
	return status;
}

void root_page_hide(void *page, struct pool *pool)
{
	if (!page)
		return;
	spin_lock(&root_partition.lock);
	gpa_space_unmap(&root_partition.gpa, (gpa_t){ virt_to_spa(page).addr }, 1);
	spin_unlock(&root_partition.lock);
	gpa_space_flush(&root_partition.gpa, &root_partition.lock);
	pool_free_page(pool, page);
}

/* All or nothing: on an error Linux frees every page of the list. A page named twice is not the root's the second time. */
hv_status_t hc_deposit_memory(struct hc_call *call)
{
	const uint64_t *list = (const uint64_t *)(const void *)(call->in + call->row->in);
	struct partition *p = call->partition;
	hv_status_t status = HV_STATUS_SUCCESS;
	uint32_t taken;

	spin_lock(&root_partition.lock);
	for (taken = call->reps_done; taken < call->rep_count && take_from_root(list[taken]); taken++)
		;
	if (taken < call->rep_count) {
		status = HV_STATUS_INVALID_PARAMETER;
		while (taken-- > call->reps_done)
			give_to_root((spa_t){ list[taken] << PAGE_SHIFT });
	}
	spin_unlock(&root_partition.lock);
	gpa_space_flush(&root_partition.gpa, &root_partition.lock);
	for (; status == HV_STATUS_SUCCESS && call->reps_done < call->rep_count; call->reps_done++)
		pool_give(partition_is_root(p) ? &root_deposits : &p->pool, (spa_t){ list[call->reps_done] << PAGE_SHIFT });
	spin_lock(&p->lock);
	stats_partition_changed(p);
	spin_unlock(&p->lock);
	return status;
}

static hv_status_t withdraw_one(struct partition *p, uint64_t *gpfn)
{
	hv_status_t status;
	spa_t page;

	if (!pool_withdraw(&p->pool, &page))
		return HV_STATUS_NO_RESOURCES;
	spin_lock(&root_partition.lock);
	status = give_to_root(page);
	spin_unlock(&root_partition.lock);
	if (status != HV_STATUS_SUCCESS)
		pool_give(&p->pool, page);
	*gpfn = page.addr >> PAGE_SHIFT;
	return status;
}

/* Only a child's: Linux never withdraws from itself, and hv recycles what the root deposited for it. */
hv_status_t hc_withdraw_memory(struct hc_call *call)
{
	hv_status_t status = HV_STATUS_SUCCESS;

	while (status == HV_STATUS_SUCCESS && hc_next_rep(call))
		status = withdraw_one(call->partition, hc_rep_out(call));
	iommu_flush();			/* one may remember that the pages were not the root's */
	return status;
}

/* Counted in the same breath, so that no deposit can take the page before it is mapped. */
static hv_status_t root_lends(uint64_t gpfn, uint64_t pages, spa_t *spa)
{
	hv_status_t status = HV_STATUS_SUCCESS;
	bool ok;
	spa_t each;

	spin_lock(&root_partition.lock);
	ok = root_has(gpfn, spa);
	for (uint64_t i = 1; ok && i < pages; i++)
		ok = root_has(gpfn + i, &each) && each.addr == spa->addr + i * PAGE_SIZE;
	if (!ok)
		status = HV_STATUS_INVALID_PARAMETER;
	else if (!frames_lend(*spa, pages))
		status = HV_STATUS_NO_RESOURCES;
	spin_unlock(&root_partition.lock);
	return status;
}

static unsigned int flags_access(uint32_t flags)
{
	return (flags & HV_MAP_GPA_READABLE ? GPA_READ : 0) | (flags & HV_MAP_GPA_WRITABLE ? GPA_WRITE : 0) |
	       (flags & HV_MAP_GPA_EXECUTABLE ? GPA_EXECUTE : 0);
}

static hv_status_t map_one(struct partition *p, uint64_t gpfn, uint64_t source, uint32_t flags)
{
	uint64_t pages = flags & HV_MAP_GPA_LARGE_PAGE ? LARGE_PAGES : 1;
	hv_status_t status;
	spa_t spa;

	if (gpfn >> 40 || (gpfn & (pages - 1)))
		return HV_STATUS_INVALID_PARAMETER;
	if ((flags & HV_MAP_GPA_NO_ACCESS) || !flags_access(flags))
		return gpa_space_map_no_access(&p->gpa, gpa_of(gpfn), pages);
	status = root_lends(source, pages, &spa);
	if (status != HV_STATUS_SUCCESS)
		return status;
	return gpa_space_map(&p->gpa, gpa_of(gpfn), spa, pages, flags_access(flags), flags & HV_MAP_GPA_NOT_CACHED);
}

static hv_status_t map_next(struct hc_call *call)
{
	const struct hv_in_map_gpa *in = hc_in(call, struct hv_in_map_gpa);
	uint64_t step = in->flags & HV_MAP_GPA_LARGE_PAGE ? LARGE_PAGES : 1;

	return map_one(call->partition, in->gpfn + call->reps_done * step, *(const uint64_t *)hc_rep_in(call), in->flags);
}

static hv_status_t unmap_next(struct hc_call *call)
{
	const struct hv_in_unmap_gpa *in = hc_in(call, struct hv_in_unmap_gpa);
	uint64_t step = in->flags & HV_UNMAP_GPA_LARGE_PAGE ? LARGE_PAGES : 1;

	if (in->gpfn >> 40)
		return HV_STATUS_INVALID_PARAMETER;
	return gpa_space_unmap(&call->partition->gpa, gpa_of(in->gpfn + call->reps_done * step), step);
}

static hv_status_t access_state_next(struct hc_call *call)
{
	const struct hv_in_access_states *in = hc_in(call, struct hv_in_access_states);
	struct gpa_space *g = &call->partition->gpa;

	if (!g->tracking)
		return HV_STATUS_OPERATION_DENIED;
	*(uint8_t *)hc_rep_out(call) = gpa_space_access_state(g, gpa_of(in->gpfn + call->reps_done), (unsigned int)in->flags);
	return HV_STATUS_SUCCESS;
}

/* A change of a child's GPA space, rep by rep. What was removed is gone everywhere when the call returns. */
static hv_status_t gpa_change(struct hc_call *call, hv_status_t (*next)(struct hc_call *call))
{
	struct partition *p = call->partition;
	hv_status_t status = HV_STATUS_SUCCESS;
	uint64_t generation;
	bool removed;

	spin_lock(&p->lock);
	generation = p->gpa.generation;
	if (p->state != PARTITION_INITIALIZED)
		status = HV_STATUS_INVALID_PARTITION_STATE;
	while (status == HV_STATUS_SUCCESS && hc_next_rep(call))
		status = next(call);
	removed = p->gpa.generation != generation;
	stats_gpa_changed(p);
	spin_unlock(&p->lock);
	if (removed)
		gpa_space_flush(&p->gpa, &p->lock);
	return status;
}

hv_status_t hc_map_gpa_pages(struct hc_call *call)
{
	return gpa_change(call, map_next);
}

hv_status_t hc_unmap_gpa_pages(struct hc_call *call)
{
	return gpa_change(call, unmap_next);
}

hv_status_t hc_get_gpa_access_states(struct hc_call *call)
{
	return gpa_change(call, access_state_next);
}
