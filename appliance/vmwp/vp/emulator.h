/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executes one instruction that touches memory the hypervisor cannot access for the guest. Decoding is Zydis'. It knows
 * registers and flags; where bytes are is the caller's business (ops), which makes it testable without a VP.
 */
#ifndef VMWP_VP_EMULATOR_H
#define VMWP_VP_EMULATOR_H

#include <hv_vp_page.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSTRUCTION_MAX	15u

struct emulator_ops {	/* linear addresses; size 1, 2, 4, 8. 0, or -EFAULT when the guest must get an exception instead */
	int (*read)(void *context, uint64_t address, unsigned int size, uint64_t *value);
	int (*write)(void *context, uint64_t address, unsigned int size, uint64_t value);
};

/*
 * 0: done, registers (and their `dirty` classes) say so. A repeated string instruction may stop early with RIP unmoved.
 * -EFAULT: an op said so and nothing was changed that running the instruction again would not redo.
 * -EOPNOTSUPP: not an instruction this emulator executes.
 */
int emulate_instruction(struct hv_vp_register_page *regs, const uint8_t *bytes, size_t count,
			const struct emulator_ops *ops, void *context);

/* Linear address of an offset in a segment (index as in hv_vp_register_page.segments), in the VP's present mode. */
enum segment { SEGMENT_ES, SEGMENT_CS, SEGMENT_SS, SEGMENT_DS, SEGMENT_FS, SEGMENT_GS };
uint64_t linear_address(const struct hv_vp_register_page *regs, enum segment segment, uint64_t offset);
bool is_long_mode(const struct hv_vp_register_page *regs);		/* 64-bit code */

/* Prefixes of INS and OUTS. */
struct string_io { enum segment segment; unsigned int address_size; unsigned int length; bool rep; };
int decode_string_io(const struct hv_vp_register_page *regs, const uint8_t *bytes, size_t count, struct string_io *out);

#endif
