/* SPDX-License-Identifier: Apache-2.0 */
/* hv's partition side on a fake machine: dispatcher, deposited memory, GPA space, local APIC, SynIC, register page. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake.h"
#include <abi/hv_synic.h>
#include <abi/hv_vp_page.h>
#include <hv/decode.h>
#include <hv/frames.h>
#include <hv/lapic.h>
#include <hv/lapic_internal.h>
#include <hv/string.h>
#include <hv/synic.h>

#define ALL_ACCESS	(GPA_READ | GPA_WRITE | GPA_EXECUTE)
#define CHILD_RAM	0x1000000ull		/* root memory that tests lend to children */

static int setup(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static struct partition *get(uint64_t id)
{
	struct partition *p;

	assert_int_equal(partition_get(id, &p), HV_STATUS_SUCCESS);
	partition_put(p);
	return p;
}

/* Dispatcher */

static void a_bad_control_word_is_refused(void **state)
{
	static const struct { const char *rule; uint64_t control; hv_status_t want; } rows[] = {
		{ "a code nobody implements", 0x10f0, HV_STATUS_INVALID_HYPERCALL_CODE },
		{ "a code beyond the table", 0x7fff, HV_STATUS_INVALID_HYPERCALL_CODE },
		{ "bit 27 is reserved", HVCALL_CREATE_PARTITION | 1ull << 27, HV_STATUS_INVALID_HYPERCALL_INPUT },
		{ "bit 31 (nested) is not offered", HVCALL_CREATE_PARTITION | 1ull << 31, HV_STATUS_INVALID_HYPERCALL_INPUT },
		{ "bit 60 is reserved", HVCALL_CREATE_PARTITION | 1ull << 60, HV_STATUS_INVALID_HYPERCALL_INPUT },
		{ "reps on a simple call", HVCALL_CREATE_PARTITION | REPS(1), HV_STATUS_INVALID_HYPERCALL_INPUT },
		{ "no reps on a rep call", HVCALL_DEPOSIT_MEMORY, HV_STATUS_INVALID_HYPERCALL_INPUT },
		{ "start must be below the count", HVCALL_DEPOSIT_MEMORY | REPS(4) | START(4),
		  HV_STATUS_INVALID_HYPERCALL_INPUT },
		{ "a variable header where none belongs", HVCALL_CREATE_PARTITION | 1ull << 17,
		  HV_STATUS_INVALID_HYPERCALL_INPUT },
		{ "a list that does not fit a page", HVCALL_DEPOSIT_MEMORY | REPS(512), HV_STATUS_INVALID_HYPERCALL_INPUT },
		{ "fast with too large an input", HVCALL_CREATE_PARTITION | HV_HC_FAST, HV_STATUS_INVALID_HYPERCALL_INPUT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (RESULT_STATUS(fake_hypercall(rows[i].control, NULL, 0, NULL, 0)) != rows[i].want)
			fail_msg("%s", rows[i].rule);
}

static void a_bad_pointer_is_refused(void **state)
{
	struct vp *vp = &fake.root_vps[0];
	static const uint64_t bad[] = { 0x1004, 0x1fe8 /* 56 bytes would cross the page */ };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		vp->gprs.rcx = HVCALL_CREATE_PARTITION;
		vp->gprs.rdx = bad[i];
		vp->gprs.r8 = 0x2000;
		hc_dispatch(vp);
		assert_int_equal(vp->gprs.rax, HV_STATUS_INVALID_ALIGNMENT);
	}
	vp->gprs.rdx = FAKE_RAM;			/* not the root's to read */
	hc_dispatch(vp);
	assert_int_equal(vp->gprs.rax, HV_STATUS_INVALID_PARAMETER);
}

static void user_mode_cannot_call(void **state)
{
	struct vp *vp = &fake.root_vps[0];

	(void)state;
	vp->arch->cpl = 3;
	hc_dispatch(vp);
	assert_int_equal(vp->arch->exception, 6);
	assert_int_equal(vp->arch->skipped, 0);
}

/* Deposited memory */

static void deposited_pages_leave_the_root_and_come_back_scrubbed(void **state)
{
	struct hv_in_withdraw in = { 0 };
	uint64_t pages[8], id;
	spa_t spa;
	unsigned int access;
	uint64_t result;

	(void)state;
	memset(fake_spa(0x400000), 0xaa, 16 * PAGE_SIZE);
	id = fake_child();
	assert_int_equal(get(id)->pool.total_pages, 128);
	assert_int_equal(gpa_space_lookup(&root_partition.gpa, (gpa_t){ 0x400000 }, &spa, &access), GPA_UNMAPPED);
	in.partition_id = id;
	result = fake_hypercall(HVCALL_WITHDRAW_MEMORY | REPS(8), &in, sizeof(in), pages, sizeof(pages));
	assert_int_equal(RESULT_REPS(result), 8);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(gpa_space_lookup(&root_partition.gpa, (gpa_t){ pages[i] << 12 }, &spa, &access), GPA_MAPPED);
		for (unsigned int byte = 0; byte < PAGE_SIZE; byte++)
			assert_int_equal(*((uint8_t *)fake_spa(pages[i] << 12) + byte), 0);
	}
}

static void a_deposit_is_all_or_nothing(void **state)
{
	static const struct { const char *rule; uint64_t bad; } rows[] = {
		{ "a page named twice", 0x400 }, { "a page of hv's", FAKE_RAM >> 12 }, { "a page beyond memory", 1ull << 41 },
	};
	uint64_t id = fake_child(), before;
	spa_t spa;
	unsigned int access;

	(void)state;
	before = get(id)->pool.total_pages;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t in[] = { id, 0x600, 0x601, rows[i].bad };

		assert_int_equal(RESULT_STATUS(fake_hypercall(HVCALL_DEPOSIT_MEMORY | REPS(3), in, sizeof(in), NULL, 0)),
				 HV_STATUS_INVALID_PARAMETER);
		assert_int_equal(get(id)->pool.total_pages, before);
		assert_int_equal(gpa_space_lookup(&root_partition.gpa, (gpa_t){ 0x600000 }, &spa, &access), GPA_MAPPED);
	}
}

