/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyboard controller as SeaBIOS and i8042 drivers use it: self-tests, translated scancodes, the wheel
 * mouse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_machine.h"
#include "vmwp/chipset/ps2.h"

struct fixture { struct machine m; struct device *ps2; };

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->ps2 = fake_add(&f->m, &ps2_model);
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

static void controller(struct fixture *f, uint8_t command) { fake_out(&f->m, 0x64, 1, command); }
static void data(struct fixture *f, uint8_t byte) { fake_out(&f->m, 0x60, 1, byte); }
static bool ready(struct fixture *f) { return fake_in(&f->m, 0x64, 1) & 1; }

static void expect(struct fixture *f, const char *what, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t got;

		if (!ready(f))
			fail_msg("%s: only %zu bytes came", what, i);
		got = (uint8_t)fake_in(&f->m, 0x60, 1);
		if (got != bytes[i])
			fail_msg("%s: byte %zu is %02x, not %02x", what, i, got, bytes[i]);
	}
	if (ready(f))
		fail_msg("%s: more than %zu bytes came", what, count);
}

#define EXPECT(f, what, ...) expect(f, what, (const uint8_t[]) { __VA_ARGS__ }, sizeof((const uint8_t[]) { __VA_ARGS__ }))

static void mouse(struct fixture *f, uint8_t byte)
{
	controller(f, 0xd4);
	data(f, byte);
}

static void test_seabios_initialisation(void **state)
{
	struct fixture *f = *state;

	controller(f, 0xad);
	controller(f, 0xa7);
	controller(f, 0xaa);
	EXPECT(f, "self-test", 0x55);
	controller(f, 0xab);
	EXPECT(f, "port test", 0x00);
	controller(f, 0xae);
	data(f, 0xff);
	EXPECT(f, "keyboard reset", 0xfa, 0xaa);
	data(f, 0xf5);
	EXPECT(f, "disable", 0xfa);
	data(f, 0xf0);
	EXPECT(f, "scan code set", 0xfa);
	data(f, 0x02);
	EXPECT(f, "set 2", 0xfa);
	controller(f, 0x60);
	data(f, 0x61);
	controller(f, 0x20);
	EXPECT(f, "command byte", 0x61);
	data(f, 0xf4);
	EXPECT(f, "enable", 0xfa);
}

static const struct { const char *what; uint16_t scancode; bool down; uint8_t set2[8], set1[6]; } keys[] = {
	{ "A", 0x1e, true, { 0x1c }, { 0x1e } },
	{ "A up", 0x1e, false, { 0xf0, 0x1c }, { 0x9e } },
	{ "Up", 0xe048, true, { 0xe0, 0x75 }, { 0xe0, 0x48 } },
	{ "Up up", 0xe048, false, { 0xe0, 0xf0, 0x75 }, { 0xe0, 0xc8 } },
	{ "F7", 0x41, true, { 0x83 }, { 0x41 } },
	{ "F7 up", 0x41, false, { 0xf0, 0x83 }, { 0xc1 } },
	{ "F12", 0x58, true, { 0x07 }, { 0x58 } },
	{ "Escape", 0x01, true, { 0x76 }, { 0x01 } },
	{ "right Control", 0xe01d, true, { 0xe0, 0x14 }, { 0xe0, 0x1d } },
	{ "Windows", 0xe05b, true, { 0xe0, 0x1f }, { 0xe0, 0x5b } },
	{ "Pause", 0xe046, true, { 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77 }, { 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5 } },
};

static size_t length(const uint8_t *bytes, size_t most)
{
	size_t n = 0;

	while (n < most && bytes[n])
		n++;
	return n;
}

static void test_keys_come_in_set_2_or_translated_to_set_1(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		controller(f, 0x60);
		data(f, 0x41);
		ps2_key(f->ps2, keys[i].scancode, keys[i].down);
		expect(f, keys[i].what, keys[i].set1, length(keys[i].set1, 6));
		controller(f, 0x60);
		data(f, 0x01);
		ps2_key(f->ps2, keys[i].scancode, keys[i].down);
		expect(f, keys[i].what, keys[i].set2, length(keys[i].set2, 8));
	}
}

static void test_each_byte_raises_irq_1(void **state)
{
	struct fixture *f = *state;
	unsigned int before = f->m.irq[1].raised;

	ps2_key(f->ps2, 0xe048, true);
	assert_true(f->m.irq[1].level);
	fake_in(&f->m, 0x60, 1);
	fake_in(&f->m, 0x60, 1);
	assert_false(f->m.irq[1].level);
	assert_int_equal(f->m.irq[1].raised - before, 2);
	assert_int_equal(f->m.irq[12].raised, 0);
	controller(f, 0x60);
	data(f, 0x40);
	ps2_key(f->ps2, 0x1e, true);
	assert_false(f->m.irq[1].level);
	assert_true(ready(f));
}

static void test_a_disabled_keyboard_keeps_its_keys(void **state)
{
	struct fixture *f = *state;

	controller(f, 0xad);
	ps2_key(f->ps2, 0x1e, true);
	assert_false(ready(f));
	controller(f, 0xae);
	EXPECT(f, "A", 0x1e);
}

static void test_keys_that_do_not_fit_are_dropped_whole(void **state)
{
	struct fixture *f = *state;
	static const uint8_t up[3] = { 0xe0, 0xf0, 0x75 };
	unsigned int count = 0;

	controller(f, 0x60);
	data(f, 0x01);
	for (int i = 0; i < 100; i++)
		ps2_key(f->ps2, 0xe048, false);
	for (; ready(f); count++)
		assert_int_equal(fake_in(&f->m, 0x60, 1), up[count % 3]);
	assert_true(count >= 48 && count % 3 == 0);
}

