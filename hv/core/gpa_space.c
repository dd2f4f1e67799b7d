/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPA spaces: a four-level radix tree, walked from the top for every block of a range. The largest leaf that fits is
 * written; a smaller one splits what is in the way. hypercall/memory.c, the boot code (root) and the overlays use it.
 *
 * Both vendors agree on what is used here without asking struct npt_format: bits 51:12 are the address, a zero in bits
 * 2:0 means not present (all other bits are then ours), bit 7 of a level-2 or level-3 entry marks a leaf.
 */
#include <abi/hv_hypercall.h>
#include <abi/hv_status.h>
#include <hv/frames.h>
#include <hv/gpa_space.h>
#include <hv/iommu.h>
#include <hv/lp.h>
#include <hv/pool.h>
#include <hv/string.h>

#define ENTRIES			512u
#define TOP_LEVEL		4u
#define GPA_BITS		48
#define ENTRY_PRESENT		7ull
#define ENTRY_LARGE		BIT(7)
#define ENTRY_ADDRESS		0x000ffffffffff000ull
#define ENTRY_NO_ACCESS		BIT(58)		/* software bit of a non-present entry */

enum range_kind { RANGE_MAP, RANGE_NO_ACCESS, RANGE_UNMAP };

struct range {
	enum range_kind kind;
	uint64_t gpa, spa, pages;
	unsigned int access;
	bool uncached;
};

static uint64_t level_pages(unsigned int level)
{
	return 1ull << (9 * (level - 1));
}

static unsigned int level_index(uint64_t gpa, unsigned int level)
{
	return (gpa >> (PAGE_SHIFT + 9 * (level - 1))) % ENTRIES;
}

static bool entry_is_present(uint64_t entry)
{
	return entry & ENTRY_PRESENT;
}

static bool entry_is_table(uint64_t entry, unsigned int level)
{
	return level > 1 && entry_is_present(entry) && !(entry & ENTRY_LARGE);
}

static uint64_t *table_of(uint64_t entry)
{
	return spa_to_virt((spa_t){ entry & ENTRY_ADDRESS });
}

static void note_removal(struct gpa_space *g)
{
	__atomic_add_fetch(&g->generation, 1, __ATOMIC_SEQ_CST);
}

/* The reserve: pages for splits of a removal, which must not fail for want of memory. */

static bool reserve_fill(struct gpa_space *g)
{
	for (unsigned int i = 0; i < GPA_RESERVE; i++) {
		void *page;

		if (g->reserve[i])
			continue;
		page = pool_alloc_page(g->pool);
		if (!page)
			return false;
		g->reserve[i] = virt_to_spa(page).addr;
	}
	return true;
}

static uint64_t *reserve_take(struct gpa_space *g)
{
	for (unsigned int i = 0; i < GPA_RESERVE; i++) {
		uint64_t spa = g->reserve[i];

		g->reserve[i] = 0;
		if (spa)
			return spa_to_virt((spa_t){ spa });
	}
	return NULL;
}

static uint64_t *table_alloc(struct gpa_space *g, enum range_kind kind)
{
	uint64_t *table = pool_alloc_page(g->pool);

	return table || kind == RANGE_MAP ? table : reserve_take(g);
}

/* What a leaf mapped is the root's alone again. Callers have noted the removal before. */
static void leaf_return(struct gpa_space *g, uint64_t entry, unsigned int level)
{
	if (!entry_is_present(entry) || entry_is_table(entry, level))
		return;
	g->leaves[level]--;
	if (g->lent)
		frames_return((spa_t){ entry & ENTRY_ADDRESS & ~(level_pages(level) * PAGE_SIZE - 1) }, level_pages(level));
}

/* A replaced table may still be walked until the next flush: the link in its first word reads as "not present". */
static void table_retire(struct gpa_space *g, uint64_t *table)
{
	table[0] = g->retired;
	g->retired = virt_to_spa(table).addr;
}

