/* SPDX-License-Identifier: Apache-2.0 */
/* Port exits: plain ones through the register page, strings by element and by block, with and without paging. */
#include "fake_hv.h"
#include "vmwp/vp/vp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct machine *m;
static struct vp vp;
static struct hv_x64_io_port_intercept_message *io;
static uint32_t written[64];
static unsigned int writes, blocks;

static uint32_t port_read(struct device *dev, uint16_t port, unsigned int size)
{
	(void)dev;
	(void)size;
	return 0xa1b2c3d4u + (uint32_t)(port - 0x1000);
}

static void port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	(void)dev;
	(void)port;
	(void)size;
	written[writes++ % 64] = value;
}

static uint32_t block_read(struct device *dev, uint16_t port, unsigned int size, void *to, uint32_t count)
{
	(void)dev;
	(void)port;
	memset(to, 0x5a, (size_t)size * count);
	blocks++;
	return count;
}

static int setup(void **state)
{
	static struct hv_vp *hv;
	struct port_range plain = { 0x1000, 1, port_read, port_write, NULL, NULL };
	struct port_range block = { 0x1010, 1, port_read, port_write, block_read, NULL };

	(void)state;
	m = fake_machine_new(64 << 20, 1, true);
	hv_vp_create(m->partition, 0, &hv);
	vp = (struct vp){ .machine = m, .hv = hv };
	port_claim(m->pm, &plain);
	port_claim(m->pm, &block);
	writes = blocks = 0;
	fake.registers.cs.attributes = 0xc09b;		/* 32-bit code */
	fake.registers.rip = 0x8000;
	io = (void *)vp.message.payload;
	vp.message.header.message_type = HVMSG_X64_IO_PORT_INTERCEPT;
	io->header.rip = 0x8000;
	io->header.instruction_length = 1;
	io->port = 0x1000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_machine_free(m);
	return 0;
}

static void in_of_each_size_merges_as_the_processor_does(void **state)
{
	static const struct { unsigned int size; uint64_t rax; } rows[] = {
		{ 1, 0x11223344556677d4 }, { 2, 0x112233445566c3d4 }, { 4, 0xa1b2c3d4 },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		io->access_size = rows[i].size & 7;
		io->rax = 0x1122334455667788;
		fake.registers.rip = 0x8000;
		vp_handle_exit(&vp);
		assert_int_equal(fake.registers.rax, rows[i].rax);
		assert_int_equal(fake.registers.rip, 0x8001);
		assert_int_equal(fake.registers.dirty & 3, 3);
	}
	assert_int_equal(fake.translations, 0);
}

static void out_moves_only_rip(void **state)
{
	(void)state;
	io->access_size = 2;
	io->header.access_type = HV_INTERCEPT_ACCESS_WRITE;
	io->rax = 0xaabbccdd;
	vp_handle_exit(&vp);
	assert_int_equal(written[0], 0xccdd);
	assert_int_equal(fake.registers.dirty, 1u << HV_REGISTER_CLASS_IP);
}

static void string_exit(const char *code, uint8_t length, unsigned int size, bool out)
{
	memcpy(io->instruction_bytes, code, length);
	io->instruction_byte_count = length;
	io->string_op = 1;
	io->access_size = size & 7;
	io->header.access_type = out ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ;
	vp_handle_exit(&vp);
}

static void rep_outsb_sends_every_byte(void **state)
{
	(void)state;
	guest_write(m, 0x2000, "abc", 3);
	fake.registers.rsi = 0x2000;
	fake.registers.rcx = 3;
	string_exit("\xf3\x6e", 2, 1, true);
	assert_int_equal(writes, 3);
	assert_int_equal(written[2], 'c');
	assert_int_equal(fake.registers.rsi, 0x2003);
	assert_int_equal(fake.registers.rcx, 0);
	assert_int_equal(fake.registers.rip, 0x8002);
}

static void rep_insw_uses_the_block_path_page_by_page(void **state)
{
	uint8_t bytes[4];

	(void)state;
	io->port = 0x1010;
	fake.registers.rdi = 0x2ffc;
	fake.registers.rcx = 256;
	string_exit("\xf3\x66\x6d", 3, 2, false);
	assert_int_equal(blocks, 2);
	guest_read(m, 0x31f8, bytes, 4);
	assert_memory_equal(bytes, "\x5a\x5a\x5a\x5a", 4);
	assert_int_equal(fake.registers.rdi, 0x31fc);
	assert_int_equal(fake.registers.rip, 0x8003);
}