static void test_identification(void **state)
{
	struct fixture *f = *state;

	controller(f, 0x60);
	data(f, 0x01);
	data(f, 0xf2);
	EXPECT(f, "keyboard", 0xfa, 0xab, 0x83);
	data(f, 0xed);
	EXPECT(f, "LEDs", 0xfa);
	data(f, 0x07);
	EXPECT(f, "LEDs on", 0xfa);
	data(f, 0xee);
	EXPECT(f, "echo", 0xee);
	data(f, 0x00);
	EXPECT(f, "nonsense", 0xfe);
	controller(f, 0xd3);
	data(f, 0x5a);
	assert_int_equal(fake_in(&f->m, 0x64, 1) & 0x21, 0x21);
	EXPECT(f, "looped through the mouse port", 0x5a);
}

static void unlock_wheel(struct fixture *f)
{
	static const uint8_t knock[] = { 0xf3, 200, 0xf3, 100, 0xf3, 80 };

	for (size_t i = 0; i < sizeof(knock); i++) {
		mouse(f, knock[i]);
		EXPECT(f, "rate", 0xfa);
	}
}

static void test_mouse_packets(void **state)
{
	struct fixture *f = *state;

	mouse(f, 0xff);
	EXPECT(f, "reset", 0xfa, 0xaa, 0x00);
	mouse(f, 0xf2);
	EXPECT(f, "plain mouse", 0xfa, 0x00);
	ps2_pointer(f->ps2, 16384, 16384, 0, 1024, 768);
	assert_false(ready(f));				/* not reporting yet */
	mouse(f, 0xf4);
	EXPECT(f, "enable", 0xfa);
	ps2_pointer(f->ps2, 16384 + 320, 16384, 1, 1024, 768);	/* ten pixels */
	assert_true(f->m.irq[12].level);
	EXPECT(f, "right and left button", 0x09, 10, 0);
	ps2_pointer(f->ps2, 16384 + 320, 16384 + 427, 0, 1024, 768);
	EXPECT(f, "down", 0x28, 0, (uint8_t)-10);
	unlock_wheel(f);
	mouse(f, 0xf2);
	EXPECT(f, "wheel mouse", 0xfa, 0x03);
	ps2_pointer(f->ps2, 16384 + 320, 16384 + 427, 8, 1024, 768);
	EXPECT(f, "wheel up", 0x08, 0, 0, 0xff);
	ps2_pointer(f->ps2, 16384 + 320, 16384 + 427, 0, 1024, 768);
	ps2_pointer(f->ps2, 16384 + 320, 16384 + 427, 16, 1024, 768);
	EXPECT(f, "wheel down", 0x08, 0, 0, 0x01);
}

static void test_movement_adds_up_until_the_guest_reads(void **state)
{
	struct fixture *f = *state;

	ps2_pointer(f->ps2, 8000, 16000, 0, 1024, 768);
	mouse(f, 0xf4);
	EXPECT(f, "enable", 0xfa);
	for (unsigned int i = 1; i <= 100; i++)
		ps2_pointer(f->ps2, (uint16_t)(8000 + 128 * i), 16000, 0, 1024, 768);
	fake_in(&f->m, 0x60, 1);
	assert_int_equal(fake_in(&f->m, 0x60, 1), 4);	/* the first step was told at once */
	fake_in(&f->m, 0x60, 1);
	EXPECT(f, "the rest", 0x08, 255, 0, 0x08, 141, 0);
}

static void test_edges_push_the_pointer_home(void **state)
{
	struct fixture *f = *state;

	ps2_pointer(f->ps2, 1000, 1000, 0, 200, 100);
	mouse(f, 0xf4);
	EXPECT(f, "enable", 0xfa);
	ps2_pointer(f->ps2, 0, 0, 0, 200, 100);
	EXPECT(f, "left and up by a screen", 0x18, (uint8_t)-200, 100);
}

static void test_reset_line(void **state)
{
	struct fixture *f = *state;

	controller(f, 0xfe);
	assert_true(f->m.reset_requested);
}

static void test_noise_never_overflows(void **state)
{
	struct fixture *f = *state;
	uint32_t x = 1;

	for (int i = 0; i < 200000; i++) {
		x = x * 1664525 + 1013904223;
		switch (x >> 29) {
		case 0: ps2_key(f->ps2, (uint16_t)(x >> 8), x & 1); break;
		case 1: ps2_pointer(f->ps2, x >> 8 & 0x7fff, x >> 4 & 0x7fff, x & 31, x & 2047, x >> 3 & 1023); break;
		case 2: fake_in(&f->m, 0x60, 1); break;
		case 3: controller(f, (uint8_t)(x >> 16)); break;
		default: data(f, (uint8_t)(x >> 16)); break;
		}
	}
	f->ps2->model->reset(f->ps2);
	test_seabios_initialisation(state);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_seabios_initialisation),
		T(test_keys_come_in_set_2_or_translated_to_set_1),
		T(test_each_byte_raises_irq_1),
		T(test_a_disabled_keyboard_keeps_its_keys),
		T(test_keys_that_do_not_fit_are_dropped_whole),
		T(test_identification),
		T(test_mouse_packets),
		T(test_movement_adds_up_until_the_guest_reads),
		T(test_edges_push_the_pointer_home),
		T(test_reset_line),
		T(test_noise_never_overflows),
	};

	return cmocka_run_group_tests_name("ps2", tests, NULL, NULL);
}