static void a_partition_gives_everything_back(void **state)
{
	uint64_t id = fake_child(), root_free, result, pages[200];
	struct hv_in_withdraw in = { .partition_id = id };

	(void)state;
	fake_child_vp(id, 0);
	fake_child_vp(id, 1);
	root_free = root_partition.pool.free_pages;
	assert_int_equal(fake_fast_hypercall(HVCALL_DELETE_PARTITION, id, 0), HV_STATUS_INVALID_PARTITION_STATE);
	assert_int_equal(fake_fast_hypercall(HVCALL_FINALIZE_PARTITION, id, 0), HV_STATUS_SUCCESS);
	result = fake_hypercall(HVCALL_WITHDRAW_MEMORY | REPS(200), &in, sizeof(in), pages, sizeof(pages));
	assert_int_equal(RESULT_STATUS(result), HV_STATUS_NO_RESOURCES);
	assert_int_equal(RESULT_REPS(result), 128);
	assert_int_equal(fake_fast_hypercall(HVCALL_DELETE_PARTITION, id, 0), HV_STATUS_SUCCESS);
	assert_int_equal(root_partition.pool.free_pages, root_free + 1);	/* struct partition itself */
	assert_int_equal(fake_fast_hypercall(HVCALL_FINALIZE_PARTITION, id, 0), HV_STATUS_INVALID_PARTITION_ID);
}

static void a_vp_without_memory_leaves_no_trace(void **state)
{
	struct hv_in_create_partition create = { .flags = HV_CREATE_LAPIC };
	struct hv_in_create_vp in = { 0 };
	uint64_t free;

	(void)state;
	fake_hypercall(HVCALL_CREATE_PARTITION, &create, sizeof(create), &in.partition_id, 8);
	for (unsigned int pages = 3; pages < 9; pages++) {		/* page by page until it fits */
		fake_deposit(in.partition_id, 0x700 + pages * 4, pages == 3 ? 3 : 1);
		if (pages == 3)
			assert_int_equal(fake_fast_hypercall(HVCALL_INITIALIZE_PARTITION, in.partition_id, 0), 0);
		free = get(in.partition_id)->pool.free_pages;
		if (free >= 6)
			return;
		assert_int_equal(fake_hypercall(HVCALL_CREATE_VP, &in, sizeof(in), NULL, 0), HV_STATUS_INSUFFICIENT_MEMORY);
		assert_int_equal(get(in.partition_id)->pool.free_pages, free);
		assert_null(get(in.partition_id)->vps[0]);
	}
}

/* GPA space */

static uint64_t map(uint64_t id, uint64_t gpfn, uint64_t source, uint32_t flags, unsigned int reps)
{
	struct { struct hv_in_map_gpa head; uint64_t list[64]; } in = {
		.head = { .partition_id = id, .gpfn = gpfn, .flags = flags },
	};
	uint64_t step = flags & HV_MAP_GPA_LARGE_PAGE ? 512 : 1;

	for (unsigned int i = 0; i < reps; i++)
		in.list[i] = source + i * step;
	return fake_hypercall(HVCALL_MAP_GPA_PAGES | REPS(reps), &in, sizeof(in.head) + reps * 8, NULL, 0);
}

static enum gpa_state state_of(uint64_t id, uint64_t gpa, uint64_t *spa)
{
	unsigned int access;
	spa_t found = { 0 };
	enum gpa_state state = gpa_space_lookup(&get(id)->gpa, (gpa_t){ gpa }, &found, &access);

	*spa = found.addr;
	return state;
}

#define RWX	(HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE | HV_MAP_GPA_EXECUTABLE)

static void a_large_leaf_is_split_by_taking_one_page_out(void **state)
{
	uint64_t id = fake_child(), spa;
	unsigned int kicks;

	(void)state;
	assert_int_equal(RESULT_STATUS(map(id, 0x200, CHILD_RAM >> 12, RWX | HV_MAP_GPA_LARGE_PAGE, 1)), HV_STATUS_SUCCESS);
	assert_int_equal(state_of(id, 0x212345, &spa), GPA_MAPPED);
	assert_int_equal(spa, CHILD_RAM + 0x12345);
	kicks = fake.all_kicks;
	assert_int_equal(RESULT_STATUS(map(id, 0x212, 0, HV_MAP_GPA_NO_ACCESS, 1)), HV_STATUS_SUCCESS);
	assert_int_equal(fake.all_kicks, kicks + 1);		/* shot down before the call returned */
	assert_int_equal(state_of(id, 0x212345, &spa), GPA_NO_ACCESS);
	assert_int_equal(state_of(id, 0x213000, &spa), GPA_MAPPED);
	assert_int_equal(spa, CHILD_RAM + 0x13000);
	assert_int_equal(state_of(id, 0x400000, &spa), GPA_UNMAPPED);
}

static void there_can_be_64_vps_in_a_partition_and_512_partitions(void **state)
{
	struct hv_in_create_partition create = { .flags = HV_CREATE_EXO | HV_CREATE_LAPIC };
	struct hv_in_create_vp one_more = { .partition_id = fake_child(), .vp_index = HV_MAX_VPS };
	uint64_t in_pool = root_partition.pool.total_pages, free, ids[HV_MAX_PARTITIONS] = { 0 };
	unsigned int count = 0;

	(void)state;
	assert_true(HV_MAX_VPS >= 64 && HV_MAX_PARTITIONS >= 512);
	fake_deposit(one_more.partition_id, 0x1800, 256);
	fake_deposit(one_more.partition_id, 0x1900, 256);
	free = get(one_more.partition_id)->pool.free_pages;
	for (uint32_t i = 0; i < HV_MAX_VPS; i++)
		assert_int_equal(fake_child_vp(one_more.partition_id, i)->lapic->reg[APIC_ID], i);
	assert_int_equal(fake_hypercall(HVCALL_CREATE_VP, &one_more, sizeof(one_more), NULL, 0), HV_STATUS_INVALID_VP_INDEX);
	for (uint32_t i = 0; i < HV_MAX_VPS; i++)
		assert_int_equal(fake_fast_hypercall(HVCALL_DELETE_VP, one_more.partition_id, i), HV_STATUS_SUCCESS);
	assert_int_equal(get(one_more.partition_id)->pool.free_pages, free);

	for (uint64_t page = 0; page < HV_MAX_PARTITIONS; page++)
		pool_give(&root_partition.pool, (spa_t){ FAKE_RAM + (1024 + page) * PAGE_SIZE });
	free = root_partition.pool.free_pages;
	while (count < HV_MAX_PARTITIONS &&		/* some slots are taken by the tests before this one */
	       !fake_hypercall(HVCALL_CREATE_PARTITION, &create, sizeof(create), &ids[count], sizeof(ids[count])))
		count++;
	assert_true(count >= 512);
	assert_int_equal(RESULT_STATUS(fake_hypercall(HVCALL_CREATE_PARTITION, &create, sizeof(create), NULL, 0)), HV_STATUS_NO_RESOURCES);
	assert_int_equal(partition_count(), HV_MAX_PARTITIONS - 1);	/* id 0 is nobody's */
	while (count--)
		assert_int_equal(fake_fast_hypercall(HVCALL_DELETE_PARTITION, ids[count], 0), HV_STATUS_SUCCESS);
	assert_int_equal(root_partition.pool.free_pages, free);
	assert_int_equal(root_partition.pool.total_pages, in_pool + HV_MAX_PARTITIONS);
}

