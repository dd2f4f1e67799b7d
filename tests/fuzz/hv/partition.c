/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random work for hv's neutral half: hypercalls of root and child, MSRs, CPUID, GPA faults, timers and dispatches, as the bytes
 * of an input say. Each input gets a child with two VPs and takes it down again; whatever it did, every page it deposited must
 * come back and no page of hv's may have been mapped for it.
 */
#include "tests/fuzz/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "child.h"
#include <abi/hv_cpuid.h>
#include <abi/hv_synic.h>
#include <abi/hv_types.h>
#include <hv/deadline.h>
#include <hv/intercept.h>
#include <hv/lapic.h>

#define CHILDREN_MAX	8u

static uint64_t others[CHILDREN_MAX];
static unsigned int other_count;
static struct vp *vps[2];

static uint8_t next_byte(void) { return (uint8_t)input_number(1); }
static uint64_t next_number(void) { return input_number(8); }

/* Values a field may have that get past the first check: ids, indexes, frame numbers, addresses; or anything. */
static uint64_t interesting(void)
{
	uint8_t kind = next_byte();

	switch (kind & 15) {
	case 0:		return HV_PARTITION_ID_SELF;
	case 1: case 2: case 3: return child;
	case 4:		return HV_PARTITION_ROOT;
	case 5:		return 0;
	case 6: case 7:	return kind >> 4;
	case 8:		return 0x800 + next_byte();			/* frames of the root's */
	case 9:		return FAKE_RAM / HV_PAGE_SIZE + next_byte();	/* frames of hv's */
	case 10:	return (uint64_t)next_byte() << 12;
	case 11:	return 1ull << (next_byte() & 63);
	case 12:	return next_byte() | (uint64_t)next_byte() << 32;
	default:	return next_number();
	}
}

static uint64_t random_control(void)
{
	uint64_t control = next_byte() | (next_byte() & 1) << 8, tweak = next_byte();

	if (tweak & 1)
		control |= (uint64_t)(next_byte() & 15) << HV_HC_REP_SHIFT;
	if (tweak & 2)
		control |= (uint64_t)(next_byte() & 7) << 17;
	if (tweak & 4)
		control |= HV_HC_FAST;
	if ((tweak & 0x38) == 0x38)
		control |= (uint64_t)(next_byte() & 15) << HV_HC_START_SHIFT;
	if ((tweak & 0xf8) == 0xf8)
		control |= next_number();
	return control;
}

static void note_new_partition(struct vp *caller, uint64_t control)
{
	uint64_t id;

	if (HV_HC_CODE(control) != HVCALL_CREATE_PARTITION || caller->gprs.rax || control & HV_HC_FAST ||
	    caller->gprs.r8 + 8 > FAKE_RAM || other_count == CHILDREN_MAX)
		return;
	memcpy(&id, fake_spa(caller->gprs.r8), sizeof(id));
	others[other_count++] = id;
}

static int random_call(struct vp *caller)
{
	uint64_t control = random_control(), *block;
	bool root = caller == &fake.root_vps[0];
	int next;

	if (HV_HC_CODE(control) == HVCALL_CREATE_PARTITION && other_count == CHILDREN_MAX)
		return VP_RESUME;
	caller->gprs.rcx = control;
	caller->gprs.rdx = control & HV_HC_FAST || !(next_byte() & 15) ? interesting() : 0x1000;
	caller->gprs.r8 = !(next_byte() & 15) && HV_HC_CODE(control) != HVCALL_CREATE_PARTITION ? interesting() : 0x2000;
	block = fake_spa(0x1000 + (root ? 0 : CHILD_RAM_GPFN * HV_PAGE_SIZE));
	for (unsigned int i = 0; i < 16; i++)
		block[i] = interesting();
	next = hc_dispatch(caller);
	if (root)
		note_new_partition(caller, control);
	return next;
}