static void ins_downwards_goes_element_by_element(void **state)
{
	uint32_t value;

	(void)state;
	io->port = 0x1010;
	fake.registers.rflags = 0x400;
	fake.registers.rdi = 0x2004;
	fake.registers.rcx = 2;
	string_exit("\xf3\x6d", 2, 4, false);
	assert_int_equal(blocks, 0);
	guest_read(m, 0x2000, &value, 4);
	assert_int_equal(value, 0xa1b2c3e4);
	assert_int_equal(fake.registers.rdi, 0x1ffc);
}

static void an_element_across_two_pages_is_written_to_both(void **state)
{
	uint32_t value;

	(void)state;
	fake.registers.cr0 = 0x80000000;
	fake.registers.rdi = 0x40002ffe;
	string_exit("\x6d", 1, 4, false);
	guest_read(m, 0x2ffe, &value, 4);
	assert_int_equal(value, 0xa1b2c3d4);
	assert_true(fake.translations >= 2);
}

static void a_page_that_is_not_there_is_a_page_fault_before_the_device_is_asked(void **state)
{
	(void)state;
	fake.registers.cr0 = 0x80000000;
	fake.registers.rsi = 0x7f000010;
	fake.registers.rcx = 5;
	string_exit("\xf3\x6e", 2, 1, true);
	assert_int_equal(writes, 0);
	assert_int_equal(fake.set.name, HV_REGISTER_PENDING_EVENT0);
	assert_int_equal(fake.set.value.pending_event.exception.vector, 14);
	assert_int_equal(fake.set.value.pending_event.exception.parameter, 0x7f000010);
	assert_int_equal(fake.registers.rip, 0x8000);
	assert_int_equal(fake.registers.rcx, 5);
	assert_false(m->request.fail);
}

static void a_long_repeat_leaves_the_rest_for_the_next_exit(void **state)
{
	(void)state;
	fake.registers.rsi = 0x2000;
	fake.registers.rcx = 10000;
	string_exit("\xf3\x6e", 2, 1, true);
	assert_int_equal(fake.registers.rcx, 10000 - 4096);
	assert_int_equal(fake.registers.rip, 0x8000);
}

static void an_instruction_nobody_knows_stops_the_vm_and_is_named(void **state)
{
	struct hv_x64_memory_intercept_message *memory = (void *)vp.message.payload;

	(void)state;
	memset(&vp.message, 0, sizeof(vp.message));
	vp.message.header.message_type = HVMSG_UNMAPPED_GPA;
	memory->gpa = 0xfe000000;
	guest_write(m, 0x8000, "\x0f\x0b\x90", 3);
	vp_handle_exit(&vp);
	assert_true(m->request.fail);
	assert_non_null(strstr(m->request.fail_reason, "8000"));
	assert_non_null(strstr(m->request.fail_reason, "0f 0b"));
}

static void mmio_takes_the_translation_of_the_message(void **state)
{
	struct hv_x64_memory_intercept_message *memory = (void *)vp.message.payload;

	(void)state;
	memset(&vp.message, 0, sizeof(vp.message));
	vp.message.header.message_type = HVMSG_UNMAPPED_GPA;
	memory->header.access_type = HV_INTERCEPT_ACCESS_WRITE;
	memory->gva = 0xc0000000;
	memory->gpa = 0xfec00000;
	memory->memory_access_info = HV_MEMORY_GVA_VALID | HV_MEMORY_GVA_GPA_VALID;
	memory->instruction_byte_count = 2;
	memcpy(memory->instruction_bytes, "\x89\x03", 2);	/* mov [ebx],eax */
	fake.registers.cr0 = 0x80000000;
	fake.registers.rbx = 0xc0000000;
	fake.registers.rax = 1;
	vp_handle_exit(&vp);
	assert_int_equal(fake.translations, 0);
	assert_int_equal(machine_mmio_read(m, 0xfec00000, 4), 1);
	assert_int_equal(fake.registers.rip, 0x8002);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_of_each_size_merges_as_the_processor_does), TEST(out_moves_only_rip), TEST(rep_outsb_sends_every_byte),
		TEST(rep_insw_uses_the_block_path_page_by_page), TEST(ins_downwards_goes_element_by_element),
		TEST(an_element_across_two_pages_is_written_to_both),
		TEST(a_page_that_is_not_there_is_a_page_fault_before_the_device_is_asked),
		TEST(a_long_repeat_leaves_the_rest_for_the_next_exit), TEST(an_instruction_nobody_knows_stops_the_vm_and_is_named),
		TEST(mmio_takes_the_translation_of_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
