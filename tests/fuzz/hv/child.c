/* SPDX-License-Identifier: Apache-2.0 */
/* See child.h. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include "child.h"
#include <abi/hv_synic.h>
#include <abi/hv_types.h>
#include <hv/intercept.h>
#include <hv/lapic.h>

#define DEPOSIT_GPFN	0x400ull
#define DEPOSITED	128u
#define RESET_EVERY	256u		/* children: ports and statistics of the root stay until then */
#define MSR_X2APIC_SVR	0x80fu

uint64_t child;

static bool deposit(uint64_t id)
{
	uint64_t block[1 + DEPOSITED] = { id };

	for (unsigned int i = 0; i < DEPOSITED; i++)
		block[1 + i] = DEPOSIT_GPFN + i;
	return !RESULT_STATUS(fake_hypercall(HVCALL_DEPOSIT_MEMORY | REPS(DEPOSITED), block, sizeof(block), NULL, 0));
}

static bool give_memory(void)
{
	struct { struct hv_in_map_gpa head; uint64_t frames[CHILD_PAGES]; } block = {
		.head = { .partition_id = child, .flags = HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE | HV_MAP_GPA_EXECUTABLE },
	};

	for (unsigned int i = 0; i < CHILD_PAGES; i++)
		block.frames[i] = CHILD_RAM_GPFN + i;
	return !RESULT_STATUS(fake_hypercall(HVCALL_MAP_GPA_PAGES | REPS(CHILD_PAGES), &block, sizeof(block), NULL, 0));
}

static void vp_prepare(struct vp *vp)
{
	union hv_register_value protected_mode = { .reg64 = 1 };

	vp->lapic->base |= 1u << 10;
	intercept_wrmsr(vp, MSR_X2APIC_SVR, 0x1ff);	/* enabled */
	vcpu_set_register(vp, HV_X64_REGISTER_CR0, &protected_mode);
}

static bool create(struct vp *vps[2])
{
	struct hv_in_create_partition block = { .flags = HV_CREATE_EXO | HV_CREATE_LAPIC | HV_CREATE_X2APIC };
	struct hv_in_set_property features = { .property = HV_PROPERTY_SYNTHETIC_FEATURES, .value = ~0ull };
	struct hv_out_partition_id out;

	if (RESULT_STATUS(fake_hypercall(HVCALL_CREATE_PARTITION, &block, sizeof(block), &out, sizeof(out))))
		return false;
	child = features.partition_id = out.partition_id;
	fake_hypercall(HVCALL_SET_PARTITION_PROPERTY, &features, sizeof(features), NULL, 0);
	if (!deposit(child) || RESULT_STATUS(fake_fast_hypercall(HVCALL_INITIALIZE_PARTITION, child, 0)))
		return false;
	for (uint32_t i = 0; i < 2; i++)
		vp_prepare(vps[i] = fake_child_vp(child, i));
	return give_memory();
}

void child_create(struct vp *vps[2])
{
	static unsigned int children;

	if (children++ % RESET_EVERY && create(vps))
		return;
	fake_reset();
	assert_true(create(vps));
}

static unsigned int withdraw(uint64_t id)
{
	struct hv_in_withdraw block = { .partition_id = id };
	unsigned int pages = 0, got;

	do {
		got = RESULT_REPS(fake_hypercall(HVCALL_WITHDRAW_MEMORY | REPS(64), &block, sizeof(block), NULL, 0));
		pages += got;
	} while (got);
	return pages;
}

/* The partition may have been finalized or deleted by the input itself: then the calls fail, and that is right. */
void child_destroy(uint64_t id)
{
	struct partition *p;

	fake_fast_hypercall(HVCALL_FINALIZE_PARTITION, id, 0);
	withdraw(id);
	fake_fast_hypercall(HVCALL_DELETE_PARTITION, id, 0);
	assert_int_not_equal(partition_get(id, &p), HV_STATUS_SUCCESS);
}

void child_deposits_are_back(void)
{
	unsigned int access;
	spa_t spa;

	for (uint64_t i = 0; i < DEPOSITED; i++)
		assert_int_equal(gpa_space_lookup(&root_partition.gpa, (gpa_t){ (DEPOSIT_GPFN + i) << 12 }, &spa, &access), GPA_MAPPED);
}
