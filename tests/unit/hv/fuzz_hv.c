/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random work for hv's neutral half: hypercalls of root and child, MSRs, CPUID, GPA faults, timers and dispatches, as the bytes
 * of an input say. Each input gets a child with two VPs and takes it down again; whatever it did, every page it deposited must
 * come back and no page of hv's may have been mapped for it. The inputs come from a fixed seed in `make check`, from $FUZZ_SEED and
 * $FUZZ_INPUTS with `make fuzz-hv`, or from libFuzzer, whose entry point this has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include <abi/hv_cpuid.h>
#include <abi/hv_synic.h>
#include <abi/hv_types.h>
#include <hv/deadline.h>
#include <hv/intercept.h>
#include <hv/lapic.h>

#define DEPOSIT_GPFN	0x400ull
#define DEPOSITED	128u
#define CHILD_RAM_GPFN	0x900ull	/* the root's frames that are the child's memory from GPA 0 on */
#define CHILD_PAGES	32u
#define RESET_EVERY	256u		/* inputs: ports and statistics of the root stay until then */
#define CHILDREN_MAX	8u

struct stream { const uint8_t *data; size_t left; };
static struct stream in;
static uint64_t child, others[CHILDREN_MAX];
static unsigned int other_count;
static struct vp *vps[2];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t next_byte(void)
{
	if (!in.left)
		return 0;
	in.left--;
	return *in.data++;
}

static uint64_t next_number(void)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | next_byte();
	return value;
}

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
	return in.left ? random_exit(vp) : VP_RETURN;
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

static bool create_child(void)
{
	union hv_register_value protected_mode = { .reg64 = 1 };
	struct hv_in_create_partition block = { .flags = HV_CREATE_EXO | HV_CREATE_LAPIC | HV_CREATE_X2APIC };
	struct hv_in_set_property features = { .property = HV_PROPERTY_SYNTHETIC_FEATURES, .value = ~0ull };
	struct hv_out_partition_id out;

	if (RESULT_STATUS(fake_hypercall(HVCALL_CREATE_PARTITION, &block, sizeof(block), &out, sizeof(out))))
		return false;
	child = features.partition_id = out.partition_id;
	fake_hypercall(HVCALL_SET_PARTITION_PROPERTY, &features, sizeof(features), NULL, 0);
	if (!deposit(child) || RESULT_STATUS(fake_fast_hypercall(HVCALL_INITIALIZE_PARTITION, child, 0)))
		return false;
	for (uint32_t i = 0; i < 2; i++) {
		vps[i] = fake_child_vp(child, i);
		vps[i]->arch->exit = run_guest;
		vps[i]->lapic->reg[APIC_SVR] = 0x1ff;		/* enabled, and as x2APIC */
		vps[i]->lapic->base |= 1u << 10;
		vcpu_set_register(vps[i], HV_X64_REGISTER_CR0, &protected_mode);
	}
	return give_memory();
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
static void destroy(uint64_t id)
{
	struct partition *p;

	fake_fast_hypercall(HVCALL_FINALIZE_PARTITION, id, 0);
	withdraw(id);
	fake_fast_hypercall(HVCALL_DELETE_PARTITION, id, 0);
	assert_int_not_equal(partition_get(id, &p), HV_STATUS_SUCCESS);
}

static void deposits_are_back(void)
{
	unsigned int access;
	spa_t spa;

	for (uint64_t i = 0; i < DEPOSITED; i++)
		assert_int_equal(gpa_space_lookup(&root_partition.gpa, (gpa_t){ (DEPOSIT_GPFN + i) << 12 }, &spa, &access), GPA_MAPPED);
}

static void start_over(void)
{
	fake_reset();
	assert_true(create_child());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned int inputs;

	in = (struct stream){ data, size };
	other_count = 0;
	if (inputs++ % RESET_EVERY == 0 || !create_child())
		start_over();
	while (in.left)
		step();
	nothing_of_hv_is_mapped();
	destroy(child);
	while (other_count)
		destroy(others[--other_count]);
	if (inputs % RESET_EVERY == 0)
		deposits_are_back();
	return 0;
}

#ifndef LIBFUZZER
#define INPUTS		4000u
#define INPUT_BYTES	2000u

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static void random_work_breaks_nothing(void **state)
{
	static uint8_t bytes[INPUT_BYTES];
	uint64_t x = number_from("FUZZ_SEED", 0x5eed5eed5eedull), inputs = number_from("FUZZ_INPUTS", INPUTS);

	(void)state;
	for (unsigned int i = 0; i < inputs; i++) {
		for (unsigned int n = 0; n < INPUT_BYTES; n++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bytes[n] = (uint8_t)(x >> 24);
		}
		LLVMFuzzerTestOneInput(bytes, 64 + (size_t)(x % (INPUT_BYTES - 64)));
	}
	printf("# %llu inputs\n", (unsigned long long)inputs);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(random_work_breaks_nothing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
