/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a guest against the decoder of the moves hv executes itself. What it takes, Zydis must take for a move as well, of the same
 * length and direction, with a memory operand of the same size.
 */
#include "tests/fuzz/input.h"

#include <hv/decode.h>
#include <stdlib.h>
#include <string.h>
#include <Zydis/Zydis.h>

#define LENGTH_MAX 15

static const struct { unsigned int bits; ZydisMachineMode mode; ZydisStackWidth width; } modes[] = {
	{ 16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16 }, { 32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32 },
	{ 64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64 },
};

static void must(bool good)
{
	if (!good)
		abort();
}

static void compare(unsigned int mode, const uint8_t *bytes, unsigned int count, const struct move *m)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	ZydisDecoder decoder;
	unsigned int memory;

	ZydisDecoderInit(&decoder, modes[mode].mode, modes[mode].width);
	must(ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, count, &insn, operands)));
	must(insn.mnemonic == ZYDIS_MNEMONIC_MOV || insn.mnemonic == ZYDIS_MNEMONIC_MOVZX || insn.mnemonic == ZYDIS_MNEMONIC_MOVSX);
	memory = operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY ? 0 : 1;
	must(operands[memory].type == ZYDIS_OPERAND_TYPE_MEMORY && m->write == (memory == 0));
	must(insn.length == m->length && operands[memory].size == m->size * 8u);
	must(m->is_immediate == (operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) && m->reg < 16);
	must(!m->is_immediate || !((m->immediate ^ operands[1].imm.value.u) << (64 - 8 * m->size)));
	must(m->sign_extend == (insn.mnemonic == ZYDIS_MNEMONIC_MOVSX));
	if (!m->is_immediate)
		must(ZydisRegisterGetId(operands[!memory].reg.value) == m->reg + (m->high_byte ? 4 : 0) ||
		     operands[!memory].size == 8);	/* Zydis numbers AH to BH apart */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct move m;
	uint8_t *bytes;
	unsigned int mode, count;

	input_begin(data, size);
	mode = below(3);
	count = (unsigned int)(input_left() < LENGTH_MAX ? input_left() : LENGTH_MAX);
	bytes = input_copy(count);
	if (decode_move(bytes, count, modes[mode].bits, &m))
		compare(mode, bytes, count, &m);
	free(bytes);
	return 0;
}
