/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The partition table and each partition's life: created, initialized, finalized, deleted. Everything of a child comes
 * from its own pool except struct partition itself, which is a page of the root's (the creator's).
 */
#include <abi/hv_status.h>
#include <abi/hv_types.h>
#include <hv/cpuid_model.h>
#include <hv/frames.h>
#include <hv/partition.h>
#include <hv/port.h>
#include <hv/stats.h>
#include <hv/string.h>
#include <hv/vp.h>

_Static_assert(sizeof(struct partition) <= PAGE_SIZE, "a partition is one page of its creator's pool");

struct partition root_partition;
struct pool root_deposits;

static struct spinlock table_lock;
static struct partition *table[HV_MAX_PARTITIONS];	/* slot = id % size; guarded by table_lock */
static uint64_t last_id[HV_MAX_PARTITIONS];		/* ids are not used again, so a stale one finds nothing */

static void partition_init(struct partition *p, uint64_t id)
{
	p->id = id;
	p->references = 1;
	p->cpuid_epoch = 1;
	p->unimplemented_msr_action = HV_UNIMPLEMENTED_MSR_FAULT;
	p->processors_per_socket = HV_MAX_VPS;
	p->cpuid_results.size = sizeof(struct cpuid_record);
	p->connections.size = sizeof(struct connection);
	p->ports.size = sizeof(struct port);
	p->stats_pages.size = sizeof(struct stats_record);
	pool_init(&p->pool);
}

/* The root's level-4 table is static: the pool is still empty, and it lives as long as hv. */
void partition_init_root(void)
{
	static uint8_t root_table[PAGE_SIZE] __aligned(PAGE_SIZE);

	frames_init();
	partition_init(&root_partition, HV_PARTITION_ROOT);
	root_partition.state = PARTITION_INITIALIZED;
	root_partition.gpa = (struct gpa_space){
		.pool = &root_partition.pool, .root = virt_to_spa(root_table), .generation = 1,
	};
	table[HV_PARTITION_ROOT] = &root_partition;
}

hv_status_t partition_get(uint64_t id, struct partition **out)
{
	struct partition *p;

	spin_lock(&table_lock);
	p = table[id % HV_MAX_PARTITIONS];
	if (p && p->id == id)
		__atomic_add_fetch(&p->references, 1, __ATOMIC_RELAXED);
	else
		p = NULL;
	spin_unlock(&table_lock);
	*out = p;
	return p ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PARTITION_ID;
}

hv_status_t partition_get_child(uint64_t id, struct partition **out)
{
	if (id == HV_PARTITION_ROOT || id == HV_PARTITION_ID_SELF)
		return HV_STATUS_ACCESS_DENIED;
	return partition_get(id, out);
}

hv_status_t partition_get_or_self(struct vp *caller, uint64_t id, struct partition **out)
{
	if (id == HV_PARTITION_ID_SELF)
		id = caller->partition->id;
	if (!partition_is_root(caller->partition) && id != caller->partition->id)
		return HV_STATUS_ACCESS_DENIED;
	return partition_get(id, out);
}

void partition_put(struct partition *p)
{
	if (__atomic_sub_fetch(&p->references, 1, __ATOMIC_ACQ_REL) == 0)
		pool_free_page(&root_partition.pool, p);
}

uint32_t partition_count(void)
{
	uint32_t count = 0;

	for (uint32_t slot = 0; slot < HV_MAX_PARTITIONS; slot++)
		count += __atomic_load_n(&table[slot], __ATOMIC_RELAXED) != NULL;
	return count;
}

static hv_status_t table_insert(struct partition *p)
{
	hv_status_t status = HV_STATUS_NO_RESOURCES;

	spin_lock(&table_lock);
	for (uint32_t slot = HV_PARTITION_ROOT + 1; slot < HV_MAX_PARTITIONS && status; slot++) {
		if (table[slot])
			continue;
		last_id[slot] += last_id[slot] ? HV_MAX_PARTITIONS : slot;
		partition_init(p, last_id[slot]);
		table[slot] = p;
		status = HV_STATUS_SUCCESS;
	}
	spin_unlock(&table_lock);
	return status;
}

hv_status_t partition_create(struct partition **out)
{
	struct partition *p = pool_alloc_page(&root_partition.pool);
	hv_status_t status;

	if (!p)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	status = table_insert(p);
	if (status != HV_STATUS_SUCCESS) {
		pool_free_page(&root_partition.pool, p);
		return status;
	}
	*out = p;
	return HV_STATUS_SUCCESS;
}

static void overlay_pages_free(struct partition *p)
{
	gpa_overlay_hide(&p->gpa, &p->hypercall_page);
	gpa_overlay_hide(&p->gpa, &p->tsc_page);
	pool_free_page(&p->pool, p->hypercall_page.page);
	pool_free_page(&p->pool, p->tsc_page.page);
	p->hypercall_page.page = p->tsc_page.page = NULL;
}

hv_status_t partition_initialize(struct partition *p)
{
	hv_status_t status = gpa_space_init(&p->gpa, &p->pool);

	if (status != HV_STATUS_SUCCESS)
		return status;
	p->hypercall_page.page = pool_alloc_page(&p->pool);
	p->tsc_page.page = pool_alloc_page(&p->pool);
	if (!p->hypercall_page.page || !p->tsc_page.page) {
		overlay_pages_free(p);
		gpa_space_fini(&p->gpa);
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	p->gpa.lent = true;
	p->time_frozen = false;
	partition_set_reference_time(p, 0);
	p->state = PARTITION_INITIALIZED;
	return HV_STATUS_SUCCESS;
}

void partition_finalize(struct partition *p)
{
	struct vp *vps[HV_MAX_VPS];

	spin_lock(&p->lock);
	p->state = PARTITION_FINALIZED;
	memcpy(vps, p->vps, sizeof(vps));
	memset(p->vps, 0, sizeof(p->vps));
	spin_unlock(&p->lock);
	for (uint32_t i = 0; i < HV_MAX_VPS; i++)
		if (vps[i])
			vp_destroy(vps[i]);
	gpa_space_flush(&p->gpa, &p->lock);
	spin_lock(&p->lock);
	overlay_pages_free(p);
	gpa_space_fini(&p->gpa);
	records_fini(&p->cpuid_results, &p->pool);
	records_fini(&p->connections, &p->pool);
	spin_unlock(&p->lock);
}

void partition_remove(struct partition *p)
{
	spin_lock(&table_lock);
	table[p->id % HV_MAX_PARTITIONS] = NULL;
	spin_unlock(&table_lock);
	partition_put(p);
}

struct vp *partition_vp(struct partition *p, uint32_t index)
{
	return index < HV_MAX_VPS ? p->vps[index] : NULL;
}
