/* SPDX-License-Identifier: Apache-2.0 */
/* The VMM's view of the guest's memory. See guest_memory.c. */
#include <sys/ioctl.h>

#include "test_memory.h"
#include "vmm.h"

static uint64_t bitmap(uint8_t type, uint64_t first, uint64_t pages)
{
	uint64_t bits[2] = { 0 };
	struct mshv_gpap_access_bitmap b = {
		.access_type = type, .access_op = MSHV_GPAP_ACCESS_OP_CLEAR, .page_count = pages,
		.gpap_base = SCRATCH / HV_PAGE_SIZE + first, .bitmap_ptr = (uintptr_t)bits,
	};

	must(ioctl(partition_fd, MSHV_GET_GPAP_ACCESS_BITMAP, &b), "access bitmap");
	return bits[0];
}

static uint64_t translate(uint32_t vp, uint64_t gva, uint64_t flags)
{
	struct hv_in_translate in = { .vp_index = vp, .flags = flags, .gva_page = gva / HV_PAGE_SIZE };
	struct hv_out_translate out = { 0 };

	if (root_call(HVCALL_TRANSLATE_VIRTUAL_ADDRESS, &in, sizeof(in), &out, sizeof(out), 0))
		return ~0ull;
	return (uint64_t)out.result << 56 | (out.result ? 0 : out.gpa_page);
}

static void memory_ask(struct vp *vp, struct ask *a)
{
	switch (a->what) {
	case ASK_TRACK:		a->result[0] = set_property(HV_PROPERTY_GPA_ACCESS_TRACKING, a->argument[0]); break;
	case ASK_DIRTY:		a->result[0] = bitmap(MSHV_GPAP_ACCESS_TYPE_DIRTY, a->argument[0], a->argument[1]); break;
	case ASK_ACCESSED:	a->result[0] = bitmap(MSHV_GPAP_ACCESS_TYPE_ACCESSED, a->argument[0], a->argument[1]); break;
	case ASK_TRANSLATE:	a->result[0] = translate(vp->index, a->argument[0], a->argument[1]); break;
	}
}

const struct test test_memory = { .name = "memory", .guest = GUEST_MEMORY, .vps = 1, .ask = memory_ask };
