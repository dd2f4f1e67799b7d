/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few instructions hv itself must emulate on memory: plain moves, as guests use them on the APIC page and on doorbells.
 * Everything else a guest does to unmapped memory is the VMM's to emulate.
 */
#ifndef HV_DECODE_H
#define HV_DECODE_H

#include <hv/types.h>

struct move {
	bool write;			/* to memory */
	uint8_t size;			/* of the memory operand: 1, 2, 4, 8 */
	uint8_t length;			/* of the instruction */
	uint8_t reg;			/* index into struct vp_gprs when `immediate` is false */
	uint8_t reg_size;		/* of the register that a read fills */
	bool high_byte, sign_extend, is_immediate;
	uint64_t immediate;
};

/* False: not one of the moves known here. `bits` is the code segment's default: 16, 32 or 64. */
bool decode_move(const uint8_t *bytes, unsigned int count, unsigned int bits, struct move *m);

#endif
