/* SPDX-License-Identifier: Apache-2.0 */
/*
 * String instructions on memory: one element, or up to STRING_BATCH of a repeated one. Registers always describe a whole
 * number of elements, so a fault or the end of a batch lets the guest simply run the instruction again.
 */
#include "vmwp/vp/emulator_internal.h"

#include <errno.h>

#define STRING_BATCH	1024u

struct string_state {
	struct emulation *e;
	unsigned int size, address_size;
	enum segment source;		/* of RSI; RDI is always ES */
	uint64_t step;
};

static uint64_t masked(uint64_t value, unsigned int size)
{
	return value & size_mask(size);
}

/* Writes to RSI, RDI, RCX of the address size: 32 bits clear the upper half, 16 bits keep the rest. */
static void update(uint64_t *reg, uint64_t value, unsigned int size)
{
	*reg = size == 2 ? (*reg & ~0xffffull) | (value & 0xffff) : masked(value, size);
}

static uint64_t source_address(const struct string_state *s)
{
	return linear_address(s->e->regs, s->source, masked(s->e->regs->rsi, s->address_size));
}

static uint64_t destination_address(const struct string_state *s)
{
	return linear_address(s->e->regs, SEGMENT_ES, masked(s->e->regs->rdi, s->address_size));
}

static void advance_source(const struct string_state *s)
{
	update(&s->e->regs->rsi, s->e->regs->rsi + s->step, s->address_size);
}

static void advance_destination(const struct string_state *s)
{
	update(&s->e->regs->rdi, s->e->regs->rdi + s->step, s->address_size);
}

static void load_accumulator(const struct string_state *s, uint64_t value)
{
	uint64_t *rax = &s->e->regs->rax;

	*rax = s->size >= 4 ? value : (*rax & ~size_mask(s->size)) | value;
}

static void compare(const struct string_state *s, uint64_t a, uint64_t b)
{
	(void)alu(ALU_SUB, a, b, s->size, &s->e->regs->rflags);
	s->e->regs->dirty |= 1u << HV_REGISTER_CLASS_FLAGS;
}

static int string_element(const struct string_state *s, enum string_op op)
{
	struct emulation *e = s->e;
	uint64_t from = masked(e->regs->rax, s->size), to = 0;
	int r = 0;

	if (op == STRING_MOVS || op == STRING_LODS || op == STRING_CMPS)
		r = e->ops->read(e->context, source_address(s), s->size, &from);
	if (r == 0 && (op == STRING_CMPS || op == STRING_SCAS))
		r = e->ops->read(e->context, destination_address(s), s->size, &to);
	if (r == 0 && (op == STRING_MOVS || op == STRING_STOS))
		r = e->ops->write(e->context, destination_address(s), s->size, from);
	if (r)
		return r;
	if (op == STRING_LODS)
		load_accumulator(s, from);
	if (op == STRING_CMPS || op == STRING_SCAS)
		compare(s, from, to);
	if (op == STRING_MOVS || op == STRING_LODS || op == STRING_CMPS)
		advance_source(s);
	if (op != STRING_LODS)
		advance_destination(s);
	e->regs->dirty |= 1u << HV_REGISTER_CLASS_GENERAL;
	return 0;
}

static bool repeat_ends(const struct emulation *e, enum string_op op)
{
	bool equal = e->regs->rflags & FLAG_ZF;

	if (op != STRING_CMPS && op != STRING_SCAS)
		return false;
	return e->insn.attributes & ZYDIS_ATTRIB_HAS_REPNE ? equal : !equal;
}

static int string_repeat(const struct string_state *s, enum string_op op)
{
	struct emulation *e = s->e;

	for (unsigned int i = 0; i < STRING_BATCH; i++) {
		int r;

		if (masked(e->regs->rcx, s->address_size) == 0)
			return 0;
		r = string_element(s, op);
		if (r)
			return r;
		update(&e->regs->rcx, e->regs->rcx - 1, s->address_size);
		if (repeat_ends(e, op))
			return 0;
	}
	return masked(e->regs->rcx, s->address_size) ? EMULATION_CONTINUES : 0;
}

int do_string(struct emulation *e, int op)
{
	struct string_state s = { .e = e, .size = operand_size(e, 0), .address_size = e->insn.address_width / 8u, .source = SEGMENT_DS };

	/* MOVSD and CMPSD are also SSE mnemonics; those have no memory operand through RSI or RDI. */
	if (e->insn.meta.category != ZYDIS_CATEGORY_STRINGOP)
		return -EOPNOTSUPP;
	for (unsigned int i = 0; i < e->insn.operand_count; i++)
		if (e->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, e->operands[i].mem.base) == ZYDIS_REGISTER_RSI)
			s.source = (enum segment)(e->operands[i].mem.segment - ZYDIS_REGISTER_ES);
	s.step = e->regs->rflags & FLAG_DF ? (uint64_t)-(int64_t)s.size : s.size;
	if (e->insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE))
		return string_repeat(&s, (enum string_op)op);
	return string_element(&s, (enum string_op)op);
}
