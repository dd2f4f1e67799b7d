/* SPDX-License-Identifier: Apache-2.0 */
/* One instruction being executed; shared by emulator.c and strings.c only. */
#ifndef VMWP_VP_EMULATOR_INTERNAL_H
#define VMWP_VP_EMULATOR_INTERNAL_H

#include "vmwp/vp/alu.h"
#include "vmwp/vp/emulator.h"

#include <Zydis/Zydis.h>

#define EMULATION_CONTINUES	1	/* a repeated instruction is not through: RIP stays */

struct emulation {
	struct hv_vp_register_page *regs;
	const struct emulator_ops *ops;
	void *context;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

uint64_t operand_address(struct emulation *e, unsigned int index);
unsigned int operand_size(const struct emulation *e, unsigned int index);
int operand_read(struct emulation *e, unsigned int index, uint64_t *value);
int operand_write(struct emulation *e, unsigned int index, uint64_t value);
void emulation_advance(struct emulation *e);

enum string_op { STRING_MOVS, STRING_STOS, STRING_LODS, STRING_CMPS, STRING_SCAS };
int do_string(struct emulation *e, int op);

#endif
