/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an instruction, any registers, memory that faults where it likes: the emulator must end, change nothing on what it does
 * not know, and advance RIP by a length an instruction can have.
 */
#include "tests/fuzz/input.h"

#include "vmwp/vp/emulator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BASE	0xa0000ull
#define SIZE	4096u

static uint8_t memory[SIZE];

static int bus_read(void *context, uint64_t address, unsigned int size, uint64_t *value)
{
	(void)context;
	if (size > 8 || address < BASE || address - BASE > SIZE - size)
		return -EFAULT;
	*value = 0;
	memcpy(value, memory + (address - BASE), size);
	return 0;
}

static int bus_write(void *context, uint64_t address, unsigned int size, uint64_t value)
{
	(void)context;
	if (size > 8 || address < BASE || address - BASE > SIZE - size)
		return -EFAULT;
	memcpy(memory + (address - BASE), &value, size);
	return 0;
}

static struct hv_vp_register_page registers(void)
{
	static const uint16_t code[] = { 0x9b, 0xc09b, 0xa09b };
	struct hv_vp_register_page r = { .isvalid = 1, .version = 1, .rip = 0x100, .rflags = 2 | input_number(2) };
	uint32_t mode = below(3);

	r.cs.attributes = code[mode];
	r.efer = mode == 2 ? 0x500 : 0;
	for (unsigned int i = 0; i < 16; i++)
		r.gprs[i] = once_in(8) ? input_number(8) : mode == 0 ? input_number(2) : BASE + input_number(1);
	r.rcx = once_in(4) ? r.rcx : below(64);
	if (mode == 0)
		r.ds.base = r.es.base = BASE;
	if (once_in(4))
		r.rip = input_number(8);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct emulator_ops ops = { bus_read, bus_write };
	struct hv_vp_register_page before, after;
	struct string_io io;
	size_t count;
	uint8_t *bytes;
	int r;

	input_begin(data, size);
	before = after = registers();
	count = input_left() < INSTRUCTION_MAX ? input_left() : INSTRUCTION_MAX;
	bytes = input_copy(count);
	r = emulate_instruction(&after, bytes, count, &ops, NULL);
	if (r != 0 && r != -EFAULT && r != -EOPNOTSUPP)
		abort();
	if (r == -EOPNOTSUPP && memcmp(&before, &after, sizeof(before)))
		abort();
	if (r == 0 && after.rip - before.rip > count && before.rip < 0xff00)
		abort();
	(void)decode_string_io(&before, bytes, count, &io);
	free(bytes);
	return 0;
}
