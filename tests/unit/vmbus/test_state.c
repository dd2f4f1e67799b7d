/* SPDX-License-Identifier: Apache-2.0 */
/* State records: what was saved is loaded, and a hostile file is refused. */
#include "vmwp/state.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct thing { uint8_t a; uint16_t b; uint32_t c; uint64_t d; bool e; uint8_t f[5]; };

static uint32_t thing_state(struct thing *t, struct state *s, uint32_t version)
{
	uint32_t found = state_record_begin(s, "thing", version);

	if (!found)
		return 0;
	state_u8(s, &t->a);
	state_u16(s, &t->b);
	if (state_record_begin(s, "inner", 1)) {
		state_u32(s, &t->c);
		state_u64(s, &t->d);
		state_record_end(s);
	}
	state_bool(s, &t->e);
	state_bytes(s, t->f, sizeof(t->f));
	state_record_end(s);
	return found;
}

static void save(struct thing *t, uint32_t version, uint8_t **data, size_t *size)
{
	struct state *s = state_save_begin();
	void *bytes;

	assert_int_equal(thing_state(t, s, version), version);
	assert_false(state_loading(s));
	assert_int_equal(state_save_end(s, &bytes, size), 0);
	*data = bytes;
}

static struct thing sample = { 1, 0x203, 0x4050607, 0x8090a0b0c0d0e0f, true, { 9, 8, 7, 6, 5 } };

static void what_was_saved_is_loaded(void **state)
{
	struct thing t = { 0 };
	struct state *s;
	uint8_t *data;
	size_t size;

	(void)state;
	save(&sample, 3, &data, &size);
	s = state_load_begin(data, size);
	assert_int_equal(thing_state(&t, s, 4), 3);	/* a newer reader learns the version it reads */
	assert_int_equal(state_load_end(s), 0);
	assert_int_equal(t.a, 1);
	assert_int_equal(t.b, 0x203);
	assert_int_equal(t.c, 0x4050607);
	assert_true(t.d == 0x8090a0b0c0d0e0f);
	assert_true(t.e);
	assert_memory_equal(t.f, sample.f, 5);
	s = state_load_begin(data, size);
	assert_int_equal(thing_state(&t, s, 2), 0);	/* an older one refuses */
	assert_int_equal(state_load_end(s), -EBADMSG);
	free(data);
}

static void a_file_that_is_cut_short_or_has_more_is_refused(void **state)
{
	uint8_t *data, *longer;
	size_t size;

	(void)state;
	save(&sample, 1, &data, &size);
	for (size_t cut = 0; cut < size; cut++) {
		struct state *s = state_load_begin(data, cut);
		struct thing t;

		thing_state(&t, s, 1);
		assert_int_equal(state_load_end(s), -EBADMSG);
	}
	longer = calloc(1, size + 1);
	memcpy(longer, data, size);
	{
		struct state *s = state_load_begin(longer, size + 1);
		struct thing t;

		thing_state(&t, s, 1);
		assert_int_equal(state_load_end(s), -EBADMSG);
	}
	free(longer);
	free(data);
}

static void no_single_changed_bit_is_read_outside_the_file(void **state)
{
	uint8_t *data;
	size_t size;

	(void)state;
	save(&sample, 1, &data, &size);
	for (size_t bit = 0; bit < 8 * size; bit++) {
		uint8_t *copy = malloc(size);		/* exactly: the sanitizer sees a byte too far */
		struct state *s;
		struct thing t;

		memcpy(copy, data, size);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		s = state_load_begin(copy, size);
		thing_state(&t, s, 1);
		(void)state_load_end(s);
		free(copy);
	}
	free(data);
}

static void a_refusal_sticks(void **state)
{
	struct state *s;
	uint32_t v = 7;
	uint8_t *data;
	size_t size;

	(void)state;
	save(&sample, 1, &data, &size);
	s = state_load_begin(data, size);
	state_refuse(s);
	state_u32(s, &v);
	assert_int_equal(v, 0);
	assert_int_equal(state_error(s), -EBADMSG);
	assert_int_equal(state_load_end(s), -EBADMSG);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_saved_is_loaded), cmocka_unit_test(a_file_that_is_cut_short_or_has_more_is_refused),
		cmocka_unit_test(no_single_changed_bit_is_read_outside_the_file), cmocka_unit_test(a_refusal_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