static void a_flush_reaches_the_vps_it_names_and_no_other(void **state)
{
	static const struct { uint64_t flags, mask, lps; unsigned int first, second; } rows[] = {
		{ 0, 2, 2, 0, 1 }, { 0, 1, 0, 1, 1 }, { 0, 0, 0, 1, 1 }, { HV_FLUSH_ALL_PROCESSORS, 0, 2, 2, 2 },
	};
	uint64_t id = fake_child();
	struct vp *first = fake_child_vp(id, 0), *second = fake_child_vp(id, 1);

	(void)state;
	second->running = true;
	second->lp = lp_get(1);
	assert_int_equal(RESULT_STATUS(map(id, 0, CHILD_RAM >> 12, RWX, 1)), HV_STATUS_SUCCESS);
	vcpu_set_register(first, HV_X64_REGISTER_CR0, &(union hv_register_value){ .reg64 = 1 });
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(fake_spa(CHILD_RAM), &(struct hv_in_flush){ 0, rows[i].flags, rows[i].mask }, sizeof(struct hv_in_flush));
		first->gprs.rcx = HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE;
		first->gprs.rdx = 0;
		hc_dispatch(first);
		assert_int_equal(RESULT_STATUS(first->gprs.rax), HV_STATUS_SUCCESS);
		assert_int_equal(fake.kicked_lps, rows[i].lps);
		assert_int_equal(first->arch->flushes, rows[i].first);
		assert_int_equal(second->arch->flushes, rows[i].second);
	}
}

/* 1 GiB of the root's memory that is not in this model: hv only maps it. */
#define GIGABYTE	(1ull << 30)
static void leaves_are_as_large_as_their_backing_allows(void **state)
{
	struct partition *p = get(fake_child());
	struct gpa_space *g = &p->gpa;
	uint64_t free, spa;
	unsigned int access;

	(void)state;
	gpa_space_map(g, (gpa_t){ 4 * GIGABYTE }, (spa_t){ 8 * GIGABYTE }, 1 << 18, GPA_READ, false);	/* the call covers it */
	assert_int_equal(g->leaves[3], 1);
	free = p->pool.free_pages;
	for (uint64_t at = 0; at < GIGABYTE; at += 2 << 20)		/* piece by piece, as the driver does it */
		gpa_space_map(g, (gpa_t){ 5 * GIGABYTE + at }, (spa_t){ 9 * GIGABYTE + at }, 512, GPA_READ, false);
	assert_int_equal(g->leaves[3], 2);
	assert_int_equal(g->leaves[2], 0);
	gpa_space_flush(g, &p->lock);
	assert_int_equal(p->pool.free_pages, free);			/* the table that is not needed came back */
	for (uint64_t at = 0; at < GIGABYTE; at += 2 << 20)		/* backing that is not aligned alike stays as it is */
		gpa_space_map(g, (gpa_t){ 6 * GIGABYTE + at }, (spa_t){ 11 * GIGABYTE + (2 << 20) + at }, 512, GPA_READ, false);
	assert_int_equal(g->leaves[2], 512);
	gpa_space_map_no_access(g, (gpa_t){ 5 * GIGABYTE + 0x5000 }, 1);	/* one page less: two levels less */
	assert_int_equal(g->leaves[3], 1);
	assert_int_equal(g->leaves[2], 512 + 511);
	assert_int_equal(g->leaves[1], 511);
	assert_int_equal(gpa_space_lookup(g, (gpa_t){ 5 * GIGABYTE + 0x5000 }, &(spa_t){ 0 }, &access), GPA_NO_ACCESS);
	gpa_space_map(g, (gpa_t){ 5 * GIGABYTE + 0x5000 }, (spa_t){ 9 * GIGABYTE + 0x5000 }, 1, GPA_READ | GPA_WRITE, false);
	assert_int_equal(g->leaves[3], 1);				/* other rights */
	gpa_space_map(g, (gpa_t){ 5 * GIGABYTE + 0x5000 }, (spa_t){ 9 * GIGABYTE + 0x5000 }, 1, GPA_READ, false);
	assert_int_equal(g->leaves[3], 2);				/* whole again */
	assert_int_equal(g->leaves[1], 0);
	for (uint64_t at = 0; at < GIGABYTE; at += 12345 << 12) {
		spa_t found;

		assert_int_equal(gpa_space_lookup(g, (gpa_t){ 5 * GIGABYTE + at }, &found, &access), GPA_MAPPED);
		spa = found.addr;
		assert_int_equal(spa, 9 * GIGABYTE + at);
	}
}

