/* SPDX-License-Identifier: Apache-2.0 */
/* The instruction emulator against rows of machine code: what reaches the bus, which registers and flags change. */
#include "vmwp/vp/alu.h"
#include "vmwp/vp/emulator.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MEMORY	0x1000u
static uint8_t memory[MEMORY];			/* linear addresses 0xa0000.. */
static uint64_t fault_at;
static unsigned int reads, writes;

static int bus_read(void *context, uint64_t address, unsigned int size, uint64_t *value)
{
	(void)context;
	reads++;
	if (address == fault_at || address < 0xa0000 || address - 0xa0000 + size > MEMORY)
		return -EFAULT;
	*value = 0;
	memcpy(value, memory + address - 0xa0000, size);
	return 0;
}

static int bus_write(void *context, uint64_t address, unsigned int size, uint64_t value)
{
	(void)context;
	writes++;
	if (address == fault_at || address < 0xa0000 || address - 0xa0000 + size > MEMORY)
		return -EFAULT;
	memcpy(memory + address - 0xa0000, &value, size);
	return 0;
}

static const struct emulator_ops ops = { bus_read, bus_write };
enum mode { M16, M32, M64 };

static struct hv_vp_register_page registers_in(enum mode mode)
{
	struct hv_vp_register_page r = { .isvalid = 1, .version = 1, .rip = 0x100, .rflags = 2 };

	r.efer = mode == M64 ? 0x500 : 0;
	r.cs.attributes = mode == M64 ? 0xa09b : mode == M32 ? 0xc09b : 0x9b;
	if (mode == M16)
		r.es.base = r.ds.base = 0xa0000;
	return r;
}

