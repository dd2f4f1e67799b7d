/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic with x86 flags (Intel SDM 1, 3.4.3.1); sizes are bytes. */
#ifndef VMWP_VP_ALU_H
#define VMWP_VP_ALU_H

#include <stdbool.h>
#include <stdint.h>

#define FLAG_CF		0x001ull
#define FLAG_PF		0x004ull
#define FLAG_AF		0x010ull
#define FLAG_ZF		0x040ull
#define FLAG_SF		0x080ull
#define FLAG_DF		0x400ull
#define FLAG_OF		0x800ull

enum alu_op { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR };
enum shift_op { SHIFT_LEFT, SHIFT_RIGHT, SHIFT_RIGHT_ARITHMETIC };

uint64_t size_mask(unsigned int size);
uint64_t sign_extend(uint64_t value, unsigned int size);
uint64_t alu(enum alu_op op, uint64_t a, uint64_t b, unsigned int size, uint64_t *rflags);
uint64_t alu_increment(uint64_t a, bool down, unsigned int size, uint64_t *rflags);	/* CF stays */
uint64_t alu_shift(enum shift_op op, uint64_t a, unsigned int count, unsigned int size, uint64_t *rflags);
bool condition_holds(unsigned int condition, uint64_t rflags);		/* 0..15 as in Jcc, SETcc, CMOVcc */

#endif