static void a_leaf_split_for_dirty_tracking_is_merged_after(void **state)
{
	struct partition *p = get(fake_child());
	struct gpa_space *g = &p->gpa;

	(void)state;
	gpa_space_map(g, (gpa_t){ 4 * GIGABYTE }, (spa_t){ 8 * GIGABYTE }, 1 << 18, GPA_READ | GPA_WRITE, false);
	g->tracking = true;
	assert_int_equal(gpa_space_access_state(g, (gpa_t){ 4 * GIGABYTE }, 0), 0);
	assert_int_equal(g->leaves[3], 1);				/* a look does not split */
	for (uint64_t page = 0; page < 512; page++)
		gpa_space_access_state(g, (gpa_t){ 4 * GIGABYTE + (page << 12) }, HV_GPA_SET_DIRTY);
	assert_int_equal(g->leaves[2], 512);				/* the first 2 MiB are dirty as a whole, others are not */
	gpa_space_access_state(g, (gpa_t){ 4 * GIGABYTE + 0x7000 }, HV_GPA_CLEAR_DIRTY);
	assert_int_equal(g->leaves[2], 511);
	assert_int_equal(gpa_space_access_state(g, (gpa_t){ 4 * GIGABYTE + 0x7000 }, 0) & HV_GPA_STATE_DIRTY, 0);
	assert_true(gpa_space_access_state(g, (gpa_t){ 4 * GIGABYTE + 0x8000 }, 0) & HV_GPA_STATE_DIRTY);
	g->tracking = false;						/* the driver sets what it cleared before it stops */
	gpa_space_access_state(g, (gpa_t){ 4 * GIGABYTE + 0x7000 }, HV_GPA_SET_DIRTY);
	assert_int_equal(g->leaves[3], 1);
	assert_int_equal(g->leaves[2] + g->leaves[1], 0);
}

static void mapping_over_a_mapping_is_legal_both_ways(void **state)
{
	uint64_t id = fake_child(), spa, free;

	(void)state;
	map(id, 0x200, CHILD_RAM >> 12, RWX, 1);
	free = get(id)->pool.free_pages;
	assert_int_equal(RESULT_STATUS(map(id, 0x200, CHILD_RAM >> 12, RWX | HV_MAP_GPA_LARGE_PAGE, 1)), HV_STATUS_SUCCESS);
	assert_int_equal(get(id)->pool.free_pages, free + 1);	/* the table of small pages came back after the flush */
	assert_int_equal(RESULT_STATUS(map(id, 0x201, (CHILD_RAM >> 12) + 7, RWX, 1)), HV_STATUS_SUCCESS);
	state_of(id, 0x201000, &spa);
	assert_int_equal(spa, CHILD_RAM + 0x7000);
	state_of(id, 0x202000, &spa);
	assert_int_equal(spa, CHILD_RAM + 0x2000);
}

static void only_the_roots_own_memory_can_be_mapped(void **state)
{
	uint64_t id = fake_child(), spa;

	(void)state;
	assert_int_equal(RESULT_STATUS(map(id, 0x200, 0x400, RWX, 1)), HV_STATUS_INVALID_PARAMETER);	/* deposited */
	assert_int_equal(RESULT_STATUS(map(id, 0x200, FAKE_RAM >> 12, RWX, 1)), HV_STATUS_INVALID_PARAMETER);
	assert_int_equal(RESULT_STATUS(map(id, 0x201, CHILD_RAM >> 12, RWX | HV_MAP_GPA_LARGE_PAGE, 1)),
			 HV_STATUS_INVALID_PARAMETER);		/* not aligned */
	assert_int_equal(state_of(id, 0x200000, &spa), GPA_UNMAPPED);
}

static void a_lent_page_cannot_be_deposited(void **state)
{
	uint64_t id = fake_child(), in[] = { id, (CHILD_RAM >> 12) + 5 };
	static const uint32_t ways[] = { HV_MAP_GPA_NO_ACCESS, HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_LARGE_PAGE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		map(id, 0x200, CHILD_RAM >> 12, RWX | HV_MAP_GPA_LARGE_PAGE, 1);
		map(id, 0x805, (CHILD_RAM >> 12) + 5, RWX, 1);		/* and once more elsewhere */
		assert_true(frame_is_lent((spa_t){ CHILD_RAM + 0x5000 }));
		assert_int_equal(RESULT_STATUS(fake_hypercall(HVCALL_DEPOSIT_MEMORY | REPS(1), in, sizeof(in), NULL, 0)),
				 HV_STATUS_INVALID_PARAMETER);
		map(id, ways[i] & HV_MAP_GPA_LARGE_PAGE ? 0x200 : 0x205, 0, ways[i], 1);
		assert_true(frame_is_lent((spa_t){ CHILD_RAM + 0x5000 }));
		map(id, 0x805, (CHILD_RAM >> 12) + 6, RWX, 1);		/* replaced */
		assert_false(frame_is_lent((spa_t){ CHILD_RAM + 0x5000 }));
	}
	assert_true(frame_is_lent((spa_t){ CHILD_RAM + 0x6000 }));
	assert_int_equal(fake_fast_hypercall(HVCALL_FINALIZE_PARTITION, id, 0), HV_STATUS_SUCCESS);
	for (uint64_t page = 0; page < 1024; page++)
		assert_false(frame_is_lent((spa_t){ CHILD_RAM + page * PAGE_SIZE }));
}

static void a_removal_never_fails_for_want_of_memory(void **state)
{
	uint64_t id = fake_child(), spa;
	spa_t page;

	(void)state;
	map(id, 0x200, CHILD_RAM >> 12, RWX | HV_MAP_GPA_LARGE_PAGE, 8);
	while (pool_withdraw(&get(id)->pool, &page))
		;
	for (unsigned int i = 0; i < 8; i++) {			/* more splits than there is a reserve for */
		assert_int_equal(RESULT_STATUS(map(id, 0x200 + i * 512 + 3, 0, HV_MAP_GPA_NO_ACCESS, 1)), HV_STATUS_SUCCESS);
		assert_int_equal(state_of(id, (0x203 + i * 512) << 12, &spa), GPA_NO_ACCESS);
	}
	assert_int_equal(RESULT_STATUS(map(id, 0x5000, CHILD_RAM >> 12, RWX, 1)), HV_STATUS_INSUFFICIENT_MEMORY);
}

