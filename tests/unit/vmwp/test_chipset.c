/* SPDX-License-Identifier: Apache-2.0 */
/* PIC, IOAPIC, PIT, PCI, PM and reset ports, as a guest sees them through the machine's port and MMIO maps. */
#include "fake_hv.h"
#include "vmwp/chipset/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct machine *m;

static uint32_t in(uint16_t port, unsigned int size) { return machine_port_read(m, port, size); }
static void out(uint16_t port, unsigned int size, uint32_t value) { machine_port_write(m, port, size, value); }

static int machine_setup(void **state)
{
	(void)state;
	m = fake_machine_new(64 << 20, 2, true);
	return 0;
}

static int machine_teardown(void **state)
{
	(void)state;
	fake_machine_free(m);
	return 0;
}

/* Both PICs as SeaBIOS programs them, everything unmasked. */
static void pic_program(uint8_t master_icw4)
{
	static const struct { uint16_t port; uint8_t value; } steps[] = {
		{ 0x20, 0x11 }, { 0x21, 0x08 }, { 0x21, 0x04 }, { 0xa0, 0x11 }, { 0xa1, 0x70 }, { 0xa1, 0x02 }, { 0xa1, 0x01 },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		out(steps[i].port, 1, steps[i].value);
	out(0x21, 1, master_icw4);
	out(0x21, 1, 0);
	out(0xa1, 1, 0);
}

static uint8_t in_service(uint16_t port)
{
	out(port, 1, 0x0b);
	return (uint8_t)in(port, 1);
}

static void pic_offers_and_learns_later_that_the_guest_took_it(void **state)
{
	(void)state;
	pic_program(1);
	irq_set(m, 1, true);
	assert_true(fake.extint_pending);
	assert_int_equal(fake.last.vector, 0x09);
	assert_int_equal(fake_take_extint(), 0x09);
	assert_int_equal(in_service(0x20), 0x02);
	out(0x20, 1, 0x20);
	assert_int_equal(in_service(0x20), 0);
	assert_false(fake.extint_pending);	/* the line is still high, but an edge counts once */
}

static void pic_takes_back_what_was_not_taken(void **state)
{
	(void)state;
	pic_program(1);
	irq_set(m, 1, true);
	out(0x21, 1, 0x02);
	assert_false(fake.extint_pending);
	assert_int_equal(in_service(0x20), 0);
	out(0x21, 1, 0x00);
	assert_true(fake.extint_pending);	/* the request waited behind the mask */
	irq_set(m, 1, false);
	assert_false(fake.extint_pending);	/* and goes with its line */
}

static void pic_priorities_are_fully_nested(void **state)
{
	(void)state;
	pic_program(1);
	irq_set(m, 4, true);
	fake_take_extint();
	irq_set(m, 6, true);
	assert_false(fake.extint_pending);
	irq_set(m, 1, true);
	assert_int_equal(fake_take_extint(), 0x09);
	out(0x20, 1, 0x20);
	out(0x20, 1, 0x20);
	assert_true(fake.extint_pending);
	assert_int_equal(fake_take_extint(), 0x0e);
}

static void pic_slave_comes_through_the_cascade(void **state)
{
	(void)state;
	pic_program(1);
	irq_set(m, 14, true);
	assert_int_equal(fake_take_extint(), 0x76);
	assert_int_equal(in_service(0xa0), 0x40);
	assert_int_equal(in_service(0x20), 0x04);
	out(0xa0, 1, 0x20);
	out(0x20, 1, 0x20);
	assert_int_equal(in_service(0xa0) | in_service(0x20), 0);
}

static void pic_auto_eoi_leaves_nothing_in_service(void **state)
{
	(void)state;
	pic_program(3);
	irq_set(m, 1, true);
	fake_take_extint();
	assert_int_equal(in_service(0x20), 0);
}

static void pic_level_lines_ask_again_after_eoi(void **state)
{
	(void)state;
	pic_program(1);
	out(0x4d1, 1, 0x04);			/* IRQ 10 level */
	irq_set(m, 10, true);
	assert_int_equal(fake_take_extint(), 0x72);
	out(0xa0, 1, 0x20);
	out(0x20, 1, 0x20);
	assert_true(fake.extint_pending);
	irq_set(m, 10, false);
	assert_false(fake.extint_pending);
	assert_int_equal(in(0x4d0, 1), 0);
	out(0x4d0, 1, 0xff);
	assert_int_equal(in(0x4d0, 1), 0xf8);	/* IRQ 0-2 stay edges */
}

static void a_masked_line_costs_no_hypercall(void **state)
{
	unsigned int before;

	(void)state;
	pic_program(1);
	out(0x21, 1, 0xff);
	before = fake.extint_calls;
	irq_set(m, 1, true);
	irq_set(m, 1, false);
	assert_int_equal(fake.extint_calls, before);
}

#define IOAPIC 0xfec00000ull
static void ioapic_write(uint8_t index, uint32_t value)
{
	machine_mmio_write(m, IOAPIC, 4, index);
	machine_mmio_write(m, IOAPIC + 0x10, 4, value);
}

static uint32_t ioapic_read(uint8_t index)
{
	machine_mmio_write(m, IOAPIC, 4, index);
	return (uint32_t)machine_mmio_read(m, IOAPIC + 0x10, 4);
}

static void ioapic_delivers_an_edge_once(void **state)
{
	(void)state;
	assert_int_equal(ioapic_read(1), 0x00170020);
	irq_set(m, 4, true);			/* still masked: lost, as on hardware */
	irq_set(m, 4, false);
	ioapic_write(0x19, 0x01000000);
	ioapic_write(0x18, 0x30);
	fake.asserted = 0;
	irq_set(m, 4, true);
	irq_set(m, 4, true);
	assert_int_equal(fake.asserted, 1);
	assert_int_equal(fake.last.vector, 0x30);
	assert_int_equal(fake.last.destination, 1);
	assert_false(fake.last.level || fake.last.logical);
}

static void ioapic_level_waits_for_eoi(void **state)
{
	(void)state;
	ioapic_write(0x10 + 2 * 10, 0x8000 | 0x41);
	fake.asserted = 0;
	irq_set(m, 10, true);
	assert_int_equal(fake.asserted, 1);
	assert_true(fake.last.level);
	assert_int_equal(ioapic_read(0x10 + 2 * 10) & 0x4000, 0x4000);
	irq_apic_eoi(m, 0x41);
	assert_int_equal(fake.asserted, 2);	/* the line is still up */
	irq_set(m, 10, false);
	irq_apic_eoi(m, 0x41);
	assert_int_equal(fake.asserted, 2);
	assert_int_equal(ioapic_read(0x10 + 2 * 10) & 0x4000, 0);
}

static void ioapic_pin_2_is_the_timer(void **state)
{
	(void)state;
	ioapic_write(0x14, 0x22);
	fake.asserted = 0;
	irq_set(m, 0, true);
	assert_int_equal(fake.last.vector, 0x22);
}

static void ioapic_never_sends_an_illegal_vector(void **state)
{
	(void)state;
	ioapic_write(0x18, 0x05);
	fake.asserted = 0;
	irq_set(m, 4, true);
	assert_int_equal(fake.asserted, 0);
}

static uint32_t config_read(unsigned int slot, unsigned int function, unsigned int offset, unsigned int size)
{
	out(0xcf8, 4, 0x80000000u | slot << 11 | function << 8 | (offset & 0xfc));
	return in((uint16_t)(0xcfc + (offset & 3)), size);
}

static void config_write(unsigned int slot, unsigned int function, unsigned int offset, unsigned int size, uint32_t value)
{
	out(0xcf8, 4, 0x80000000u | slot << 11 | function << 8 | (offset & 0xfc));
	out((uint16_t)(0xcfc + (offset & 3)), size, value);
}

static void pci_functions_seabios_needs_are_there(void **state)
{
	static const struct { unsigned int slot, function; uint32_t id; } functions[] = {
		{ 0, 0, 0x12378086 }, { 1, 0, 0x70008086 }, { 1, 1, 0x70108086 }, { 1, 3, 0x71138086 }, { 2, 0, 0x53531414 }, { 3, 0, ~0u },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		assert_int_equal(config_read(functions[i].slot, functions[i].function, 0, 4), functions[i].id);
	assert_int_equal(config_read(1, 0, 0x0e, 1), 0x80);		/* multifunction */
	assert_true(config_read(1, 3, 0x58, 4) & 1u << 25);		/* or SeaBIOS waits for an SMI for ever */
}

static void pci_ids_cannot_be_written_and_pam_can(void **state)
{
	(void)state;
	config_write(0, 0, 0, 4, 0);
	assert_int_equal(config_read(0, 0, 0, 4), 0x12378086);
	config_write(0, 0, 0x59, 1, 0x30);
	assert_int_equal(config_read(0, 0, 0x59, 1), 0x30);
	out(0xcf8, 4, 0);
	assert_int_equal(in(0xcfc, 4), ~0u);
}

static void pm_block_answers_where_the_firmware_put_it(void **state)
{
	(void)state;
	assert_int_equal(in(0x604, 2), 0xffff);
	config_write(1, 3, 0x40, 4, 0x601);
	assert_int_equal(in(0x604, 2), 0xffff);
	config_write(1, 3, 0x80, 1, 1);
	assert_int_equal(in(0x604, 2), 0x0001);			/* SCI_EN */
	assert_int_equal(in(0x608, 4) >> 24, 0);		/* 24-bit timer */
	config_write(1, 3, 0x40, 4, 0xb001);
	assert_int_equal(in(0x604, 2), 0xffff);
	assert_int_equal(in(0xb004, 2), 0x0001);
}

static void power_button_raises_sci_only_when_enabled(void **state)
{
	(void)state;
	config_write(1, 3, 0x40, 4, 0x601);
	config_write(1, 3, 0x80, 1, 1);
	ioapic_write(0x10 + 2 * 9, 0x8000 | 0x50);
	fake.asserted = 0;
	pm_press_power_button(m->pm);
	assert_int_equal(fake.asserted, 0);
	out(0x602, 2, 0x0100);
	assert_int_equal(fake.asserted, 1);
	assert_int_equal(in(0x600, 2) & 0x100, 0x100);
	out(0x600, 2, 0x0100);
	assert_int_equal(in(0x600, 2) & 0x100, 0);
}

static void sleep_type_of_s5_powers_off(void **state)
{
	(void)state;
	config_write(1, 3, 0x40, 4, 0x601);
	config_write(1, 3, 0x80, 1, 1);
	out(0x604, 2, 0x1 << 10 | 0x2000);
	assert_false(m->request.power_off);
	out(0x604, 2, 0x2000);
	assert_true(m->request.power_off);
}

static void reset_ports_ask_for_a_reset(void **state)
{
	(void)state;
	out(0xcf9, 1, 2);
	assert_false(m->request.reset);
	out(0xcf9, 1, 6);
	assert_true(m->request.reset);
	m->request.reset = false;
	out(0x92, 1, 3);
	assert_true(m->request.reset);
	m->request.reset = false;
	out(0x64, 1, 0xfe);
	assert_true(m->request.reset);
}

static void pit_latches_and_reads_back(void **state)
{
	(void)state;
	out(0x43, 1, 0x34);
	out(0x40, 1, 0x00);
	out(0x40, 1, 0x10);
	out(0x43, 1, 0xe2);			/* read back the status of channel 0 */
	assert_int_equal(in(0x40, 1) & 0x3f, 0x34);
	out(0x43, 1, 0x00);
	assert_int_equal(in(0x40, 1) | in(0x40, 1) << 8, 0x1000);	/* machine time stands still here */
}

static void pit_channel_2_output_shows_at_port_61(void **state)
{
	(void)state;
	out(0x61, 1, 0x01);
	out(0x43, 1, 0xb0);			/* mode 0: low until the count is through */
	out(0x42, 1, 0xff);
	out(0x42, 1, 0xff);
	assert_int_equal(in(0x61, 1) & 0x21, 0x01);
}

static void nobody_at_a_port_reads_as_ones(void **state)
{
	(void)state;
	assert_int_equal(in(0x5555, 1), 0xff);
	assert_int_equal(in(0x5555, 2), 0xffff);
	assert_int_equal(in(0x5555, 4), ~0u);
	assert_int_equal(in(0x402, 1), 0xff);	/* the debug port is hidden unless asked for */
}

static void claims_come_and_go(void **state)
{
	struct port_range range = m->pm->model->ports[0];

	(void)state;
	range.base = 0x1230;
	range.count = 4;
	for (int i = 0; i < 200; i++) {		/* more often than there are rows */
		assert_int_equal(port_claim(m->pm, &range), 0);
		port_unclaim(m->pm, 0x1230);
	}
	assert_null(io_map_port(m, 0x1230));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pic_offers_and_learns_later_that_the_guest_took_it), TEST(pic_takes_back_what_was_not_taken),
		TEST(pic_priorities_are_fully_nested), TEST(pic_slave_comes_through_the_cascade),
		TEST(pic_auto_eoi_leaves_nothing_in_service), TEST(pic_level_lines_ask_again_after_eoi),
		TEST(a_masked_line_costs_no_hypercall), TEST(ioapic_delivers_an_edge_once), TEST(ioapic_level_waits_for_eoi),
		TEST(ioapic_pin_2_is_the_timer), TEST(ioapic_never_sends_an_illegal_vector),
		TEST(pci_functions_seabios_needs_are_there), TEST(pci_ids_cannot_be_written_and_pam_can),
		TEST(pm_block_answers_where_the_firmware_put_it), TEST(power_button_raises_sci_only_when_enabled),
		TEST(sleep_type_of_s5_powers_off), TEST(reset_ports_ask_for_a_reset), TEST(pit_latches_and_reads_back),
		TEST(pit_channel_2_output_shows_at_port_61), TEST(nobody_at_a_port_reads_as_ones), TEST(claims_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