static void table_drop(struct gpa_space *g, uint64_t *table, unsigned int level)
{
	for (unsigned int i = 0; i < ENTRIES; i++)
		if (entry_is_table(table[i], level))
			table_drop(g, table_of(table[i]), level - 1);
		else
			leaf_return(g, table[i], level);
	table_retire(g, table);
}

static struct gpa_overlay *overlay_in(struct gpa_space *g, uint64_t gpa, uint64_t pages)
{
	for (struct gpa_overlay *o = g->overlays; o; o = o->next)
		if (o->gpa.addr >= gpa && o->gpa.addr < gpa + pages * PAGE_SIZE)
			return o;
	return NULL;
}

/* What the IOMMU wants in an entry that leads to `next_level`; 0 is a leaf. */
static uint64_t device_bits(const struct gpa_space *g, unsigned int access, unsigned int next_level)
{
	const struct iommu_format *f = g->devices;

	if (!f)
		return 0;
	return (access & GPA_READ ? f->read : 0) | (access & GPA_WRITE ? f->write : 0) | next_level * f->level;
}

static uint64_t leaf_entry(struct gpa_space *g, const struct range *r, unsigned int level)
{
	uint64_t entry;

	if (r->kind != RANGE_MAP)
		return r->kind == RANGE_NO_ACCESS ? ENTRY_NO_ACCESS : 0;
	entry = npt_format->leaf(r->spa, r->access, r->uncached, level) | device_bits(g, r->access, 0);
	/* A page that was dropped and comes back may have been written before: report it rather than lose it. */
	return g->tracking ? entry | npt_format->dirty : entry;
}

/* Of the largest leaf that the range can begin with. */
static unsigned int leaf_level(struct gpa_space *g, const struct range *r)
{
	unsigned int level = r->kind == RANGE_MAP ? npt_format->largest_level : TOP_LEVEL - 1;

	if (g->devices && level > g->devices->largest_level)
		level = g->devices->largest_level;
	for (; level > 1; level--) {
		uint64_t pages = level_pages(level), mask = pages * PAGE_SIZE - 1;

		if (!(r->gpa & mask) && r->pages >= pages && !(r->kind == RANGE_MAP && (r->spa & mask)) && !overlay_in(g, r->gpa, pages))
			break;
	}
	return level;
}

/* Follows the tables down to `target`, or to what is not a table; `path` then has the entries of the levels passed. */
typedef uint64_t *gpa_path[TOP_LEVEL + 1];
static unsigned int walk(struct gpa_space *g, uint64_t gpa, unsigned int target, gpa_path path)
{
	uint64_t *table = spa_to_virt(g->root);

	for (unsigned int level = TOP_LEVEL;; level--) {
		path[level] = &table[level_index(gpa, level)];
		if (level == target || !entry_is_table(*path[level], level))
			return level;
		table = table_of(*path[level]);
	}
}

static void entry_write(struct gpa_space *g, uint64_t *entry, unsigned int level, const struct range *r)
{
	struct gpa_overlay *o = level == 1 ? overlay_in(g, r->gpa, 1) : NULL;
	uint64_t value = leaf_entry(g, r, level), old;

	g->leaves[level] += entry_is_present(value);
	if (o) {
		leaf_return(g, o->hidden, 1);
		o->hidden = value;
		return;
	}
	old = __atomic_exchange_n(entry, value, __ATOMIC_SEQ_CST);
	if (entry_is_present(old))
		note_removal(g);
	if (entry_is_table(old, level))
		table_drop(g, table_of(old), level - 1);
	else
		leaf_return(g, old, level);
}

/* Replaces a leaf, a "no access" mark or nothing by a table that says the same one level further down. */
static hv_status_t entry_split(struct gpa_space *g, uint64_t *entry, unsigned int level, enum range_kind kind)
{
	uint64_t *table = table_alloc(g, kind);
	uint64_t old = *entry, step = level_pages(level - 1) * PAGE_SIZE;

	if (!table)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	if (level == 2)
		old &= ~(entry_is_present(old) ? ENTRY_LARGE : 0);
	for (unsigned int i = 0; old && i < ENTRIES; i++)
		table[i] = entry_is_present(old) ? old + i * step : old;
	if (entry_is_present(old)) {
		g->leaves[level]--;
		g->leaves[level - 1] += ENTRIES;
		g->split++;
	}
	__atomic_store_n(entry, virt_to_spa(table).addr | npt_format->table | device_bits(g, GPA_READ | GPA_WRITE, level - 1),
			 __ATOMIC_SEQ_CST);
	return HV_STATUS_SUCCESS;
}

