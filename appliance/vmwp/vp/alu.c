/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic with x86 flags. */
#include "vmwp/vp/alu.h"

#define ARITHMETIC_FLAGS (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

uint64_t size_mask(unsigned int size)
{
	return size >= 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

uint64_t sign_extend(uint64_t value, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (uint64_t)((int64_t)(value << shift) >> shift);
}

static bool top_bit(uint64_t value, unsigned int size)
{
	return value >> (8 * size - 1) & 1;
}

static uint64_t result_flags(uint64_t result, unsigned int size)
{
	uint64_t flags = 0;

	if (!(__builtin_popcount((unsigned int)result & 0xff) & 1))
		flags |= FLAG_PF;
	if (!(result & size_mask(size)))
		flags |= FLAG_ZF;
	if (top_bit(result, size))
		flags |= FLAG_SF;
	return flags;
}

static uint64_t add(uint64_t a, uint64_t b, bool carry, unsigned int size, uint64_t *flags)
{
	uint64_t mask = size_mask(size), result = (a + b + carry) & mask;

	if (result < (a & mask) || (carry && result == (a & mask)))
		*flags |= FLAG_CF;
	if ((a ^ b ^ result) & 0x10)
		*flags |= FLAG_AF;
	if (top_bit((a ^ result) & (b ^ result), size))
		*flags |= FLAG_OF;
	return result;
}

static uint64_t subtract(uint64_t a, uint64_t b, bool borrow, unsigned int size, uint64_t *flags)
{
	uint64_t mask = size_mask(size), result = (a - b - borrow) & mask;

	if ((a & mask) < (b & mask) || (borrow && (a & mask) == (b & mask)))
		*flags |= FLAG_CF;
	if ((a ^ b ^ result) & 0x10)
		*flags |= FLAG_AF;
	if (top_bit((a ^ b) & (a ^ result), size))
		*flags |= FLAG_OF;
	return result;
}

uint64_t alu(enum alu_op op, uint64_t a, uint64_t b, unsigned int size, uint64_t *rflags)
{
	bool carry = *rflags & FLAG_CF;
	uint64_t flags = 0, result;

	switch (op) {
	case ALU_ADD: result = add(a, b, false, size, &flags); break;
	case ALU_ADC: result = add(a, b, carry, size, &flags); break;
	case ALU_SUB: result = subtract(a, b, false, size, &flags); break;
	case ALU_SBB: result = subtract(a, b, carry, size, &flags); break;
	case ALU_OR: result = a | b; break;
	case ALU_AND: result = a & b; break;
	default: result = a ^ b; break;
	}
	result &= size_mask(size);
	*rflags = (*rflags & ~ARITHMETIC_FLAGS) | flags | result_flags(result, size);
	return result;
}

uint64_t alu_increment(uint64_t a, bool down, unsigned int size, uint64_t *rflags)
{
	uint64_t carry = *rflags & FLAG_CF, result = alu(down ? ALU_SUB : ALU_ADD, a, 1, size, rflags);

	*rflags = (*rflags & ~FLAG_CF) | carry;
	return result;
}

uint64_t alu_shift(enum shift_op op, uint64_t a, unsigned int count, unsigned int size, uint64_t *rflags)
{
	unsigned int bits = 8 * size;
	bool out = false, top = top_bit(a, size);
	uint64_t result = a & size_mask(size);

	count &= size == 8 ? 63 : 31;
	if (count == 0)
		return result;
	for (unsigned int i = 0; i < count; i++) {
		out = op == SHIFT_LEFT ? result >> (bits - 1) & 1 : result & 1;
		if (op == SHIFT_LEFT)
			result = result << 1 & size_mask(size);
		else
			result = result >> 1 | (op == SHIFT_RIGHT_ARITHMETIC && top ? 1ull << (bits - 1) : 0);
	}
	*rflags = (*rflags & ~ARITHMETIC_FLAGS) | result_flags(result, size) | (out ? FLAG_CF : 0);
	if ((op == SHIFT_LEFT && top_bit(result, size) != out) || (op == SHIFT_RIGHT && top))
		*rflags |= FLAG_OF;	/* defined for counts of 1 only */
	return result;
}

bool condition_holds(unsigned int condition, uint64_t rflags)
{
	bool less = !(rflags & FLAG_SF) != !(rflags & FLAG_OF), holds;

	switch (condition >> 1) {
	case 0: holds = rflags & FLAG_OF; break;
	case 1: holds = rflags & FLAG_CF; break;
	case 2: holds = rflags & FLAG_ZF; break;
	case 3: holds = rflags & (FLAG_CF | FLAG_ZF); break;
	case 4: holds = rflags & FLAG_SF; break;
	case 5: holds = rflags & FLAG_PF; break;
	case 6: holds = less; break;
	default: holds = less || rflags & FLAG_ZF; break;
	}
	return holds != (condition & 1);
}
