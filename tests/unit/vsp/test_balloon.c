/* SPDX-License-Identifier: Apache-2.0 */
/* The dynamic memory channel against a guest that behaves as hv_balloon does, and one that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "fake_bus.h"
#include "vmwp/vsp/balloon.h"
#include "vmwp/vsp/balloon_pages.h"
#include "vmwp/vsp/balloon_wire.h"

#define SECOND	1000000000ull
#define MIB	(1ull << 20)
#define GIB	(1ull << 30)
#define PAGES(bytes)	((bytes) / 4096)

struct fixture { struct machine m; struct device *dev; };
struct message { struct dm_header h; uint64_t body[512]; };

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->m.ram_low = 1 * GIB;
	f->m.ram_max = 4 * GIB;
	f->m.now = 1;
	f->dev = fake_add(&f->m, &balloon_model);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_clear(&f->m);
	free(f);
	return 0;
}

static void say(struct vmbus_channel *c, uint16_t type, const void *body, size_t size)
{
	struct message m = { .h = { type, (uint16_t)(8 + size), 77 } };

	memcpy(m.body, body, size);
	fake_send(c, &m, 8 + size);
}

static void expect(struct vmbus_channel *c, uint16_t type, struct message *m)
{
	assert_true(fake_take(c, m, sizeof(*m)) >= 8);
	assert_int_equal(m->h.type, type);
}

/* As Linux 7.3: 2.0 only, balloon and hot add in steps of 128 MiB. */
static struct vmbus_channel *connect(struct fixture *f, uint64_t capabilities)
{
	struct vmbus_channel *c = fake_channel(f->dev);
	struct message m;

	assert_int_equal(fake_open(c), 0);
	say(c, DM_VERSION_REQUEST, (uint32_t[]){ DM_VERSION(2, 0), 1 }, 8);
	expect(c, DM_VERSION_RESPONSE, &m);
	assert_int_equal(m.body[0], 1);
	say(c, DM_CAPABILITIES, (uint64_t[]){ capabilities, 0, ~0ull }, 24);
	expect(c, DM_CAPABILITIES_RESPONSE, &m);
	assert_int_equal(m.body[0], 1);
	return c;
}

#define LINUX	(DM_CAN_BALLOON | DM_CAN_HOT_ADD | 7u << DM_ALIGNMENT_SHIFT)

static uint64_t assigned(struct fixture *f)
{
	struct balloon_figures figures;

	balloon_get_figures(&f->m, &figures);
	return figures.assigned_bytes;
}

/* The guest answers a balloon request with `count` pages in units of 2 MiB from `page` on. */
static void give(struct vmbus_channel *c, uint64_t page, uint64_t count)
{
	uint64_t body[1 + 400], units = 0;

	while (count) {
		uint64_t run = count < 512 ? count : 512;

		body[1 + units++] = dm_range(page, run);
		page += run;
		count -= run;
		if (units == 400 || !count) {
			body[0] = (uint64_t)((uint32_t)units << 1 | (count != 0)) << 32;
			say(c, DM_BALLOON_RESPONSE, body, 8 + 8 * units);
			units = 0;
		}
	}
}

static void the_guests_report_becomes_figures(void **state)
{
	struct fixture *f = *state;
	struct balloon_figures g;
	struct vmbus_channel *c;

	balloon_get_figures(&f->m, &g);
	assert_false(g.driver);
	assert_int_equal(g.assigned_bytes, 1 * GIB);
	assert_int_equal(g.demand_bytes, 1 * GIB);
	c = connect(f, LINUX);
	say(c, DM_STATUS, (uint64_t[]){ PAGES(600 * MIB), PAGES(300 * MIB), 0, 0, 0 }, 40);
	balloon_get_figures(&f->m, &g);
	assert_true(g.driver);
	assert_int_equal(g.demand_bytes, 300 * MIB);
	assert_int_equal(g.available_bytes, 600 * MIB);
	say(c, DM_STATUS, (uint64_t[]){ ~0ull, ~0ull, 0, 0, 0 }, 40);
	balloon_get_figures(&f->m, &g);
	assert_int_equal(g.available_bytes, 1 * GIB);		/* it cannot give what it has not got */
	fake_close(c);
	balloon_get_figures(&f->m, &g);
	assert_false(g.driver);
}

static void nothing_is_asked_of_a_guest_that_still_boots(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = connect(f, LINUX);
	struct message m;

	assert_int_equal(balloon_set_target(&f->m, 512 * MIB), 0);
	fake_advance(&f->m, 49 * SECOND);
	assert_int_equal(c->count, 0);
	fake_advance(&f->m, 2 * SECOND);
	expect(c, DM_BALLOON_REQUEST, &m);
	assert_int_equal((uint32_t)m.body[0], PAGES(512 * MIB));
}