/*
 * The other way: a table whose leaves say together what one leaf above it would say is replaced by that leaf. So pages that the
 * driver brings in one by one end as large ones, and what was split becomes whole again. Accessed and dirty are then true of all
 * (they may be set in the old table until the flush); while they matter, only pages that are all dirty are merged.
 */
static bool entry_merge(struct gpa_space *g, uint64_t gpa, uint64_t *entry, unsigned int level)
{
	uint64_t step = level_pages(level - 1) * PAGE_SIZE, block = level_pages(level) * PAGE_SIZE;
	uint64_t *table = table_of(*entry), first = table[0];
	uint64_t any = npt_format->accessed | (g->tracking ? 0 : npt_format->dirty);

	if (level > npt_format->largest_level || !entry_is_present(first) || entry_is_table(first, level - 1) ||
	    (first & ENTRY_ADDRESS & (block - 1)) || (g->tracking && !(first & npt_format->dirty)) ||
	    overlay_in(g, gpa & ~(block - 1), level_pages(level)))
		return false;
	for (unsigned int i = ENTRIES - 1; i; i--)		/* backwards: the last one is usually the last to come */
		if ((table[i] | any) != (first | any) + i * step)
			return false;
	__atomic_store_n(entry, first | ENTRY_LARGE | npt_format->accessed | npt_format->dirty, __ATOMIC_SEQ_CST);
	note_removal(g);
	table_retire(g, table);
	g->leaves[level - 1] -= ENTRIES;
	g->leaves[level]++;
	g->merged++;
	return true;
}

/* The root's are not merged: they are large from the start, and an IOMMU walks them. */
static void path_merge(struct gpa_space *g, uint64_t gpa, gpa_path path, unsigned int level)
{
	while (g->lent && level < TOP_LEVEL && entry_merge(g, gpa, path[level + 1], level + 1))
		level++;
}

static void range_advance(struct range *r, uint64_t pages)
{
	r->gpa += pages * PAGE_SIZE;
	r->spa += pages * PAGE_SIZE;
	r->pages -= pages;
}

static uint64_t pages_left_in_block(const struct range *r, unsigned int level)
{
	uint64_t block = level_pages(level), offset = (r->gpa >> PAGE_SHIFT) % block;

	return r->pages < block - offset ? r->pages : block - offset;
}

/* Without memory a removal drops the whole large leaf to "no access": never too much access, and the driver maps it again. */
static hv_status_t range_without_memory(struct gpa_space *g, uint64_t *entry, unsigned int level, struct range *r)
{
	uint64_t old;

	if (r->kind == RANGE_MAP || (!*entry && r->kind == RANGE_NO_ACCESS))
		return HV_STATUS_INSUFFICIENT_MEMORY;
	old = __atomic_exchange_n(entry, ENTRY_NO_ACCESS, __ATOMIC_SEQ_CST);
	if (entry_is_present(old))
		note_removal(g);
	leaf_return(g, old, level);
	range_advance(r, pages_left_in_block(r, level));
	return HV_STATUS_SUCCESS;
}

/* Does the first block of the range and advances it. What is in the way is split. */
static hv_status_t range_step(struct gpa_space *g, struct range *r)
{
	unsigned int target = leaf_level(g, r), level;
	gpa_path path;

	while ((level = walk(g, r->gpa, target, path)) > target) {
		if (r->kind != RANGE_MAP && *path[level] == leaf_entry(g, r, level)) {	/* says so already */
			range_advance(r, pages_left_in_block(r, level));
			return HV_STATUS_SUCCESS;
		}
		if (entry_split(g, path[level], level, r->kind) != HV_STATUS_SUCCESS)
			return range_without_memory(g, path[level], level, r);
	}
	entry_write(g, path[target], target, r);
	if (r->kind == RANGE_MAP)
		path_merge(g, r->gpa, path, target);
	range_advance(r, level_pages(target));
	return HV_STATUS_SUCCESS;
}