#define A	0xa0000ull
static const struct {
	const char *rule;
	enum mode mode;
	const char *code;
	unsigned int length;
	uint64_t rax, rbx, rcx, rsi, rdi, memory, flags;	/* before; memory: the 8 bytes at 0xa0000 */
	uint64_t want_rax, want_memory, want_flags;
	uint64_t want_rcx, want_rsi, want_rdi;
} rows[] = {
	/* plain moves */
	{ "mov [ebx],al stores one byte", M32, "\x88\x03", 2, 0x1234, A, .memory = ~0ull, .want_rax = 0x1234, .want_memory = 0xffffffffffffff34 },
	{ "mov [ebx],ah stores the high byte", M32, "\x88\x23", 2, 0x1234, A, .memory = 0, .want_rax = 0x1234, .want_memory = 0x12 },
	{ "mov al,[ebx] keeps the rest of rax", M32, "\x8a\x03", 2, 0x11223344, A, .memory = 0x99, .want_rax = 0x11223399, .want_memory = 0x99 },
	{ "mov eax,[rbx] clears the upper half", M64, "\x8b\x03", 2, ~0ull, A, .memory = 0x1122334455667788, .want_rax = 0x55667788, .want_memory = 0x1122334455667788 },
	{ "mov rax,[rbx] reads eight bytes", M64, "\x48\x8b\x03", 3, 0, A, .memory = 0x1122334455667788, .want_rax = 0x1122334455667788, .want_memory = 0x1122334455667788 },
	{ "mov rax,imm to memory is sign extended", M64, "\x48\xc7\x03\xff\xff\xff\xff", 7, 0, A, .memory = 0, .want_memory = ~0ull },
	{ "mov byte [bx],imm uses DS base in real mode", M16, "\xc6\x07\x5a", 3, 0, 0, .memory = 0, .want_memory = 0x5a },
	{ "mov al,moffs in real mode", M16, "\xa0\x00\x00", 3, 0, 0, .memory = 0x77, .want_rax = 0x77, .want_memory = 0x77 },
	{ "operand size prefix in real mode", M16, "\x66\x89\x07", 3, 0xcafebabe, 0, .memory = 0, .want_rax = 0xcafebabe, .want_memory = 0xcafebabe },
	{ "address size prefix in real mode", M16, "\x67\x88\x03", 3, 0x42, 0, .memory = 0, .want_rax = 0x42, .want_memory = 0x42 },
	{ "16-bit offsets wrap at 64 KiB", M16, "\x88\x47\x01", 3, 0x42, 0xffff, .memory = 0, .want_rax = 0x42, .want_memory = 0x42 },
	{ "movzx eax,byte [rbx]", M64, "\x0f\xb6\x03", 3, ~0ull, A, .memory = 0x80, .want_rax = 0x80, .want_memory = 0x80 },
	{ "movsx eax,byte [rbx]", M64, "\x0f\xbe\x03", 3, 0, A, .memory = 0x80, .want_rax = 0xffffff80, .want_memory = 0x80 },
	{ "movsxd rax,dword [rbx]", M64, "\x48\x63\x03", 3, 0, A, .memory = 0x80000000, .want_rax = 0xffffffff80000000, .want_memory = 0x80000000 },
	{ "movnti [rbx],eax", M64, "\x0f\xc3\x03", 3, 0x12345678, A, .memory = 0, .want_rax = 0x12345678, .want_memory = 0x12345678 },
	/* read, modify, write */
	{ "or [rbx],al sets flags of the result", M64, "\x08\x03", 2, 0x80, A, .memory = 0x01, .want_rax = 0x80, .want_memory = 0x81, .want_flags = FLAG_SF | FLAG_PF },
	{ "and [rbx],al to zero", M64, "\x20\x03", 2, 0x0f, A, .memory = 0xf0, .flags = FLAG_CF, .want_rax = 0x0f, .want_memory = 0, .want_flags = FLAG_ZF | FLAG_PF },
	{ "xor eax,[rbx]", M64, "\x33\x03", 2, 0xff, A, .memory = 0x0f, .want_rax = 0xf0, .want_memory = 0x0f, .want_flags = FLAG_PF },
	{ "add byte carries out", M64, "\x00\x03", 2, 1, A, .memory = 0xff, .want_rax = 1, .want_memory = 0, .want_flags = FLAG_CF | FLAG_ZF | FLAG_AF | FLAG_PF },
	{ "add overflows into the sign", M64, "\x00\x03", 2, 1, A, .memory = 0x7f, .want_rax = 1, .want_memory = 0x80, .want_flags = FLAG_OF | FLAG_SF | FLAG_AF },
	{ "adc adds the carry", M64, "\x10\x03", 2, 1, A, .memory = 1, .flags = FLAG_CF, .want_rax = 1, .want_memory = 3, .want_flags = FLAG_PF },
	{ "sbb takes the borrow", M64, "\x18\x03", 2, 1, A, .memory = 1, .flags = FLAG_CF, .want_rax = 1, .want_memory = 0xff, .want_flags = FLAG_CF | FLAG_AF | FLAG_SF | FLAG_PF },
	{ "sub byte [rbx],imm", M64, "\x80\x2b\x01", 3, 0, A, .memory = 3, .want_memory = 2, .want_flags = 0 },
	{ "inc keeps carry", M64, "\xfe\x03", 2, 0, A, .memory = 0xff, .flags = FLAG_CF, .want_memory = 0, .want_flags = FLAG_CF | FLAG_ZF | FLAG_AF | FLAG_PF },
	{ "not changes no flag", M64, "\xf6\x13", 2, 0, A, .memory = 0x0f, .flags = FLAG_CF, .want_memory = 0xf0, .want_flags = FLAG_CF },
	{ "neg of nonzero sets carry", M64, "\xf6\x1b", 2, 0, A, .memory = 1, .want_memory = 0xff, .want_flags = FLAG_CF | FLAG_SF | FLAG_AF | FLAG_PF },
	{ "shl shifts out into carry", M64, "\xd0\x23", 2, 0, A, .memory = 0x81, .want_memory = 0x02, .want_flags = FLAG_CF | FLAG_OF },
	/* compare */
	{ "cmp [rbx],al only sets flags", M64, "\x38\x03", 2, 2, A, .memory = 1, .want_rax = 2, .want_memory = 1, .want_flags = FLAG_CF | FLAG_AF | FLAG_SF | FLAG_PF },
	{ "test [rbx],al", M64, "\x84\x03", 2, 1, A, .memory = 2, .want_rax = 1, .want_memory = 2, .want_flags = FLAG_ZF | FLAG_PF },
	{ "bt [rbx],imm", M64, "\x0f\xba\x23\x03", 4, 0, A, .memory = 8, .want_memory = 8, .want_flags = FLAG_CF },
	{ "bts byte beyond the operand", M64, "\x0f\xab\x03", 3, 33, A, .memory = 0, .want_rax = 33, .want_memory = 0x200000000 },
	/* exchange */
	{ "xchg [rbx],al", M64, "\x86\x03", 2, 0x55, A, .memory = 0xaa, .want_rax = 0xaa, .want_memory = 0x55 },
	{ "xadd [rbx],eax", M64, "\x0f\xc1\x03", 3, 2, A, .memory = 3, .want_rax = 3, .want_memory = 5, .want_flags = FLAG_PF },
	{ "cmpxchg that succeeds", M64, "\x0f\xb1\x0b", 3, 7, A, .rcx = 9, .memory = 7, .want_rax = 7, .want_rcx = 9, .want_memory = 9, .want_flags = FLAG_ZF | FLAG_PF },
	{ "cmpxchg that fails loads rax", M64, "\x0f\xb1\x0b", 3, 7, A, .rcx = 9, .memory = 8, .want_rax = 8, .want_rcx = 9, .want_memory = 8, .want_flags = FLAG_CF | FLAG_AF | FLAG_SF | FLAG_PF },
	{ "setz [rbx]", M64, "\x0f\x94\x03", 3, 0, A, .memory = 0xff, .flags = FLAG_ZF, .want_memory = 1, .want_flags = FLAG_ZF },
	{ "cmovz not taken still clears the upper half", M64, "\x0f\x44\x03", 3, 0xffffffff00000005, A, .memory = 9, .want_rax = 5, .want_memory = 9 },
	/* strings */
	{ "stosb advances", M32, "\xaa", 1, 0x41, .rdi = A, .memory = 0, .want_rax = 0x41, .want_memory = 0x41, .want_rdi = A + 1 },
	{ "stosb goes down with DF", M32, "\xaa", 1, 0x41, .rdi = A, .memory = 0, .flags = FLAG_DF, .want_rax = 0x41, .want_memory = 0x41, .want_rdi = A - 1, .want_flags = FLAG_DF },
	{ "rep stosw fills", M32, "\xf3\x66\xab", 3, 0x0720, .rcx = 3, .rdi = A, .memory = 0, .want_rax = 0x0720, .want_memory = 0x072007200720, .want_rdi = A + 6 },
	{ "rep stosb in real mode keeps upper halves", M16, "\xf3\xaa", 2, 0x41, .rcx = 0x10002, .rdi = 0x20000, .memory = 0, .want_rax = 0x41, .want_memory = 0x4141, .want_rcx = 0x10000, .want_rdi = 0x20002 },
	{ "rep movsb copies upwards", M64, "\xf3\xa4", 2, .rcx = 2, .rsi = A, .rdi = A + 4, .memory = 0xbbaa, .want_memory = 0xbbaa0000bbaa, .want_rsi = A + 2, .want_rdi = A + 6 },
	{ "rep with rcx 0 does nothing", M64, "\xf3\xa4", 2, .rsi = 1, .rdi = 2, .memory = 5, .want_memory = 5, .want_rsi = 1, .want_rdi = 2 },
	{ "lodsb", M64, "\xac", 1, 0x1100, .rsi = A, .memory = 0x22, .want_rax = 0x1122, .want_memory = 0x22, .want_rsi = A + 1 },
	{ "lodsd clears the upper half", M64, "\xad", 1, ~0ull, .rsi = A, .memory = 0x22, .want_rax = 0x22, .want_memory = 0x22, .want_rsi = A + 4 },
	{ "repne scasb stops at the match", M64, "\xf2\xae", 2, 0x33, .rcx = 8, .rdi = A, .memory = 0x332211, .want_rax = 0x33, .want_memory = 0x332211, .want_rcx = 5, .want_rdi = A + 3, .want_flags = FLAG_ZF | FLAG_PF },
	{ "repe cmpsb stops at the difference", M64, "\xf3\xa6", 2, .rcx = 4, .rsi = A, .rdi = A + 4, .memory = 0x0000120000001100, .want_memory = 0x0000120000001100, .want_rcx = 2, .want_rsi = A + 2, .want_rdi = A + 6, .want_flags = FLAG_SF | FLAG_CF | FLAG_AF | FLAG_PF },
};

