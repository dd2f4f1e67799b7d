/* SPDX-License-Identifier: Apache-2.0 */
/* The instruction emulator: operands, and a table from mnemonic to what it does. String instructions are in strings.c. */
#include "vmwp/vp/emulator_internal.h"

#include <errno.h>
#include <string.h>

#define EFER_LMA	0x400ull
#define CS_LONG		0x2000u
#define CS_DEFAULT_32	0x4000u

bool is_long_mode(const struct hv_vp_register_page *regs)
{
	return regs->efer & EFER_LMA && regs->cs.attributes & CS_LONG;
}

uint64_t linear_address(const struct hv_vp_register_page *regs, enum segment segment, uint64_t offset)
{
	if (is_long_mode(regs))
		return offset + (segment >= SEGMENT_FS ? regs->segments[segment].base : 0);
	return (uint32_t)(offset + regs->segments[segment].base);
}

static void decoder_init(ZydisDecoder *decoder, const struct hv_vp_register_page *regs)
{
	if (is_long_mode(regs))
		ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	else if (regs->cs.attributes & CS_DEFAULT_32)
		ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
	else
		ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
}

static int decode(struct emulation *e, const uint8_t *bytes, size_t count)
{
	ZydisDecoder decoder;

	decoder_init(&decoder, e->regs);
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, count, &e->insn, e->operands)) ? 0 : -EOPNOTSUPP;
}

/* --- registers --- */

static bool is_high_byte(ZydisRegister reg)
{
	return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
}

static uint64_t *gpr_of(struct emulation *e, ZydisRegister reg)
{
	ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	return full >= ZYDIS_REGISTER_RAX && full <= ZYDIS_REGISTER_R15 ? &e->regs->gprs[full - ZYDIS_REGISTER_RAX] : NULL;
}

static int register_read(struct emulation *e, ZydisRegister reg, unsigned int size, uint64_t *value)
{
	const uint64_t *gpr;

	if (reg >= ZYDIS_REGISTER_ES && reg <= ZYDIS_REGISTER_GS) {
		*value = e->regs->segments[reg - ZYDIS_REGISTER_ES].selector;
		return 0;
	}
	gpr = gpr_of(e, reg);
	if (!gpr)
		return -EOPNOTSUPP;
	*value = (is_high_byte(reg) ? *gpr >> 8 : *gpr) & size_mask(size);
	return 0;
}

/* 32-bit results clear the upper half, narrower ones keep the rest (Intel SDM 1, 3.4.1.1). */
static int register_write(struct emulation *e, ZydisRegister reg, unsigned int size, uint64_t value)
{
	uint64_t *gpr = gpr_of(e, reg), mask = size_mask(size);

	if (!gpr)
		return -EOPNOTSUPP;
	if (is_high_byte(reg))
		*gpr = (*gpr & ~0xff00ull) | (value & 0xff) << 8;
	else if (size >= 4)
		*gpr = value & mask;
	else
		*gpr = (*gpr & ~mask) | (value & mask);
	e->regs->dirty |= 1u << HV_REGISTER_CLASS_GENERAL;
	return 0;
}

/* --- operands --- */

static uint64_t memory_offset(struct emulation *e, const ZydisDecodedOperandMem *mem)
{
	unsigned int size = e->insn.address_width / 8u;
	uint64_t offset = (uint64_t)mem->disp.value, value;

	if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP)
		offset += e->regs->rip + e->insn.length;
	else if (mem->base != ZYDIS_REGISTER_NONE && register_read(e, mem->base, 8, &value) == 0)
		offset += value;
	if (mem->index != ZYDIS_REGISTER_NONE && register_read(e, mem->index, 8, &value) == 0)
		offset += (value & size_mask(size)) * mem->scale;
	return offset & size_mask(size);
}

uint64_t operand_address(struct emulation *e, unsigned int index)
{
	const ZydisDecodedOperandMem *mem = &e->operands[index].mem;

	return linear_address(e->regs, (enum segment)(mem->segment - ZYDIS_REGISTER_ES), memory_offset(e, mem));
}