static hv_status_t range_apply(struct gpa_space *g, struct range r)
{
	hv_status_t status = HV_STATUS_SUCCESS;
	uint64_t limit = 1ull << (GPA_BITS - PAGE_SHIFT);

	if ((r.gpa | r.spa) & ~PAGE_MASK || r.gpa >> PAGE_SHIFT >= limit || r.pages > limit - (r.gpa >> PAGE_SHIFT))
		status = HV_STATUS_INVALID_PARAMETER;
	if (r.kind == RANGE_MAP && !reserve_fill(g))
		status = HV_STATUS_INSUFFICIENT_MEMORY;
	while (r.pages && status == HV_STATUS_SUCCESS)
		status = range_step(g, &r);
	if (r.kind == RANGE_MAP && r.pages && g->lent)
		frames_return((spa_t){ r.spa }, r.pages);
	return status;
}

hv_status_t gpa_space_map(struct gpa_space *g, gpa_t gpa, spa_t spa, uint64_t pages, unsigned int access, bool uncached)
{
	return range_apply(g, (struct range){ RANGE_MAP, gpa.addr, spa.addr, pages, access, uncached });
}

hv_status_t gpa_space_map_no_access(struct gpa_space *g, gpa_t gpa, uint64_t pages)
{
	return range_apply(g, (struct range){ .kind = RANGE_NO_ACCESS, .gpa = gpa.addr, .pages = pages });
}

hv_status_t gpa_space_unmap(struct gpa_space *g, gpa_t gpa, uint64_t pages)
{
	return range_apply(g, (struct range){ .kind = RANGE_UNMAP, .gpa = gpa.addr, .pages = pages });
}

hv_status_t gpa_space_init(struct gpa_space *g, struct pool *pool)
{
	void *root = pool_alloc_page(pool);

	*g = (struct gpa_space){ .pool = pool, .generation = 1 };
	if (!root)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	g->root = virt_to_spa(root);
	return HV_STATUS_SUCCESS;
}

static void retired_free(struct gpa_space *g, uint64_t spa)
{
	while (spa) {
		uint64_t *table = spa_to_virt((spa_t){ spa });

		spa = *table;
		pool_free_page(g->pool, table);
	}
}

/* The caller knows that no VP of the partition is left, so nothing walks these tables any more. */
void gpa_space_fini(struct gpa_space *g)
{
	uint64_t *page;

	if (!g->root.addr)
		return;
	table_drop(g, spa_to_virt(g->root), TOP_LEVEL);
	retired_free(g, g->retired);
	while ((page = reserve_take(g)))
		pool_free_page(g->pool, page);
	*g = (struct gpa_space){ .pool = g->pool, .generation = g->generation };
}

static uint64_t *lookup_entry(struct gpa_space *g, uint64_t gpa, unsigned int *level)
{
	gpa_path path;

	if (!g->root.addr || gpa >> GPA_BITS)
		return NULL;
	*level = walk(g, gpa, 1, path);
	return path[*level];
}

enum gpa_state gpa_space_lookup(struct gpa_space *g, gpa_t gpa, spa_t *spa, unsigned int *access)
{
	unsigned int level;
	uint64_t *entry = lookup_entry(g, gpa.addr, &level), offset;

	*access = 0;
	if (!entry || !*entry)
		return GPA_UNMAPPED;
	if (!entry_is_present(*entry))
		return GPA_NO_ACCESS;
	offset = level_pages(level) * PAGE_SIZE - 1;
	spa->addr = (*entry & ENTRY_ADDRESS & ~offset) | (gpa.addr & offset);
	*access = npt_format->access(*entry);
	return GPA_MAPPED;
}