static void pages_are_taken_and_given_back(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = connect(f, LINUX);
	uint64_t got = 0;
	struct message m;

	balloon_set_target(&f->m, 512 * MIB);
	fake_advance(&f->m, 51 * SECOND);
	expect(c, DM_BALLOON_REQUEST, &m);
	give(c, PAGES(400 * MIB), PAGES(512 * MIB));
	assert_int_equal(assigned(f), 512 * MIB);
	assert_int_equal(f->m.released, 512 * MIB);
	assert_int_equal(c->count, 0);
	balloon_set_target(&f->m, 768 * MIB);
	expect(c, DM_UNBALLOON_REQUEST, &m);
	for (uint32_t i = 0; i < m.body[0] >> 32; i++) {
		assert_true(dm_range_page(m.body[1 + i]) >= PAGES(400 * MIB));
		assert_true(dm_range_page(m.body[1 + i]) + dm_range_count(m.body[1 + i]) <= PAGES(912 * MIB));
		got += dm_range_count(m.body[1 + i]);
	}
	assert_int_equal(got, PAGES(256 * MIB));
	say(c, DM_UNBALLOON_RESPONSE, NULL, 0);
	assert_int_equal(assigned(f), 768 * MIB);
	assert_int_equal(c->count, 0);
}

static void a_guest_may_give_less_than_asked(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = connect(f, LINUX);
	struct message m;

	balloon_set_target(&f->m, 512 * MIB);
	fake_advance(&f->m, 51 * SECOND);
	expect(c, DM_BALLOON_REQUEST, &m);
	give(c, PAGES(16 * MIB), PAGES(100 * MIB));
	assert_int_equal(c->count, 0);			/* and is not asked again at once */
	fake_advance(&f->m, 11 * SECOND);
	expect(c, DM_BALLOON_REQUEST, &m);
	assert_int_equal((uint32_t)m.body[0], PAGES(412 * MIB));
	say(c, DM_BALLOON_RESPONSE, (uint64_t[]){ 0 }, 8);	/* nothing at all */
	assert_false(c->faulted);
	assert_int_equal(assigned(f), 924 * MIB);
}

static void memory_is_added_above_four_gib_in_aligned_pieces(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = connect(f, LINUX);
	struct message m;

	assert_int_equal(balloon_set_target(&f->m, 5 * GIB), -ERANGE);
	assert_int_equal(balloon_set_target(&f->m, 1 * MIB), -ERANGE);
	assert_int_equal(balloon_set_target(&f->m, 1700 * MIB), 0);
	fake_advance(&f->m, 51 * SECOND);
	expect(c, DM_HOT_ADD_REQUEST, &m);
	assert_int_equal(dm_range_page(m.body[0]), 0x100000);
	assert_int_equal(dm_range_count(m.body[0]), PAGES(640 * MIB));	/* 676 MiB in steps of 128 */
	assert_int_equal(m.body[1], m.body[0]);
	assert_int_equal(f->m.ram_high, 640 * MIB);			/* there before the guest hears of it */
	say(c, DM_HOT_ADD_RESPONSE, (uint32_t[]){ PAGES(640 * MIB), 1 }, 8);
	assert_int_equal(assigned(f), 1664 * MIB);
	assert_int_equal(c->count, 0);
	balloon_set_target(&f->m, 1 * GIB);
	expect(c, DM_BALLOON_REQUEST, &m);
	give(c, 0x100000, PAGES(640 * MIB));				/* pages from there, too */
	assert_int_equal(assigned(f), 1 * GIB);
	balloon_set_target(&f->m, 1100 * MIB);
	expect(c, DM_UNBALLOON_REQUEST, &m);
	assert_int_equal(dm_range_page(m.body[1]), 0x100000);
}

static void a_guest_that_cannot_add_memory_is_not_asked_again(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = connect(f, LINUX);
	struct message m, again;

	balloon_set_target(&f->m, 2 * GIB);
	fake_advance(&f->m, 51 * SECOND);
	expect(c, DM_HOT_ADD_REQUEST, &m);
	say(c, DM_HOT_ADD_RESPONSE, (uint32_t[]){ 0, 0 }, 8);		/* not now */
	fake_advance(&f->m, 11 * SECOND);
	expect(c, DM_HOT_ADD_REQUEST, &again);
	assert_int_equal(again.body[0], m.body[0]);
	say(c, DM_HOT_ADD_RESPONSE, (uint32_t[]){ 0, 1 }, 8);		/* never */
	fake_advance(&f->m, 1000 * SECOND);
	assert_int_equal(c->count, 0);
	assert_int_equal(assigned(f), 1 * GIB);
}

static void lies_about_pages_count_once_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = connect(f, LINUX);
	uint64_t lies[] = { (uint64_t)(9 << 1) << 32, dm_range(100, 10), dm_range(105, 10), dm_range(100, 0), dm_range(PAGES(1 * GIB) - 1, 2),
			    dm_range(0xc0000, 16), dm_range(0x100000, 1), dm_range((1ull << 40) - 1, 0xffffff), dm_range(0, 0xffffff),
			    dm_range(PAGES(1 * GIB) - 1, 1) };

	balloon_set_target(&f->m, 512 * MIB);
	fake_advance(&f->m, 51 * SECOND);
	assert_int_equal(fake_take(c, &(struct message){ 0 }, 8), 16);
	say(c, DM_BALLOON_RESPONSE, lies, sizeof(lies));
	assert_false(c->faulted);
	assert_int_equal(assigned(f), 1 * GIB - 16 * 4096);
}

