/* SPDX-License-Identifier: Apache-2.0 */
/* See fake.h. Everything hv's neutral code calls in the machine and in the vendor back end, at its simplest. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "fake.h"
#include <hv/intercept.h>
#include <hv/iommu.h>
#include <hv/root.h>
#include <hv/panic.h>
#include <hv/string.h>

#define NPT_PRESENT	1ull
#define NPT_WRITE	2ull
#define NPT_USER	4ull
#define NPT_CACHE_OFF	0x10ull
#define NPT_LARGE	0x80ull
#define NPT_NX		(1ull << 63)

struct fake_machine fake;
uint32_t lp_count = 2;
uint64_t tsc_hz = 1000000000, apic_hz = 1000000000;
uint8_t vcpu_hypercall_instruction[3] = { 0x0f, 0x01, 0xd9 };

static uint8_t *memory;

void *fake_spa(uint64_t spa)
{
	return memory + spa;
}

/* hv's static page (the root's first table) lies outside the arena: its address stands for itself. */
void *spa_to_virt(spa_t spa)
{
	return spa.addr < FAKE_MEMORY ? memory + spa.addr : (void *)(uintptr_t)spa.addr;
}

spa_t virt_to_spa(const void *virt)
{
	uintptr_t offset = (uintptr_t)virt - (uintptr_t)memory;

	return (spa_t){ offset < FAKE_MEMORY ? offset : (uintptr_t)virt };
}

static uint64_t fake_leaf(uint64_t spa, unsigned int access, bool uncached, unsigned int level)
{
	return spa | NPT_PRESENT | NPT_USER | (access & GPA_WRITE ? NPT_WRITE : 0) | (access & GPA_EXECUTE ? 0 : NPT_NX) |
	       (uncached ? NPT_CACHE_OFF : 0) | (level > 1 ? NPT_LARGE : 0);
}

static unsigned int fake_access(uint64_t entry)
{
	return GPA_READ | (entry & NPT_WRITE ? GPA_WRITE : 0) | (entry & NPT_NX ? 0 : GPA_EXECUTE);
}

static const struct npt_format fake_npt = {
	.table = NPT_PRESENT | NPT_WRITE | NPT_USER, .leaf = fake_leaf, .access = fake_access,
	.accessed = 0x20, .dirty = 0x40, .largest_level = 3,
};
const struct npt_format *npt_format = &fake_npt;

/* Locks, clock, deadlines, LPs */

void spin_lock(struct spinlock *l)
{
	assert_int_equal(l->next, l->serving);		/* one thread: a lock that is held is a deadlock */
	l->next++;
}

void spin_unlock(struct spinlock *l)
{
	assert_int_not_equal(l->next, l->serving);
	l->serving++;
}

uint64_t tsc_now(void)
{
	return fake.tsc;
}

void deadline_arm(struct deadline *d, uint64_t tsc)
{
	fake.armed = d;
	fake.armed_tsc = tsc;
	d->lp = this_lp();
}

void deadline_cancel(struct deadline *d)
{
	if (fake.armed == d)
		fake.armed = NULL;
	d->lp = NULL;
}

struct lp *lp_get(uint32_t index) { return &fake.lps[index]; }
struct lp *this_lp(void) { return &fake.lps[0]; }
void lp_kick(struct lp *lp) { lp->kicks++; }
void lp_kick_and_wait(uint64_t lps) { fake.kicked_lps = lps; }
void lp_kick_users_and_wait(const struct gpa_space *g) { (void)g; fake.all_kicks++; }
void __attribute__((weak)) iommu_flush(void) { }	/* test_iommu.c has the real one */

void lp_send_interrupt(struct lp *lp, uint8_t vector)
{
	lp->interrupts++;
	lp->last_vector = vector;
}

/* The vendor back end */