hv_status_t gpa_space_translate(struct gpa_space *g, gpa_t gpa, unsigned int access, spa_t *spa)
{
	unsigned int allowed;

	if (gpa_space_lookup(g, gpa, spa, &allowed) != GPA_MAPPED)
		return HV_STATUS_INVALID_PARAMETER;
	return (allowed & access) == access ? HV_STATUS_SUCCESS : HV_STATUS_ACCESS_DENIED;
}

/* Makes a level-1 entry for a GPA, in place of what there is: a large leaf, a mark, nothing. False without memory. */
static bool small_entry(struct gpa_space *g, uint64_t gpa, enum range_kind kind, gpa_path path)
{
	unsigned int level;

	while ((level = walk(g, gpa, 1, path)) > 1)
		if (entry_split(g, path[level], level, kind) != HV_STATUS_SUCCESS)
			return false;
	return true;
}

/* A large leaf is split before one of its pages is marked; without memory it just stays dirty as a whole. */
static void access_state_apply(struct gpa_space *g, gpa_t gpa, uint64_t set, uint64_t clear)
{
	gpa_path path;

	if (!small_entry(g, gpa.addr, RANGE_MAP, path))
		return;
	__atomic_or_fetch(path[1], set, __ATOMIC_SEQ_CST);
	if (__atomic_fetch_and(path[1], ~clear, __ATOMIC_SEQ_CST) & clear)
		note_removal(g);
	else
		path_merge(g, gpa.addr, path, 1);
}

static uint64_t state_bits(unsigned int accessed, unsigned int dirty)
{
	return (accessed ? npt_format->accessed : 0) | (dirty ? npt_format->dirty : 0);
}

uint8_t gpa_space_access_state(struct gpa_space *g, gpa_t gpa, unsigned int flags)
{
	uint64_t set = state_bits(flags & HV_GPA_SET_ACCESSED, flags & HV_GPA_SET_DIRTY);
	uint64_t clear = state_bits(flags & HV_GPA_CLEAR_ACCESSED, flags & HV_GPA_CLEAR_DIRTY), now;
	unsigned int level;
	const uint64_t *entry = lookup_entry(g, gpa.addr, &level);

	if (!entry || !entry_is_present(*entry))
		return 0;
	now = *entry;
	if ((now & clear) || (now & set) != set)
		access_state_apply(g, gpa, set, clear);
	return (now & npt_format->accessed ? HV_GPA_STATE_ACCESSED : 0) | (now & npt_format->dirty ? HV_GPA_STATE_DIRTY : 0);
}

hv_status_t gpa_overlay_show(struct gpa_space *g, struct gpa_overlay *o, gpa_t gpa)
{
	gpa_path path;

	gpa_overlay_hide(g, o);
	if (gpa.addr >> GPA_BITS || overlay_in(g, gpa.addr & PAGE_MASK, 1))
		return HV_STATUS_INVALID_PARAMETER;
	if (!small_entry(g, gpa.addr, RANGE_NO_ACCESS, path))
		return HV_STATUS_INSUFFICIENT_MEMORY;
	o->gpa.addr = gpa.addr & PAGE_MASK;
	o->hidden = __atomic_exchange_n(path[1], npt_format->leaf(virt_to_spa(o->page).addr,
				       GPA_READ | GPA_WRITE | GPA_EXECUTE, false, 1), __ATOMIC_SEQ_CST);
	o->active = true;
	o->next = g->overlays;
	g->overlays = o;
	note_removal(g);
	return HV_STATUS_SUCCESS;
}

void gpa_overlay_hide(struct gpa_space *g, struct gpa_overlay *o)
{
	struct gpa_overlay **link = &g->overlays;
	unsigned int level;

	if (!o->active)
		return;
	while (*link != o)
		link = &(*link)->next;
	*link = o->next;
	o->active = false;
	*lookup_entry(g, o->gpa.addr, &level) = o->hidden;
	note_removal(g);
}

void gpa_space_flush(struct gpa_space *g, struct spinlock *lock)
{
	uint64_t retired;

	spin_lock(lock);
	retired = g->retired;
	g->retired = 0;
	spin_unlock(lock);
	lp_kick_users_and_wait(g);
	if (g->devices)
		iommu_flush();
	retired_free(g, retired);
}