static void nonsense_closes_the_channel(void **state)
{
	static const struct { uint16_t type; size_t size; } bad[] = {
		{ 0, 64 }, { DM_VERSION_RESPONSE, 8 }, { DM_STATUS, 8 }, { DM_BALLOON_RESPONSE, 8 }, { DM_UNBALLOON_RESPONSE, 0 },
		{ DM_HOT_ADD_RESPONSE, 8 }, { DM_CAPABILITIES, 16 }, { 13, 64 }, { 0xffff, 64 },
	};
	struct fixture *f = *state;
	struct vmbus_channel *c = fake_channel(f->dev);
	struct message m = { .h = { DM_STATUS, 4000, 0 } };

	fake_open(c);
	say(c, DM_CAPABILITIES, m.body, 24);			/* before a version */
	assert_true(c->faulted);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = connect(f, LINUX);
		say(c, bad[i].type, m.body, bad[i].size);	/* responses that nobody asked for among them */
		if (!c->faulted)
			fail_msg("message %u of %zu bytes was taken", bad[i].type, bad[i].size);
	}
	c = connect(f, LINUX);
	fake_send(c, &m, 48);					/* says it is longer */
	assert_true(c->faulted);
	c = connect(f, LINUX);
	fake_send(c, &m, 4);
	assert_true(c->faulted);
}

static void ballooned_and_added_memory_survive_save_and_restore(void **state)
{
	struct fixture *f = *state, *other;
	struct vmbus_channel *c = connect(f, LINUX);
	struct state *s = state_save_begin();
	struct message m;
	void *fresh, *data;
	size_t size;

	balloon_set_target(&f->m, 1280 * MIB);
	fake_advance(&f->m, 51 * SECOND);
	expect(c, DM_HOT_ADD_REQUEST, &m);
	say(c, DM_HOT_ADD_RESPONSE, (uint32_t[]){ PAGES(256 * MIB), 1 }, 8);
	balloon_set_target(&f->m, 1000 * MIB);
	expect(c, DM_BALLOON_REQUEST, &m);
	give(c, PAGES(100 * MIB), PAGES(270 * MIB));
	assert_int_equal(assigned(f), 1010 * MIB);
	c->kind->state(c, s);
	assert_int_equal(state_save_end(s, &data, &size), 0);
	setup(&fresh);
	other = fresh;
	s = state_load_begin(data, size);
	c = fake_channel(other->dev);
	c->open = true;
	c->kind->state(c, s);
	assert_int_equal(state_load_end(s), 0);
	assert_int_equal(assigned(other), assigned(f));
	assert_int_equal(other->m.ram_high, 256 * MIB);
	balloon_set_target(&other->m, 1280 * MIB);
	expect(c, DM_UNBALLOON_REQUEST, &m);
	assert_int_equal(m.body[1], dm_range(PAGES(100 * MIB), PAGES(270 * MIB)));
	teardown(&fresh);
	free(data);
}

static void runs_come_out_of_the_balloon_lowest_first(void **state)
{
	struct balloon_pages p;
	uint64_t page;

	(void)state;
	assert_int_equal(balloon_pages_init(&p, 1000), 0);
	assert_int_equal(balloon_pages_take(&p, 5, &page), 0);
	for (uint64_t i = 60; i < 70; i++)
		assert_true(balloon_pages_add(&p, i));
	assert_false(balloon_pages_add(&p, 65));
	assert_false(balloon_pages_add(&p, 1000));
	assert_true(balloon_pages_add(&p, 999));
	assert_true(balloon_pages_add(&p, 3));
	assert_int_equal(balloon_pages_take(&p, 100, &page), 1);
	assert_int_equal(page, 3);
	assert_int_equal(balloon_pages_take(&p, 4, &page), 4);
	assert_int_equal(page, 60);
	assert_int_equal(balloon_pages_take(&p, 100, &page), 6);
	assert_int_equal(page, 64);
	assert_int_equal(balloon_pages_take(&p, 100, &page), 1);
	assert_int_equal(page, 999);
	assert_int_equal(p.count, 0);
	balloon_pages_fini(&p);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_guests_report_becomes_figures),
		TEST(nothing_is_asked_of_a_guest_that_still_boots),
		TEST(pages_are_taken_and_given_back),
		TEST(a_guest_may_give_less_than_asked),
		TEST(memory_is_added_above_four_gib_in_aligned_pieces),
		TEST(a_guest_that_cannot_add_memory_is_not_asked_again),
		TEST(lies_about_pages_count_once_or_not_at_all),
		TEST(nonsense_closes_the_channel),
		TEST(ballooned_and_added_memory_survive_save_and_restore),
		TEST(runs_come_out_of_the_balloon_lowest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