static int random_msr(struct vp *vp)
{
	static const uint32_t bases[] = { 0x40000000, 0x40000020, 0x40000070, 0x40000080, 0x40000090, 0x400000b0, 0x400000f0, 0x40000100,
					  0x10, 0x1b, 0x174, 0x200, 0x277, 0x2ff, 0x6e0, 0x800, 0x820, 0x830, 0xc0000080, 0xc0010000 };
	uint32_t msr = bases[next_byte() % (sizeof(bases) / sizeof(bases[0]))] + (next_byte() & 15);

	if (msr == 0x10 || (msr == HV_X64_MSR_RESET && vp == &fake.root_vps[0]))	/* the back end's TSC; the end of the machine */
		return VP_RESUME;
	return next_byte() & 1 ? intercept_rdmsr(vp, msr) : intercept_wrmsr(vp, msr, interesting());
}

static int random_fault(struct vp *vp)
{
	struct gpa_fault fault = { .gpa = { interesting() & ((1ull << 52) - 1) }, .write = next_byte() & 1 };

	return intercept_gpa(vp, &fault);
}

static int random_exit(struct vp *vp)
{
	struct port_access port = { .port = next_byte(), .size = 4, .write = true, .next_rip = 2 };

	switch (next_byte() & 7) {
	case 0: case 1: case 2: return random_call(vp);
	case 3: case 4:	return random_msr(vp);
	case 5:		return intercept_cpuid(vp);
	case 6:		return random_fault(vp);
	default:	return next_byte() & 1 ? intercept_port(vp, &port) : intercept_halt(vp);
	}
}

/* What the fake back end calls as the guest: a few exits, then an interrupt of the root ends the stretch. */
static int run_guest(struct vp *vp)
{
	vp->arch->exception = vp->arch->injected = -1;
	vp->arch->can_take_interrupt = true;
	return input_left() ? random_exit(vp) : VP_RETURN;
}

static void time_passes(void)
{
	struct deadline *due = fake.armed;

	fake.tsc += 1ull << (next_byte() & 31);
	if (!due || fake.tsc < fake.armed_tsc)
		return;
	fake.armed = NULL;
	due->lp = NULL;
	due->fire(due);
}

static void dispatch(uint32_t index)
{
	struct hv_in_dispatch_vp block = { .partition_id = child, .vp_index = index, .flags = next_byte() & 0x41 };
	union hv_register_value run = { .reg64 = 0 };
	struct { struct hv_in_vp_registers head; struct hv_register_assoc element[2]; } set = {
		.head = { .partition_id = child, .vp_index = index },
		.element = { { .name = HV_REGISTER_EXPLICIT_SUSPEND, .value = run },
			     { .name = HV_REGISTER_INTERNAL_ACTIVITY_STATE, .value = run } },
	};
	struct hv_out_dispatch_vp out;

	fake_hypercall(HVCALL_SET_VP_REGISTERS | REPS(2), &set, sizeof(set), NULL, 0);
	fake_hypercall(HVCALL_DISPATCH_VP, &block, sizeof(block), &out, sizeof(out));
}

static void step(void)
{
	switch (next_byte() & 7) {
	case 0: case 1: case 2: case 3:	random_call(&fake.root_vps[0]); break;
	case 4: case 5:			dispatch(next_byte() & 1); break;
	case 6:				time_passes(); break;
	default:			random_msr(&fake.root_vps[0]); break;
	}
}

static void nothing_of_hv_is_mapped(void)
{
	struct partition *p;
	unsigned int access;
	spa_t spa;

	if (partition_get(child, &p))
		return;
	for (uint64_t gpa = 0; gpa < 0x2000; gpa++)
		if (p->state == PARTITION_INITIALIZED && gpa_space_lookup(&p->gpa, (gpa_t){ gpa << 12 }, &spa, &access) == GPA_MAPPED)
			assert_true(spa.addr < FAKE_RAM);
	partition_put(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input_begin(data, size);
	other_count = 0;
	child_create(vps);
	vps[0]->arch->exit = vps[1]->arch->exit = run_guest;
	while (input_left())
		step();
	nothing_of_hv_is_mapped();
	while (other_count)
		child_destroy(others[--other_count]);
	child_destroy(child);
	child_deposits_are_back();
	return 0;
}