hv_status_t vcpu_create(struct vp *vp)
{
	vp->arch = pool_alloc_page(&vp->partition->pool);
	vp->xsave_area = pool_alloc_page(&vp->partition->pool);
	if (!vp->arch || !vp->xsave_area) {
		vcpu_destroy(vp);
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	vp->arch->bits = 64;
	vp->arch->injected = vp->arch->exception = -1;
	return HV_STATUS_SUCCESS;
}

void vcpu_destroy(struct vp *vp)
{
	pool_free_page(&vp->partition->pool, vp->arch);
	pool_free_page(&vp->partition->pool, vp->xsave_area);
}

static union hv_register_value *register_slot(struct vp *vp, uint32_t name)
{
	unsigned int i = 0;

	while (i < 63 && vp->arch->registers[i].name && vp->arch->registers[i].name != name)
		i++;
	vp->arch->registers[i].name = name;
	return &vp->arch->registers[i].value;
}

hv_status_t vcpu_get_register(struct vp *vp, uint32_t name, union hv_register_value *value)
{
	*value = *register_slot(vp, name);
	return HV_STATUS_SUCCESS;
}

hv_status_t vcpu_set_register(struct vp *vp, uint32_t name, const union hv_register_value *value)
{
	*register_slot(vp, name) = *value;
	return HV_STATUS_SUCCESS;
}

void vcpu_get_frame(struct vp *vp, struct vcpu_frame *f)
{
	*f = (struct vcpu_frame){
		.rip = vp->arch->rip, .rflags = register_slot(vp, HV_X64_REGISTER_RFLAGS)->reg64,
		.cr0 = register_slot(vp, HV_X64_REGISTER_CR0)->reg64, .cr8 = vcpu_cr8(vp),
	};
}

uint64_t vcpu_cr8(struct vp *vp) { return register_slot(vp, HV_X64_REGISTER_CR8)->reg64; }
uint64_t vcpu_cr0(struct vp *vp) { return register_slot(vp, HV_X64_REGISTER_CR0)->reg64; }
void vcpu_reset(struct vp *vp) { vp->arch->rip = 0xfff0; }
void vcpu_start_at_sipi(struct vp *vp, uint8_t vector) { vp->arch->rip = (uint64_t)vector << 12; }
int vcpu_run_once(struct vp *vp) { vp->arch->entries++; return vp->arch->exit ? vp->arch->exit(vp) : VP_RETURN; }
void vcpu_switch_in(struct vp *vp) { (void)vp; }
void vcpu_switch_out(struct vp *vp) { (void)vp; }
uint64_t vcpu_rip(struct vp *vp) { return vp->arch->rip; }
void vcpu_set_rip(struct vp *vp, uint64_t rip) { vp->arch->rip = rip; }
unsigned int vcpu_cpl(struct vp *vp) { return vp->arch->cpl; }
bool vcpu_in_long_mode(struct vp *vp) { return vp->arch->bits == 64; }
void vcpu_skip_instruction(struct vp *vp) { vp->arch->skipped++; }
void vcpu_complete_instruction(struct vp *vp, unsigned int length) { vp->arch->rip += length; }
bool vcpu_can_take_interrupt(struct vp *vp) { return vp->arch->can_take_interrupt && vp->arch->injected < 0; }
void vcpu_inject_interrupt(struct vp *vp, uint8_t vector) { vp->arch->injected = vector; }
void vcpu_inject_nmi(struct vp *vp) { vp->arch->injected = 2; }
bool vcpu_can_take_nmi(struct vp *vp) { return vp->arch->injected < 0; }
bool vcpu_event_pending(struct vp *vp) { return vp->arch->event_pending; }
void vcpu_request_interrupt_window(struct vp *vp) { vp->arch->window = true; }
void vcpu_request_tpr_window(struct vp *vp, uint8_t priority) { vp->arch->tpr_window = priority; }
void vcpu_request_nmi_window(struct vp *vp) { vp->arch->window = true; }
void vcpu_prepare_windows(struct vp *vp) { (void)vp; }
void vcpu_flush_guest_tlb(struct vp *vp) { vp->arch->flushes++; }
unsigned int vcpu_instruction_bytes(struct vp *vp, uint8_t bytes[16]) { (void)vp; (void)bytes; return 0; }

void vcpu_inject_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error)
{
	(void)has_error;
	(void)error;
	vp->arch->exception = vector;
}

/* The root's side */

spa_t root_page_spa(enum root_page which, uint32_t vp_index)
{
	return (spa_t){ FAKE_MEMORY - (1 + which + vp_index * 8ull) * PAGE_SIZE };
}

bool root_may_own(spa_t page) { return page.addr < FAKE_RAM; }
enum vp_next root_cpuid(struct vp *vp) { (void)vp; return VP_RESUME; }
enum vp_next root_rdmsr(struct vp *vp, uint32_t msr) { (void)vp; (void)msr; return VP_RESUME; }
enum vp_next root_wrmsr(struct vp *vp, uint32_t msr, uint64_t v) { (void)vp; (void)msr; (void)v; return VP_RESUME; }
enum vp_next root_gpa_fault(struct vp *vp, const struct gpa_fault *f) { (void)vp; (void)f; return VP_RESUME; }
enum vp_next root_triple_fault(struct vp *vp) { (void)vp; return VP_RESUME; }
void machine_reset(void) { fail(); for (;;); }
void hv_fault_for_test(void) { }
hv_status_t root_create_vp(const struct hv_in_create_vp *in) { (void)in; return HV_STATUS_ACCESS_DENIED; }

#define NOT_HERE(name) \
	hv_status_t name(struct hc_call *call) { (void)call; return HV_STATUS_OPERATION_FAILED; }