static void check_row(size_t i)
{
	struct hv_vp_register_page r = registers_in(rows[i].mode);
	uint64_t after;
	int result;

	r.rax = rows[i].rax, r.rbx = rows[i].rbx, r.rcx = rows[i].rcx, r.rsi = rows[i].rsi, r.rdi = rows[i].rdi;
	r.rflags |= rows[i].flags;
	memset(memory, 0, sizeof(memory));
	memcpy(memory, &rows[i].memory, 8);
	result = emulate_instruction(&r, (const uint8_t *)rows[i].code, rows[i].length, &ops, NULL);
	memcpy(&after, memory, 8);
	if (result || r.rax != rows[i].want_rax || after != rows[i].want_memory || (r.rflags & ~2ull) != rows[i].want_flags ||
	    r.rcx != rows[i].want_rcx || r.rsi != rows[i].want_rsi || r.rdi != rows[i].want_rdi || r.rip != 0x100 + rows[i].length)
		fail_msg("%s: result %d rax %lx memory %lx flags %lx rcx %lx rsi %lx rdi %lx rip %lx", rows[i].rule, result,
			 (unsigned long)r.rax, (unsigned long)after, (unsigned long)r.rflags, (unsigned long)r.rcx,
			 (unsigned long)r.rsi, (unsigned long)r.rdi, (unsigned long)r.rip);
}

