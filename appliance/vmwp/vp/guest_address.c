/* SPDX-License-Identifier: Apache-2.0 */
/* Linear addresses of a stopped VP: translation (by the hypervisor when paging is on), page faults, instruction fetch. */
#include "vmwp/vp/vp.h"

#include <errno.h>
#include <hv_hypercall.h>
#include <string.h>

#define PAGE		4096ull
#define CR0_PG		0x80000000ull
#define VECTOR_PF	14
#define PF_PRESENT	1u
#define PF_WRITE	2u
#define PF_USER		4u

static unsigned int vp_cpl(const struct hv_vp_register_page *regs)
{
	return regs->ss.attributes >> 5 & 3;
}

static int vp_raise_page_fault(struct vp *vp, uint64_t gva, bool write, uint32_t result)
{
	struct hv_register_assoc event = { .name = HV_REGISTER_PENDING_EVENT0 };
	uint32_t error = (result == HV_TRANSLATE_PAGE_NOT_PRESENT ? 0 : PF_PRESENT) | (write ? PF_WRITE : 0) |
			 (vp_cpl(hv_vp_registers(vp->hv)) == 3 ? PF_USER : 0);
	int r;

	event.value.pending_event.exception.pending = 1;
	event.value.pending_event.exception.type = HV_PENDING_EVENT_EXCEPTION;
	event.value.pending_event.exception.deliver_error_code = 1;
	event.value.pending_event.exception.vector = VECTOR_PF;
	event.value.pending_event.exception.error_code = error;
	event.value.pending_event.exception.parameter = gva;
	r = hv_vp_set_registers(vp->hv, &event, 1);
	return r ? r : -EFAULT;
}

static int vp_walk(struct vp *vp, uint64_t gva, uint64_t flags, uint32_t *result, uint64_t *gpa)
{
	if (!(hv_vp_registers(vp->hv)->cr0 & CR0_PG)) {
		*result = HV_TRANSLATE_SUCCESS;
		*gpa = gva;
		return 0;
	}
	return hv_vp_translate(vp->hv, gva, flags, result, gpa);
}

/* An address that translates to MMIO has no mapping, and that is what the caller is here for. */
static bool is_translated(uint32_t result)
{
	return result == HV_TRANSLATE_SUCCESS || result >= HV_TRANSLATE_GPA_UNMAPPED;
}

int vp_translate(struct vp *vp, uint64_t gva, bool write, struct translation *last, uint64_t *gpa)
{
	uint64_t flags = HV_TRANSLATE_READ | (write ? HV_TRANSLATE_WRITE : 0);
	uint32_t result;
	int r;

	if (last->valid && last->gva == (gva & ~(PAGE - 1)) && (last->write || !write)) {
		*gpa = last->gpa + gva % PAGE;
		return 0;
	}
	r = vp_walk(vp, gva, flags, &result, gpa);
	if (r)
		return r;
	if (!is_translated(result))
		return vp_raise_page_fault(vp, gva, write, result);
	*last = (struct translation){ gva & ~(PAGE - 1), *gpa & ~(PAGE - 1), true, write };
	return 0;
}

/* Up to 15 bytes at CS:RIP; fewer when the next page cannot be read. */
int vp_fetch(struct vp *vp, uint8_t bytes[INSTRUCTION_MAX], size_t *count)
{
	const struct hv_vp_register_page *regs = hv_vp_registers(vp->hv);
	uint64_t gva = linear_address(regs, SEGMENT_CS, regs->rip), gpa;
	size_t got = 0;
	uint32_t result;

	while (got < INSTRUCTION_MAX) {
		uint64_t at = gva + got;
		size_t size = PAGE - at % PAGE < INSTRUCTION_MAX - got ? PAGE - at % PAGE : INSTRUCTION_MAX - got;

		if (vp_walk(vp, at, HV_TRANSLATE_READ | HV_TRANSLATE_EXECUTE, &result, &gpa) != 0 ||
		    result != HV_TRANSLATE_SUCCESS || guest_read(vp->machine, gpa, bytes + got, size) != 0)
			break;
		got += size;
	}
	*count = got;
	return got ? 0 : -EFAULT;
}