static void an_overlay_hides_a_page_and_survives_remapping(void **state)
{
	uint64_t id = fake_child(), spa, simp;
	struct vp *vp = fake_child_vp(id, 0);

	(void)state;
	map(id, 0x200, CHILD_RAM >> 12, RWX | HV_MAP_GPA_LARGE_PAGE, 1);
	simp = virt_to_spa(vp->synic->messages).addr;
	assert_true(synic_write_msr(vp->synic, HV_X64_MSR_SIMP, 0x210000 | HV_MSR_PAGE_ENABLE));
	state_of(id, 0x210000, &spa);
	assert_int_equal(spa, simp);
	map(id, 0x200, 0, HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_LARGE_PAGE, 1);
	assert_int_equal(state_of(id, 0x211000, &spa), GPA_NO_ACCESS);
	state_of(id, 0x210000, &spa);
	assert_int_equal(spa, simp);
	map(id, 0x200, CHILD_RAM >> 12, RWX | HV_MAP_GPA_LARGE_PAGE, 1);
	assert_true(synic_write_msr(vp->synic, HV_X64_MSR_SIMP, 0));
	state_of(id, 0x210000, &spa);
	assert_int_equal(spa, CHILD_RAM + 0x10000);
}

static void dirty_state_is_kept_per_small_page(void **state)
{
	struct hv_in_set_property track = { .property = HV_PROPERTY_GPA_ACCESS_TRACKING, .value = 1 };
	struct hv_in_access_states in = { .flags = HV_GPA_CLEAR_DIRTY, .gpfn = 0x200 };
	uint8_t states[4];
	uint64_t id = fake_child();

	(void)state;
	track.partition_id = in.partition_id = id;
	map(id, 0x200, CHILD_RAM >> 12, RWX | HV_MAP_GPA_LARGE_PAGE, 1);
	assert_int_equal(RESULT_STATUS(fake_hypercall(HVCALL_GET_GPA_PAGES_ACCESS_STATES | REPS(4), &in, sizeof(in), NULL, 0)),
			 HV_STATUS_OPERATION_DENIED);
	assert_int_equal(fake_hypercall(HVCALL_SET_PARTITION_PROPERTY, &track, sizeof(track), NULL, 0), 0);
	gpa_space_access_state(&get(id)->gpa, (gpa_t){ 0x200000 }, HV_GPA_SET_DIRTY);
	fake_hypercall(HVCALL_GET_GPA_PAGES_ACCESS_STATES | REPS(4), &in, sizeof(in), states, 4);
	assert_true(states[0] & HV_GPA_STATE_DIRTY);
	fake_hypercall(HVCALL_GET_GPA_PAGES_ACCESS_STATES | REPS(4), &in, sizeof(in), states, 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_false(states[i] & HV_GPA_STATE_DIRTY);
	gpa_space_access_state(&get(id)->gpa, (gpa_t){ 0x202000 }, HV_GPA_SET_DIRTY);
	fake_hypercall(HVCALL_GET_GPA_PAGES_ACCESS_STATES | REPS(4), &in, sizeof(in), states, 4);
	assert_false(states[1] & HV_GPA_STATE_DIRTY);
	assert_true(states[2] & HV_GPA_STATE_DIRTY);
}

/* Local APIC */

static struct lapic *enabled_lapic(struct vp *vp)
{
	uint8_t vector;

	lapic_mmio_write(vp->lapic, APIC_SVR * 16, 0x1ff, &vector);
	return vp->lapic;
}

static void the_apic_honours_priorities(void **state)
{
	struct lapic *l = enabled_lapic(fake_child_vp(fake_child(), 0));
	uint8_t vector = 0;

	(void)state;
	lapic_post(l, 0x31, false);
	lapic_post(l, 0x45, false);
	assert_int_equal(lapic_pending(l), 0x45);
	lapic_accept(l, 0x45);
	assert_int_equal(lapic_pending(l), -1);			/* a lower class waits */
	assert_int_equal(lapic_eoi(l, &vector), LAPIC_OK);
	assert_int_equal(lapic_pending(l), 0x31);
	lapic_mmio_write(l, APIC_TPR * 16, 0x30, &vector);
	assert_int_equal(lapic_pending(l), -1);
	assert_int_equal(vcpu_cr8(l->vp), 3);
}

static void a_vector_held_back_by_the_tpr_is_waited_for(void **state)
{
	struct lapic *l = enabled_lapic(fake_child_vp(fake_child(), 0));
	uint8_t vector;

	(void)state;
	lapic_post(l, 0x51, false);
	assert_int_equal(lapic_waits_for_tpr(l), 0);		/* nothing holds it back */
	lapic_mmio_write(l, APIC_TPR * 16, 0x50, &vector);
	assert_int_equal(lapic_waits_for_tpr(l), 5);
	lapic_mmio_write(l, APIC_TPR * 16, 0x40, &vector);
	assert_int_equal(lapic_pending(l), 0x51);
	lapic_accept(l, 0x51);
	lapic_post(l, 0x52, false);
	assert_int_equal(lapic_waits_for_tpr(l), 0);		/* the one in service does, not the TPR */
}

static void the_end_of_a_level_interrupt_is_the_vmms_business(void **state)
{
	struct lapic *l = enabled_lapic(fake_child_vp(fake_child(), 0));
	uint8_t vector = 0;

	(void)state;
	lapic_post(l, 0x41, true);
	lapic_accept(l, 0x41);
	assert_int_equal(lapic_mmio_write(l, APIC_EOI * 16, 0, &vector), LAPIC_EOI_INTERCEPT);
	assert_int_equal(vector, 0x41);
	lapic_post(l, 0x41, false);
	lapic_accept(l, 0x41);
	assert_int_equal(lapic_mmio_write(l, APIC_EOI * 16, 0, &vector), LAPIC_OK);
}

static void x2apic_refuses_what_the_architecture_refuses(void **state)
{
	struct lapic *l = fake_child_vp(fake_child(), 0)->lapic;
	uint8_t vector;
	uint64_t value;

	(void)state;
	assert_int_equal(lapic_msr_read(l, 0x802, &value), LAPIC_FAULT);	/* still xAPIC */
	assert_true(lapic_set_base(l, l->base | LAPIC_BASE_X2APIC));
	assert_int_equal(lapic_msr_read(l, 0x802, &value), LAPIC_OK);
	assert_int_equal(lapic_msr_read(l, 0x80b, &value), LAPIC_FAULT);	/* EOI is write only */
	assert_int_equal(lapic_msr_write(l, 0x80b, 1, &vector), LAPIC_FAULT);
	assert_int_equal(lapic_msr_write(l, 0x80e, 0, &vector), LAPIC_FAULT);	/* no DFR */
	assert_int_equal(lapic_msr_write(l, 0x80f, 1ull << 32, &vector), LAPIC_FAULT);
	assert_false(lapic_set_base(l, l->base & ~LAPIC_BASE_X2APIC));		/* only by way of "disabled" */
}

static void init_and_sipi_reach_only_their_target(void **state)
{
	uint64_t id = fake_child();
	struct vp *first = fake_child_vp(id, 0), *second = fake_child_vp(id, 1), *third = fake_child_vp(id, 2);

	(void)state;
	lapic_send_ipi(first->lapic, 0x4500, 1);
	lapic_send_ipi(first->lapic, 0x4609, 1);
	assert_true(second->init_pending && second->sipi_pending);
	assert_int_equal(second->sipi_vector, 9);
	assert_false(third->init_pending || first->init_pending);
}

static void the_pic_gets_through_lint0_only(void **state)
{
	uint64_t id = fake_child(), result;
	struct vp *vp = fake_child_vp(id, 0);
	struct hv_in_assert_interrupt in = { .partition_id = id, .type = HV_INTERRUPT_EXTINT, .vector = 8 };
	uint8_t vector;

	(void)state;
	enabled_lapic(vp);
	assert_int_equal(fake_hypercall(HVCALL_ASSERT_VIRTUAL_INTERRUPT, &in, sizeof(in), NULL, 0), HV_STATUS_SUCCESS);
	assert_true(vp->extint_pending);
	assert_false(lapic_accepts_extint(vp->lapic));
	lapic_mmio_write(vp->lapic, 0x350, 0x700, &vector);
	assert_true(lapic_accepts_extint(vp->lapic));
	result = fake_fast_hypercall(HVCALL_CLEAR_VIRTUAL_INTERRUPT, id, 0);
	assert_int_equal(RESULT_STATUS(result), HV_STATUS_SUCCESS);
	result = fake_fast_hypercall(HVCALL_CLEAR_VIRTUAL_INTERRUPT, id, 0);
	assert_int_equal(RESULT_STATUS(result), HV_STATUS_INVALID_VP_STATE);	/* there is none any more */
}

static void the_apic_timer_fires_once_or_periodically(void **state)
{
	struct vp *vp = fake_child_vp(fake_child(), 0);
	struct lapic *l = enabled_lapic(vp);
	uint8_t vector;

	(void)state;
	lapic_mmio_write(l, APIC_DIVIDE * 16, 0xb, &vector);
	lapic_mmio_write(l, APIC_LVT_TIMER * 16, 0x40, &vector);
	lapic_mmio_write(l, APIC_INITIAL_COUNT * 16, 200000, &vector);		/* 1 ms at 200 MHz */
	assert_ptr_equal(fake.armed, &vp->deadline);
	assert_int_equal(fake.armed_tsc, fake.tsc + 1000000);
	fake.tsc += 999999;
	fake.armed->fire(fake.armed);
	assert_int_equal(lapic_pending(l), -1);
	fake.tsc += 1;
	fake.armed->fire(fake.armed);
	assert_int_equal(lapic_pending(l), 0x40);
	assert_int_equal(lapic_timer_deadline(l), 0);
	lapic_mmio_write(l, APIC_LVT_TIMER * 16, 0x20041, &vector);
	lapic_mmio_write(l, APIC_INITIAL_COUNT * 16, 200000, &vector);
	fake.tsc += 1000000;
	fake.armed->fire(fake.armed);
	assert_int_equal(lapic_pending(l), 0x41);
	assert_int_equal(lapic_timer_deadline(l), fake.tsc + 1000000);
}

/* SynIC, kicks, running */

static void enable_root_synic(void)
{
	struct synic *s = fake.root_vps[0].synic;

	synic_write_msr(s, HV_X64_MSR_SIMP, s->simp | HV_MSR_PAGE_ENABLE);
	synic_write_msr(s, HV_X64_MSR_SINT0, 0xf3);
	synic_write_msr(s, HV_X64_MSR_SCONTROL, 1);
}

static void a_blocked_vp_is_signalled_exactly_once(void **state)
{
	uint64_t id = fake_child();
	struct vp *vp = fake_child_vp(id, 0);
	struct hv_in_dispatch_vp in = { .partition_id = id };
	struct hv_out_dispatch_vp out;
	struct hv_message *slot = &fake.root_vps[0].synic->messages->sint[0];
	struct hv_vp_signal_pair_message *pair = (void *)slot->payload;

	(void)state;
	enable_root_synic();
	enabled_lapic(vp);
	vp->explicit_suspend = false;
	vp->halted = true;
	fake_hypercall(HVCALL_DISPATCH_VP, &in, sizeof(in), &out, sizeof(out));
	assert_int_equal(out.state, HV_DISPATCH_STATE_BLOCKED);
	assert_int_equal(slot->header.message_type, HVMSG_NONE);
	lapic_post(vp->lapic, 0x50, false);
	lapic_post(vp->lapic, 0x51, false);
	assert_int_equal(slot->header.message_type, HVMSG_SCHEDULER_VP_SIGNAL_PAIR);
	assert_int_equal(pair->vp_count, 1);
	assert_int_equal(pair->partition_ids[0], id);
	assert_int_equal(vp->root_signal_count, 1);
	assert_int_equal(fake.lps[0].interrupts, 1);
	assert_int_equal(fake.lps[0].last_vector, 0xf3);
	vp->arch->can_take_interrupt = true;
	fake_hypercall(HVCALL_DISPATCH_VP, &in, sizeof(in), &out, sizeof(out));
	assert_int_equal(out.state, HV_DISPATCH_STATE_READY);
	assert_int_equal(vp->arch->injected, 0x51);
	assert_false(vp->halted);
}

static void a_suspended_vp_is_not_signalled_until_it_is_released(void **state)
{
	struct { struct hv_in_vp_registers head; struct hv_register_assoc element; } set = {
		.element = { .name = HV_REGISTER_EXPLICIT_SUSPEND },
	};
	uint64_t id = fake_child();
	struct vp *vp = fake_child_vp(id, 0);
	struct hv_in_dispatch_vp in = { .partition_id = id };
	struct hv_out_dispatch_vp out;

	(void)state;
	enable_root_synic();
	enabled_lapic(vp);
	fake_hypercall(HVCALL_DISPATCH_VP, &in, sizeof(in), &out, sizeof(out));
	assert_int_equal(out.state, HV_DISPATCH_STATE_BLOCKED);
	assert_int_equal(out.event, HV_DISPATCH_EVENT_SUSPEND);
	lapic_post(vp->lapic, 0x50, false);
	assert_int_equal(vp->root_signal_count, 0);
	set.head.partition_id = id;
	fake_hypercall(HVCALL_SET_VP_REGISTERS | REPS(1), &set, sizeof(set), NULL, 0);
	assert_int_equal(vp->root_signal_count, 1);
}

static void a_busy_slot_is_marked_and_served_after_eom(void **state)
{
	uint64_t id = fake_child();
	struct vp *a = fake_child_vp(id, 0), *b = fake_child_vp(id, 1);
	struct hv_message *slot = &fake.root_vps[0].synic->messages->sint[0];

	(void)state;
	enable_root_synic();
	a->explicit_suspend = b->explicit_suspend = false;
	a->blocked = b->blocked = true;
	vp_kick(a);
	vp_kick(b);
	assert_true(slot->header.message_flags & HV_MESSAGE_FLAG_PENDING);
	slot->header.message_type = HVMSG_NONE;
	synic_write_msr(fake.root_vps[0].synic, HV_X64_MSR_EOM, 0);
	assert_int_equal(slot->header.message_type, HVMSG_SCHEDULER_VP_SIGNAL_PAIR);
	assert_int_equal(((struct hv_vp_signal_pair_message *)slot->payload)->vp_indexes[0], 1);
	assert_int_equal(slot->header.message_flags, 0);
}

static void take_synic_of(uint32_t root_vp)
{
	struct synic *s = fake.root_vps[root_vp].synic;

	synic_write_msr(s, HV_X64_MSR_SIMP, s->simp | HV_MSR_PAGE_ENABLE);
	synic_write_msr(s, HV_X64_MSR_SIRBP, s->sirbp | HV_MSR_PAGE_ENABLE);
	synic_write_msr(s, HV_X64_MSR_SINT0, 0xf3);
	synic_write_msr(s, HV_X64_MSR_SINT0 + HV_SYNIC_DOORBELL_SINT, 0xf3 | HV_SINT_AS_INTERCEPT);
	synic_write_msr(s, HV_X64_MSR_SCONTROL, 1);
}

/* A signal in its slot, one queued behind it, and a doorbell in its ring: none was read when the processor went off line. */
static void what_an_off_line_processor_left_goes_to_another(void **state)
{
	struct hv_in_create_port port = {
		.port_partition = HV_PARTITION_ID_SELF, .port_id = 9,
		.port = { .type = HV_PORT_TYPE_DOORBELL, .sint = HV_SYNIC_DOORBELL_SINT, .vp = HV_ANY_VP },
	};
	uint64_t id = fake_child();
	struct vp *a = fake_child_vp(id, 0), *b = fake_child_vp(id, 1);
	struct synic *from = fake.root_vps[0].synic, *to = fake.root_vps[1].synic;
	struct hv_message *left = &from->messages->sint[0], *slot = &to->messages->sint[0];
	struct hv_vp_signal_pair_message *pair = (void *)slot->payload;

	(void)state;
	take_synic_of(0);
	take_synic_of(1);
	assert_int_equal(fake_hypercall(HVCALL_CREATE_PORT, &port, sizeof(port), NULL, 0), HV_STATUS_SUCCESS);
	a->explicit_suspend = b->explicit_suspend = false;
	a->blocked = b->blocked = true;
	a->lp = b->lp = &fake.lps[0];
	vp_kick(a);
	vp_kick(b);
	doorbell_ring(9, &fake.root_vps[0]);
	assert_int_equal(from->rings->sint[HV_SYNIC_DOORBELL_SINT].data[0], 9);
	synic_write_msr(from, HV_X64_MSR_SINT0, HV_SINT_MASKED | 0xf3);
	assert_int_equal(left->header.message_type, HVMSG_NONE);
	assert_int_equal(from->rings->sint[HV_SYNIC_DOORBELL_SINT].data[0], 0);
	assert_int_equal(to->rings->sint[HV_SYNIC_DOORBELL_SINT].data[0], 9);
	for (unsigned int messages = 0, pairs = 0, rings = 0; pairs < 2 || !rings; messages++) {
		assert_true(messages < 4);
		rings += slot->header.message_type == HVMSG_SYNIC_SINT_INTERCEPT;
		pairs += slot->header.message_type == HVMSG_SCHEDULER_VP_SIGNAL_PAIR ? pair->vp_count : 0;
		slot->header.message_type = HVMSG_NONE;
		synic_write_msr(to, HV_X64_MSR_EOM, 0);
	}
	assert_int_not_equal(fake.lps[1].interrupts, 0);
	doorbell_ring(9, &fake.root_vps[0]);
	assert_int_equal(from->rings->sint[HV_SYNIC_DOORBELL_SINT].data[0], 0);
}

static void an_event_flag_interrupts_only_when_newly_set(void **state)
{
	struct vp *vp = fake_child_vp(fake_child(), 0);
	bool newly;

	(void)state;
	enabled_lapic(vp);
	assert_int_equal(synic_signal(vp->synic, 2, 5, &newly), HV_STATUS_INVALID_SYNIC_STATE);
	synic_write_msr(vp->synic, HV_X64_MSR_SCONTROL, 1);
	synic_write_msr(vp->synic, HV_X64_MSR_SIEFP, 0x3000 | HV_MSR_PAGE_ENABLE);
	assert_false(synic_write_msr(vp->synic, HV_X64_MSR_SINT0 + 2, 5));	/* vectors below 16 */
	assert_true(synic_write_msr(vp->synic, HV_X64_MSR_SINT0 + 2, 0xf3));
	assert_int_equal(synic_signal(vp->synic, 2, 37, &newly), HV_STATUS_SUCCESS);
	assert_true(newly);
	assert_int_equal(vp->synic->flags->sint[2][1], 1u << 5);
	assert_int_equal(lapic_pending(vp->lapic), 0xf3);
	lapic_accept(vp->lapic, 0xf3);
	synic_signal(vp->synic, 2, 37, &newly);
	assert_false(newly);
}

/* Register page */

static void the_register_page_and_registers_merge(void **state)
{
	struct { struct hv_in_vp_registers head; struct hv_register_assoc element; } set = {
		.element = { .name = HV_X64_REGISTER_RBX, .value.reg64 = 22 },
	};
	struct hv_in_vp_state_page map_page = { .type = HV_VP_STATE_PAGE_REGISTERS };
	struct hv_vp_register_page *page;
	uint64_t id = fake_child(), gpfn;
	struct vp *vp = fake_child_vp(id, 0);

	(void)state;
	map_page.partition_id = set.head.partition_id = id;
	assert_int_equal(fake_hypercall(HVCALL_MAP_VP_STATE_PAGE, &map_page, sizeof(map_page), &gpfn, 8), HV_STATUS_SUCCESS);
	page = fake_spa(gpfn << 12);
	assert_true(page->isvalid && page->version == 1 && !page->dirty);
	page->rax = 11;
	page->rip = 0x7000;
	page->dirty = 1u << HV_REGISTER_CLASS_GENERAL;		/* RIP was not marked: it is not taken */
	fake_hypercall(HVCALL_SET_VP_REGISTERS | REPS(1), &set, sizeof(set), NULL, 0);
	assert_int_equal(vp->gprs.rax, 11);
	assert_int_equal(vp->gprs.rbx, 22);
	assert_int_equal(vp->arch->rip, 0);
	assert_int_equal(page->rax, 11);
	assert_int_equal(page->rbx, 22);
	assert_int_equal(page->dirty, 0);
}

/* Decoder */

static void moves_are_decoded_and_nothing_else(void **state)
{
	static const struct { const char *text; uint8_t bytes[12]; unsigned int bits; bool ok, write; uint8_t size, length, reg; } rows[] = {
		{ "mov [rdi+0x80], eax", { 0x89, 0x87, 0x80, 0, 0, 0 }, 64, true, true, 4, 6, 0 },
		{ "mov ecx, [rip+x]", { 0x8b, 0x0d, 1, 2, 3, 4 }, 64, true, false, 4, 6, 1 },
		{ "mov r9d, [r8+rax*4]", { 0x45, 0x8b, 0x0c, 0x80 }, 64, true, false, 4, 4, 9 },
		{ "mov dword [0xfee000b0], 0", { 0xc7, 0x05, 0xb0, 0, 0xe0, 0xfe, 0, 0, 0, 0 }, 32, true, true, 4, 10, 0 },
		{ "mov [moffs], eax", { 0xa3, 0xb0, 0, 0xe0, 0xfe }, 32, true, true, 4, 5, 0 },
		{ "mov word [bx], ax", { 0x89, 0x07 }, 16, true, true, 2, 2, 0 },
		{ "movzx eax, byte [rbx]", { 0x0f, 0xb6, 0x03 }, 64, true, false, 1, 3, 0 },
		{ "xchg [rbx], eax", { 0x87, 0x03 }, 64, false, false, 0, 0, 0 },
		{ "mov eax, ebx: no memory", { 0x8b, 0xc3 }, 64, false, false, 0, 0, 0 },
		{ "rep movsd", { 0xf3, 0xa5 }, 64, false, false, 0, 0, 0 },
	};
	struct move m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool ok = decode_move(rows[i].bytes, sizeof(rows[i].bytes), rows[i].bits, &m);

		if (ok != rows[i].ok || (ok && (m.write != rows[i].write || m.size != rows[i].size ||
						m.length != rows[i].length || m.reg != rows[i].reg)))
			fail_msg("%s", rows[i].text);
	}
	assert_false(decode_move(rows[0].bytes, 4, 64, &m));	/* cut off */
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_bad_control_word_is_refused), TEST(a_bad_pointer_is_refused), TEST(user_mode_cannot_call),
		TEST(deposited_pages_leave_the_root_and_come_back_scrubbed), TEST(a_deposit_is_all_or_nothing),
		TEST(a_partition_gives_everything_back), TEST(a_vp_without_memory_leaves_no_trace),
		TEST(a_large_leaf_is_split_by_taking_one_page_out), TEST(there_can_be_64_vps_in_a_partition_and_512_partitions),
		TEST(a_flush_reaches_the_vps_it_names_and_no_other),
		TEST(leaves_are_as_large_as_their_backing_allows),
		TEST(a_leaf_split_for_dirty_tracking_is_merged_after), TEST(mapping_over_a_mapping_is_legal_both_ways),
		TEST(only_the_roots_own_memory_can_be_mapped), TEST(a_lent_page_cannot_be_deposited),
		TEST(a_removal_never_fails_for_want_of_memory),
		TEST(an_overlay_hides_a_page_and_survives_remapping), TEST(dirty_state_is_kept_per_small_page),
		TEST(the_apic_honours_priorities), TEST(a_vector_held_back_by_the_tpr_is_waited_for),
		TEST(the_end_of_a_level_interrupt_is_the_vmms_business),
		TEST(x2apic_refuses_what_the_architecture_refuses), TEST(init_and_sipi_reach_only_their_target),
		TEST(the_pic_gets_through_lint0_only), TEST(the_apic_timer_fires_once_or_periodically),
		TEST(what_an_off_line_processor_left_goes_to_another), TEST(a_blocked_vp_is_signalled_exactly_once), TEST(a_suspended_vp_is_not_signalled_until_it_is_released),
		TEST(a_busy_slot_is_marked_and_served_after_eom), TEST(an_event_flag_interrupts_only_when_newly_set),
		TEST(the_register_page_and_registers_merge), TEST(moves_are_decoded_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