static void every_row_of_machine_code_does_what_the_manual_says(void **state)
{
	(void)state;
	fault_at = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(i);
}

static void a_fault_leaves_whole_elements_and_does_not_move_rip(void **state)
{
	struct hv_vp_register_page r = registers_in(M64);

	(void)state;
	r.rcx = 4;
	r.rdi = A;
	r.rax = 0x41;
	fault_at = A + 2;
	assert_int_equal(emulate_instruction(&r, (const uint8_t *)"\xf3\xaa", 2, &ops, NULL), -EFAULT);
	fault_at = 0;
	assert_int_equal(r.rip, 0x100);
	assert_int_equal(r.rcx, 2);
	assert_int_equal(r.rdi, A + 2);
}

static void a_fault_of_a_plain_instruction_changes_no_register(void **state)
{
	struct hv_vp_register_page r = registers_in(M64), before;

	(void)state;
	r.rax = 5;
	r.rbx = fault_at = A + 8;
	before = r;
	assert_int_equal(emulate_instruction(&r, (const uint8_t *)"\x01\x03", 2, &ops, NULL), -EFAULT);
	fault_at = 0;
	assert_memory_equal(&r, &before, sizeof(r));
}

static void a_long_repeat_stops_half_way_with_rip_unmoved(void **state)
{
	struct hv_vp_register_page r = registers_in(M64);

	(void)state;
	r.rcx = 2000;
	r.rdi = A;
	assert_int_equal(emulate_instruction(&r, (const uint8_t *)"\xf3\xaa", 2, &ops, NULL), 0);
	assert_int_equal(r.rip, 0x100);
	assert_true(r.rcx > 0 && r.rcx < 2000);
	assert_int_equal(r.rcx + (r.rdi - A), 2000);
}

static void what_is_not_known_is_refused_and_touches_nothing(void **state)
{
	static const struct { const char *code; unsigned int length; } unknown[] = {
		{ "\x0f\x0b", 2 }, { "\xff\x13", 2 }, { "\xd9\x03", 2 }, { "\x0f\x11\x03", 3 }, { "\x0f\xae\x03", 3 }, { "\xf2\x0f\x10\x03", 4 },
	};

	(void)state;
	reads = writes = 0;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		struct hv_vp_register_page r = registers_in(M64);

		r.rbx = A;
		assert_int_equal(emulate_instruction(&r, (const uint8_t *)unknown[i].code, unknown[i].length, &ops, NULL), -EOPNOTSUPP);
		assert_int_equal(r.rip, 0x100);
	}
	assert_int_equal(reads + writes, 0);
}

static void a_cut_instruction_is_refused(void **state)
{
	struct hv_vp_register_page r = registers_in(M64);

	(void)state;
	assert_int_equal(emulate_instruction(&r, (const uint8_t *)"\x48\xc7\x03\xff", 4, &ops, NULL), -EOPNOTSUPP);
}

static void string_io_prefixes_are_understood(void **state)
{
	struct hv_vp_register_page r = registers_in(M16);
	struct string_io io;

	(void)state;
	assert_int_equal(decode_string_io(&r, (const uint8_t *)"\xf3\x2e\x6e", 3, &io), 0);	/* rep outsb cs: */
	assert_true(io.rep && io.segment == SEGMENT_CS && io.address_size == 2 && io.length == 3);
	assert_int_equal(decode_string_io(&r, (const uint8_t *)"\x67\x6d", 2, &io), 0);		/* insw, 32-bit addresses */
	assert_true(!io.rep && io.segment == SEGMENT_ES && io.address_size == 4 && io.length == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_machine_code_does_what_the_manual_says),
		cmocka_unit_test(a_fault_leaves_whole_elements_and_does_not_move_rip),
		cmocka_unit_test(a_fault_of_a_plain_instruction_changes_no_register),
		cmocka_unit_test(a_long_repeat_stops_half_way_with_rip_unmoved),
		cmocka_unit_test(what_is_not_known_is_refused_and_touches_nothing),
		cmocka_unit_test(a_cut_instruction_is_refused),
		cmocka_unit_test(string_io_prefixes_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