NOT_HERE(hc_get_lp_run_time)
NOT_HERE(hc_get_partition_id)
NOT_HERE(hc_set_system_property)
NOT_HERE(hc_add_logical_processor)
NOT_HERE(hc_get_system_property)
NOT_HERE(hc_map_device_interrupt)
NOT_HERE(hc_unmap_device_interrupt)
NOT_HERE(hc_enter_sleep_state)
NOT_HERE(hc_notify_partition_event)
NOT_HERE(hc_disable_hypervisor_ex)

/* Set-up and hypercalls */

static struct vcpu root_vcpus[2];

void fake_reset(void)
{
	if (!memory)
		memory = mmap(NULL, FAKE_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(memory, FAKE_MEMORY, MADV_DONTNEED);	/* zeros again */
	memset(&fake, 0, sizeof(fake));
	memset(&root_partition, 0, sizeof(root_partition));
	memset(root_vcpus, 0, sizeof(root_vcpus));
	pool_init(&root_deposits);
	fake.tsc = 1000000;
	partition_init_root();
	memset(spa_to_virt(root_partition.gpa.root), 0, PAGE_SIZE);
	for (uint64_t spa = FAKE_RAM; spa < FAKE_RAM + 256 * PAGE_SIZE; spa += PAGE_SIZE)
		pool_give(&root_partition.pool, (spa_t){ spa });
	assert_int_equal(gpa_space_map(&root_partition.gpa, (gpa_t){ 0 }, (spa_t){ 0 }, FAKE_RAM / PAGE_SIZE,
				       GPA_READ | GPA_WRITE | GPA_EXECUTE, false), HV_STATUS_SUCCESS);
	for (uint32_t i = 0; i < 2; i++) {
		fake.lps[i].index = i;
		fake.lps[i].root_vp = &fake.root_vps[i];
		vp_init_root(&fake.root_vps[i], i);
		fake.root_vps[i].arch = &root_vcpus[i];
		root_vcpus[i].bits = 64;
		register_slot(&fake.root_vps[i], HV_X64_REGISTER_CR0)->reg64 = 1;
	}
}

#define INPUT_GPA	0x1000ull
#define OUTPUT_GPA	0x2000ull

uint64_t fake_hypercall(uint64_t control, const void *in, size_t in_bytes, void *out, size_t out_bytes)
{
	struct vp *vp = &fake.root_vps[0];

	if (in_bytes)
		memcpy(fake_spa(INPUT_GPA), in, in_bytes);
	vp->gprs.rcx = control;
	vp->gprs.rdx = INPUT_GPA;
	vp->gprs.r8 = OUTPUT_GPA;
	do {
		vp->arch->skipped = 0;
		hc_dispatch(vp);
	} while (!vp->arch->skipped);			/* a continuation leaves RIP on the instruction */
	if (out_bytes)
		memcpy(out, fake_spa(OUTPUT_GPA), out_bytes);
	return vp->gprs.rax;
}

uint64_t fake_fast_hypercall(uint64_t control, uint64_t first, uint64_t second)
{
	struct vp *vp = &fake.root_vps[0];

	vp->gprs.rcx = control | HV_HC_FAST;
	vp->gprs.rdx = first;
	vp->gprs.r8 = second;
	hc_dispatch(vp);
	return vp->gprs.rax;
}

void fake_deposit(uint64_t partition_id, uint64_t first_gpfn, unsigned int pages)
{
	uint64_t in[1 + 256] = { partition_id };

	assert_true(pages <= 256);
	for (unsigned int i = 0; i < pages; i++)
		in[1 + i] = first_gpfn + i;
	assert_int_equal(RESULT_STATUS(fake_hypercall(HVCALL_DEPOSIT_MEMORY | REPS(pages), in, (1 + pages) * 8, NULL, 0)),
			 HV_STATUS_SUCCESS);
}

uint64_t fake_child(void)
{
	struct hv_in_create_partition in = { .flags = HV_CREATE_EXO | HV_CREATE_LAPIC | HV_CREATE_X2APIC };
	struct hv_out_partition_id out;

	assert_int_equal(fake_hypercall(HVCALL_CREATE_PARTITION, &in, sizeof(in), &out, sizeof(out)), HV_STATUS_SUCCESS);
	fake_deposit(out.partition_id, 0x400, 128);
	assert_int_equal(fake_fast_hypercall(HVCALL_INITIALIZE_PARTITION, out.partition_id, 0), HV_STATUS_SUCCESS);
	return out.partition_id;
}

struct vp *fake_child_vp(uint64_t partition_id, uint32_t index)
{
	struct hv_in_create_vp in = { .partition_id = partition_id, .vp_index = index };
	struct partition *p;

	assert_int_equal(fake_hypercall(HVCALL_CREATE_VP, &in, sizeof(in), NULL, 0), HV_STATUS_SUCCESS);
	assert_int_equal(partition_get(partition_id, &p), HV_STATUS_SUCCESS);
	partition_put(p);
	return p->vps[index];
}