unsigned int operand_size(const struct emulation *e, unsigned int index)
{
	return e->operands[index].size / 8u;
}

static bool size_is_ordinary(unsigned int size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

int operand_read(struct emulation *e, unsigned int index, uint64_t *value)
{
	const ZydisDecodedOperand *op = &e->operands[index];

	if (op->type == ZYDIS_OPERAND_TYPE_REGISTER)
		return register_read(e, op->reg.value, operand_size(e, index), value);
	if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		*value = op->imm.value.u;
		return 0;
	}
	if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || !size_is_ordinary(operand_size(e, index)))
		return -EOPNOTSUPP;
	return e->ops->read(e->context, operand_address(e, index), operand_size(e, index), value);
}

int operand_write(struct emulation *e, unsigned int index, uint64_t value)
{
	const ZydisDecodedOperand *op = &e->operands[index];
	unsigned int size = operand_size(e, index);

	if (op->type == ZYDIS_OPERAND_TYPE_REGISTER)
		return register_write(e, op->reg.value, size, value);
	if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || !size_is_ordinary(size))
		return -EOPNOTSUPP;
	return e->ops->write(e->context, operand_address(e, index), size, value & size_mask(size));
}

static void set_flags(struct emulation *e, uint64_t rflags)
{
	e->regs->rflags = rflags;
	e->regs->dirty |= 1u << HV_REGISTER_CLASS_FLAGS;
}

/* --- what instructions do; `arg` comes from the table --- */

static int do_mov(struct emulation *e, int arg)
{
	uint64_t value;
	int r = operand_read(e, 1, &value);

	(void)arg;
	return r ? r : operand_write(e, 0, value);
}

static int do_mov_signed(struct emulation *e, int arg)
{
	uint64_t value;
	int r = operand_read(e, 1, &value);

	(void)arg;
	return r ? r : operand_write(e, 0, sign_extend(value, operand_size(e, 1)));
}

static int do_alu(struct emulation *e, int arg)
{
	uint64_t a, b, flags = e->regs->rflags;
	int r = operand_read(e, 0, &a);

	if (r == 0)
		r = operand_read(e, 1, &b);
	if (r == 0)
		r = operand_write(e, 0, alu((enum alu_op)arg, a, b, operand_size(e, 0), &flags));
	if (r == 0)
		set_flags(e, flags);
	return r;
}

static int do_compare(struct emulation *e, int arg)	/* CMP, TEST: flags only */
{
	uint64_t a, b, flags = e->regs->rflags;
	int r = operand_read(e, 0, &a);

	if (r == 0)
		r = operand_read(e, 1, &b);
	if (r)
		return r;
	(void)alu((enum alu_op)arg, a, b, operand_size(e, 0), &flags);
	set_flags(e, flags);
	return 0;
}

static int do_increment(struct emulation *e, int down)
{
	uint64_t a, flags = e->regs->rflags;
	int r = operand_read(e, 0, &a);

	if (r == 0)
		r = operand_write(e, 0, alu_increment(a, down, operand_size(e, 0), &flags));
	if (r == 0)
		set_flags(e, flags);
	return r;
}

static int do_not(struct emulation *e, int arg)
{
	uint64_t a;
	int r = operand_read(e, 0, &a);

	(void)arg;
	return r ? r : operand_write(e, 0, ~a);
}

static int do_negate(struct emulation *e, int arg)
{
	uint64_t a, flags = e->regs->rflags;
	int r = operand_read(e, 0, &a);

	(void)arg;
	if (r == 0)
		r = operand_write(e, 0, alu(ALU_SUB, 0, a, operand_size(e, 0), &flags));
	if (r == 0)
		set_flags(e, flags);
	return r;
}

static int do_shift(struct emulation *e, int op)
{
	uint64_t a, count, flags = e->regs->rflags;
	int r = operand_read(e, 0, &a);

	if (r == 0)
		r = operand_read(e, 1, &count);
	if (r == 0)
		r = operand_write(e, 0, alu_shift((enum shift_op)op, a, (unsigned int)count & 63, operand_size(e, 0), &flags));
	if (r == 0)
		set_flags(e, flags);
	return r;
}

