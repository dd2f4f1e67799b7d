/* SPDX-License-Identifier: Apache-2.0 */
/* Memory exits: MMIO, and writes to what is mapped read-only. The instruction is emulated under the machine lock. */
#include "vmwp/vp/vp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGE	4096ull

struct mmio_access {
	struct vp *vp;
	struct translation read, write;		/* MOVS and CMPS work on two pages at once */
};

static void bus_read(struct machine *m, uint64_t gpa, uint8_t *bytes, unsigned int size)
{
	uint64_t value;

	if (guest_read(m, gpa, bytes, size) == 0)
		return;
	value = machine_mmio_read(m, gpa, size);
	memcpy(bytes, &value, size);
}

static void bus_write(struct machine *m, uint64_t gpa, const uint8_t *bytes, unsigned int size)
{
	uint64_t value = 0;

	if (guest_write(m, gpa, bytes, size) == 0)
		return;
	memcpy(&value, bytes, size);
	machine_mmio_write(m, gpa, size, value);
}

static unsigned int part_in_page(uint64_t address, unsigned int size)
{
	uint64_t left = PAGE - address % PAGE;

	return left < size ? (unsigned int)left : size;
}

static int access_read(void *context, uint64_t address, unsigned int size, uint64_t *value)
{
	struct mmio_access *a = context;
	uint8_t bytes[8] = { 0 };

	for (unsigned int done = 0, part; done < size; done += part) {
		uint64_t gpa;
		int r = vp_translate(a->vp, address + done, false, &a->read, &gpa);

		if (r)
			return r;
		part = part_in_page(address + done, size - done);
		bus_read(a->vp->machine, gpa, bytes + done, part);
	}
	memcpy(value, bytes, sizeof(*value));
	return 0;
}

static int access_write(void *context, uint64_t address, unsigned int size, uint64_t value)
{
	struct mmio_access *a = context;
	uint8_t bytes[8];

	memcpy(bytes, &value, sizeof(bytes));
	for (unsigned int done = 0, part; done < size; done += part) {
		uint64_t gpa;
		int r = vp_translate(a->vp, address + done, true, &a->write, &gpa);

		if (r)
			return r;
		part = part_in_page(address + done, size - done);
		bus_write(a->vp->machine, gpa, bytes + done, part);
	}
	return 0;
}

static const struct emulator_ops mmio_ops = { access_read, access_write };

/* The message often says where the faulting access goes: that saves asking the hypervisor to walk the page tables. */
static void take_known_translation(struct mmio_access *a, const struct hv_x64_memory_intercept_message *m)
{
	bool write = m->header.access_type == HV_INTERCEPT_ACCESS_WRITE;
	struct translation known = { m->gva & ~(PAGE - 1), m->gpa & ~(PAGE - 1), true, write };

	if ((m->memory_access_info & (HV_MEMORY_GVA_VALID | HV_MEMORY_GVA_GPA_VALID)) != (HV_MEMORY_GVA_VALID | HV_MEMORY_GVA_GPA_VALID))
		return;
	a->read = known;
	if (write)
		a->write = known;
}

static void memory_fail(struct vp *vp, const struct hv_x64_memory_intercept_message *m)
{
	char what[96];

	snprintf(what, sizeof(what), "%s GPA %llx (%s)", m->header.access_type == HV_INTERCEPT_ACCESS_EXECUTE ?
		 "instruction fetch from" : "cannot emulate the access to", (unsigned long long)m->gpa,
		 vp->message.header.message_type == HVMSG_UNMAPPED_GPA ? "unmapped" : "no permission");
	vp_fail(vp, what);
}

void vp_exit_memory(struct vp *vp)
{
	const struct hv_x64_memory_intercept_message *m = (const void *)vp->message.payload;
	struct mmio_access access = { .vp = vp };
	uint8_t fetched[INSTRUCTION_MAX];
	const uint8_t *bytes = m->instruction_bytes;
	size_t count = m->instruction_byte_count;
	int r = 0;

	take_known_translation(&access, m);
	machine_lock(vp->machine);
	if (count == 0 || count > sizeof(m->instruction_bytes)) {
		bytes = fetched;
		r = vp_fetch(vp, fetched, &count);
	}
	if (r == 0 && m->header.access_type != HV_INTERCEPT_ACCESS_EXECUTE)
		r = emulate_instruction(hv_vp_registers(vp->hv), bytes, count < INSTRUCTION_MAX ? count : INSTRUCTION_MAX,
					&mmio_ops, &access);
	else
		r = -EOPNOTSUPP;
	if (r && r != -EFAULT)
		memory_fail(vp, m);
	machine_unlock(vp->machine);
}
