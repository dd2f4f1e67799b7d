/* SPDX-License-Identifier: Apache-2.0 */
/* Decoder for MOV, MOVZX and MOVSX between a register and memory (Intel SDM 2, chapter 2 and MOV); see decode.h. */
#include <hv/decode.h>

#define REX_W	8
#define REX_R	4

struct cursor {
	const uint8_t *bytes;
	unsigned int count, at;
	unsigned int bits;
	bool operand16, address_flip, failed;
	uint8_t rex;
};

static uint8_t next_byte(struct cursor *c)
{
	if (c->at >= c->count) {
		c->failed = true;
		return 0;
	}
	return c->bytes[c->at++];
}

static uint64_t next_value(struct cursor *c, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)next_byte(c) << i * 8;
	return value;
}

static uint8_t skip_prefixes(struct cursor *c)
{
	for (;;) {
		uint8_t b = next_byte(c);

		if (b == 0x66)
			c->operand16 = true;
		else if (b == 0x67)
			c->address_flip = true;
		else if (b != 0x26 && b != 0x2e && b != 0x36 && b != 0x3e && b != 0x64 && b != 0x65)
			return b;
		if (c->failed)
			return 0;
	}
}

static unsigned int operand_size(const struct cursor *c)
{
	if (c->rex & REX_W)
		return 8;
	return (c->bits == 16) != c->operand16 ? 2 : 4;
}

static unsigned int address_size(const struct cursor *c)
{
	if (c->bits == 64)
		return c->address_flip ? 4 : 8;
	return (c->bits == 16) != c->address_flip ? 2 : 4;
}

/* Passes over ModRM, SIB and displacement; the fault has told the address. Returns the reg field. Mod 3 is no memory. */
static uint8_t skip_modrm(struct cursor *c)
{
	uint8_t modrm = next_byte(c), mod = modrm >> 6, rm = modrm & 7, sib;

	if (mod == 3)
		c->failed = true;
	if (address_size(c) == 2) {
		next_value(c, mod == 0 ? (rm == 6 ? 2 : 0) : mod);
		return modrm >> 3 & 7;
	}
	if (rm == 4) {
		sib = next_byte(c);
		if (mod == 0 && (sib & 7) == 5)
			next_value(c, 4);
	} else if (mod == 0 && rm == 5) {
		next_value(c, 4);
	}
	next_value(c, mod == 1 ? 1 : mod == 2 ? 4 : 0);
	return modrm >> 3 & 7;
}

static void modrm_register(struct cursor *c, struct move *m)
{
	m->reg = skip_modrm(c) | (c->rex & REX_R ? 8 : 0);
	m->high_byte = m->reg_size == 1 && !c->rex && m->reg >= 4;
	if (m->high_byte)
		m->reg -= 4;
}

static bool decode_extend(struct cursor *c, struct move *m)
{
	uint8_t opcode = next_byte(c);

	if (opcode != 0xb6 && opcode != 0xb7 && opcode != 0xbe && opcode != 0xbf)
		return false;
	m->size = opcode & 1 ? 2 : 1;
	m->sign_extend = opcode >= 0xbe;
	m->reg_size = (uint8_t)operand_size(c);
	modrm_register(c, m);
	return true;
}

static bool decode_opcode(struct cursor *c, uint8_t opcode, struct move *m)
{
	m->size = m->reg_size = opcode & 1 ? (uint8_t)operand_size(c) : 1;
	switch (opcode) {
	case 0x88: case 0x89:
		m->write = true;
		modrm_register(c, m);
		return true;
	case 0x8a: case 0x8b:
		modrm_register(c, m);
		return true;
	case 0xa0: case 0xa1: case 0xa2: case 0xa3:
		m->write = opcode >= 0xa2;
		next_value(c, address_size(c));
		return true;
	case 0xc6: case 0xc7:
		m->write = m->is_immediate = true;
		if (skip_modrm(c) != 0)
			return false;
		m->immediate = next_value(c, m->size == 8 ? 4 : m->size);
		if (m->size == 8)
			m->immediate = (uint64_t)(int32_t)m->immediate;
		return true;
	case 0x0f:
		return decode_extend(c, m);
	}
	return false;
}

bool decode_move(const uint8_t *bytes, unsigned int count, unsigned int bits, struct move *m)
{
	struct cursor c = { .bytes = bytes, .count = count > 15 ? 15 : count, .bits = bits };
	uint8_t opcode = skip_prefixes(&c);

	*m = (struct move){ 0 };
	if (bits == 64 && (opcode & 0xf0) == 0x40) {
		c.rex = opcode;
		opcode = next_byte(&c);
	}
	if (!decode_opcode(&c, opcode, m) || c.failed)
		return false;
	m->length = (uint8_t)c.at;
	return true;
}