/* The memory side first: if it faults, no register has changed. */
static int do_exchange(struct emulation *e, int add)
{
	unsigned int memory = e->operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY ? 0 : 1;
	uint64_t a, b, flags = e->regs->rflags;
	int r = operand_read(e, memory, &a);

	if (r == 0)
		r = operand_read(e, !memory, &b);
	if (r == 0)
		r = operand_write(e, memory, add ? alu(ALU_ADD, a, b, operand_size(e, 0), &flags) : b);
	if (r == 0)
		r = operand_write(e, !memory, a);
	if (r == 0 && add)
		set_flags(e, flags);
	return r;
}

static int do_compare_exchange(struct emulation *e, int arg)
{
	unsigned int size = operand_size(e, 0);
	uint64_t destination, source, flags = e->regs->rflags;
	int r = operand_read(e, 0, &destination);

	(void)arg;
	if (r == 0)
		r = operand_read(e, 1, &source);
	if (r)
		return r;
	(void)alu(ALU_SUB, e->regs->rax & size_mask(size), destination, size, &flags);
	if (flags & FLAG_ZF)
		r = operand_write(e, 0, source);
	else
		r = register_write(e, size == 1 ? ZYDIS_REGISTER_AL : size == 2 ? ZYDIS_REGISTER_AX :
				   size == 4 ? ZYDIS_REGISTER_EAX : ZYDIS_REGISTER_RAX, size, destination);
	if (r == 0)
		set_flags(e, flags);
	return r;
}

enum bit_op { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

static int do_bit(struct emulation *e, int op)
{
	unsigned int size = operand_size(e, 0), bits = 8 * size;
	uint64_t index, value, bit, address;
	int r = operand_read(e, 1, &index);

	if (r || e->operands[0].type != ZYDIS_OPERAND_TYPE_MEMORY)
		return r ? r : -EOPNOTSUPP;
	address = operand_address(e, 0);
	if (e->operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER)	/* a bit string: the index reaches beyond the operand */
		address += (uint64_t)((int64_t)sign_extend(index, operand_size(e, 1)) >> __builtin_ctz(bits)) * size;
	bit = 1ull << (index % bits);
	r = e->ops->read(e->context, address, size, &value);
	if (r)
		return r;
	if (op != BIT_TEST)
		r = e->ops->write(e->context, address, size, op == BIT_SET ? value | bit : op == BIT_RESET ? value & ~bit : value ^ bit);
	if (r == 0)
		set_flags(e, value & bit ? e->regs->rflags | FLAG_CF : e->regs->rflags & ~FLAG_CF);
	return r;
}

static int do_setcc(struct emulation *e, int condition)
{
	return operand_write(e, 0, condition_holds((unsigned int)condition, e->regs->rflags));
}

static int do_cmovcc(struct emulation *e, int condition)
{
	uint64_t value, old;
	int r = operand_read(e, 1, &value);

	if (r == 0)
		r = operand_read(e, 0, &old);
	return r ? r : operand_write(e, 0, condition_holds((unsigned int)condition, e->regs->rflags) ? value : old);
}

static int do_nothing(struct emulation *e, int arg)	/* prefetches and cache line flushes */
{
	(void)e;
	(void)arg;
	return 0;
}

static const struct { ZydisMnemonic mnemonic; int (*run)(struct emulation *e, int arg); int arg; } instructions[] = {
	{ ZYDIS_MNEMONIC_MOV, do_mov, 0 },		{ ZYDIS_MNEMONIC_MOVZX, do_mov, 0 },
	{ ZYDIS_MNEMONIC_MOVSX, do_mov_signed, 0 },	{ ZYDIS_MNEMONIC_MOVSXD, do_mov_signed, 0 },
	{ ZYDIS_MNEMONIC_MOVNTI, do_mov, 0 },
	{ ZYDIS_MNEMONIC_MOVSB, do_string, STRING_MOVS }, { ZYDIS_MNEMONIC_MOVSW, do_string, STRING_MOVS },
	{ ZYDIS_MNEMONIC_MOVSD, do_string, STRING_MOVS }, { ZYDIS_MNEMONIC_MOVSQ, do_string, STRING_MOVS },
	{ ZYDIS_MNEMONIC_STOSB, do_string, STRING_STOS }, { ZYDIS_MNEMONIC_STOSW, do_string, STRING_STOS },
	{ ZYDIS_MNEMONIC_STOSD, do_string, STRING_STOS }, { ZYDIS_MNEMONIC_STOSQ, do_string, STRING_STOS },
	{ ZYDIS_MNEMONIC_LODSB, do_string, STRING_LODS }, { ZYDIS_MNEMONIC_LODSW, do_string, STRING_LODS },
	{ ZYDIS_MNEMONIC_LODSD, do_string, STRING_LODS }, { ZYDIS_MNEMONIC_LODSQ, do_string, STRING_LODS },
	{ ZYDIS_MNEMONIC_CMPSB, do_string, STRING_CMPS }, { ZYDIS_MNEMONIC_CMPSW, do_string, STRING_CMPS },
	{ ZYDIS_MNEMONIC_CMPSD, do_string, STRING_CMPS }, { ZYDIS_MNEMONIC_CMPSQ, do_string, STRING_CMPS },
	{ ZYDIS_MNEMONIC_SCASB, do_string, STRING_SCAS }, { ZYDIS_MNEMONIC_SCASW, do_string, STRING_SCAS },
	{ ZYDIS_MNEMONIC_SCASD, do_string, STRING_SCAS }, { ZYDIS_MNEMONIC_SCASQ, do_string, STRING_SCAS },
	{ ZYDIS_MNEMONIC_ADD, do_alu, ALU_ADD },	{ ZYDIS_MNEMONIC_OR, do_alu, ALU_OR },
	{ ZYDIS_MNEMONIC_ADC, do_alu, ALU_ADC },	{ ZYDIS_MNEMONIC_SBB, do_alu, ALU_SBB },
	{ ZYDIS_MNEMONIC_AND, do_alu, ALU_AND },	{ ZYDIS_MNEMONIC_SUB, do_alu, ALU_SUB },
	{ ZYDIS_MNEMONIC_XOR, do_alu, ALU_XOR },
	{ ZYDIS_MNEMONIC_CMP, do_compare, ALU_SUB },	{ ZYDIS_MNEMONIC_TEST, do_compare, ALU_AND },
	{ ZYDIS_MNEMONIC_INC, do_increment, false },	{ ZYDIS_MNEMONIC_DEC, do_increment, true },
	{ ZYDIS_MNEMONIC_NOT, do_not, 0 },		{ ZYDIS_MNEMONIC_NEG, do_negate, 0 },
	{ ZYDIS_MNEMONIC_SHL, do_shift, SHIFT_LEFT },	{ ZYDIS_MNEMONIC_SHR, do_shift, SHIFT_RIGHT },
	{ ZYDIS_MNEMONIC_SAR, do_shift, SHIFT_RIGHT_ARITHMETIC },
	{ ZYDIS_MNEMONIC_XCHG, do_exchange, false },	{ ZYDIS_MNEMONIC_XADD, do_exchange, true },
	{ ZYDIS_MNEMONIC_CMPXCHG, do_compare_exchange, 0 },
	{ ZYDIS_MNEMONIC_BT, do_bit, BIT_TEST },	{ ZYDIS_MNEMONIC_BTS, do_bit, BIT_SET },
	{ ZYDIS_MNEMONIC_BTR, do_bit, BIT_RESET },	{ ZYDIS_MNEMONIC_BTC, do_bit, BIT_COMPLEMENT },
	{ ZYDIS_MNEMONIC_SETO, do_setcc, 0 },		{ ZYDIS_MNEMONIC_SETNO, do_setcc, 1 },
	{ ZYDIS_MNEMONIC_SETB, do_setcc, 2 },		{ ZYDIS_MNEMONIC_SETNB, do_setcc, 3 },
	{ ZYDIS_MNEMONIC_SETZ, do_setcc, 4 },		{ ZYDIS_MNEMONIC_SETNZ, do_setcc, 5 },
	{ ZYDIS_MNEMONIC_SETBE, do_setcc, 6 },		{ ZYDIS_MNEMONIC_SETNBE, do_setcc, 7 },
	{ ZYDIS_MNEMONIC_SETS, do_setcc, 8 },		{ ZYDIS_MNEMONIC_SETNS, do_setcc, 9 },
	{ ZYDIS_MNEMONIC_SETL, do_setcc, 12 },		{ ZYDIS_MNEMONIC_SETNL, do_setcc, 13 },
	{ ZYDIS_MNEMONIC_SETLE, do_setcc, 14 },		{ ZYDIS_MNEMONIC_SETNLE, do_setcc, 15 },
	{ ZYDIS_MNEMONIC_CMOVB, do_cmovcc, 2 },		{ ZYDIS_MNEMONIC_CMOVNB, do_cmovcc, 3 },
	{ ZYDIS_MNEMONIC_CMOVZ, do_cmovcc, 4 },		{ ZYDIS_MNEMONIC_CMOVNZ, do_cmovcc, 5 },
	{ ZYDIS_MNEMONIC_CMOVBE, do_cmovcc, 6 },	{ ZYDIS_MNEMONIC_CMOVNBE, do_cmovcc, 7 },
	{ ZYDIS_MNEMONIC_CMOVS, do_cmovcc, 8 },		{ ZYDIS_MNEMONIC_CMOVNS, do_cmovcc, 9 },
	{ ZYDIS_MNEMONIC_CMOVL, do_cmovcc, 12 },	{ ZYDIS_MNEMONIC_CMOVNL, do_cmovcc, 13 },
	{ ZYDIS_MNEMONIC_CMOVLE, do_cmovcc, 14 },	{ ZYDIS_MNEMONIC_CMOVNLE, do_cmovcc, 15 },
	{ ZYDIS_MNEMONIC_PREFETCHT0, do_nothing, 0 },	{ ZYDIS_MNEMONIC_PREFETCHNTA, do_nothing, 0 },
	{ ZYDIS_MNEMONIC_CLFLUSH, do_nothing, 0 },	{ ZYDIS_MNEMONIC_CLFLUSHOPT, do_nothing, 0 },
};

void emulation_advance(struct emulation *e)
{
	e->regs->rip += e->insn.length;
	if (!is_long_mode(e->regs))
		e->regs->rip = (uint32_t)e->regs->rip;
	e->regs->dirty |= 1u << HV_REGISTER_CLASS_IP;
}

int emulate_instruction(struct hv_vp_register_page *regs, const uint8_t *bytes, size_t count,
			const struct emulator_ops *ops, void *context)
{
	struct emulation e = { .regs = regs, .ops = ops, .context = context };
	int r = decode(&e, bytes, count);

	for (size_t i = 0; r == 0 && i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		if (instructions[i].mnemonic != e.insn.mnemonic)
			continue;
		r = instructions[i].run(&e, instructions[i].arg);
		if (r == 0)
			emulation_advance(&e);
		return r == EMULATION_CONTINUES ? 0 : r;
	}
	return r ? r : -EOPNOTSUPP;
}

int decode_string_io(const struct hv_vp_register_page *regs, const uint8_t *bytes, size_t count, struct string_io *out)
{
	struct emulation e = { .regs = (struct hv_vp_register_page *)(uintptr_t)regs };
	int r = decode(&e, bytes, count);

	if (r)
		return r;
	out->segment = SEGMENT_DS;
	for (unsigned int i = 0; i < e.insn.operand_count; i++)
		if (e.operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			out->segment = (enum segment)(e.operands[i].mem.segment - ZYDIS_REGISTER_ES);
	out->address_size = e.insn.address_width / 8u;
	out->length = e.insn.length;
	out->rep = e.insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
	return 0;
}
