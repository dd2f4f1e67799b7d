/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VMM's library and main program: `child-tests [-n TIMES] [-s SECONDS] [-m] [NAME...]` runs the tests in order, a partition each;
 * see vmm.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm.h"

#define TABLES_GPA	0x1000u		/* PML4, PDPT, four page directories: 4 GiB of identity, 2 MiB pages */
#define GDT_GPA		0x8000u
#define MANY_VPS	64u
#define MANY_PARTITIONS	512u
#define PTE_RIGHTS	3ull
#define PTE_LARGE	0x80ull
#define CR0_LONG	0x80000033ull	/* PG, NE, ET, MP, PE */
#define CR4_LONG	0x620ull	/* PAE, OSFXSR, OSXMMEXCPT */
#define EFER_LONG	0xd01ull	/* SCE, LME, LMA, NXE */

int partition_fd;
uint8_t *ram;
struct vp vps[MAX_VPS];
unsigned int seconds = 1;

static const struct test *const tests[] = {
	&test_synic, &test_signals, &test_stimers, &test_processors, &test_apic, &test_time, &test_state, &test_memory,
	&test_isolation, &test_exceptions, &test_fuzz, &test_triple_fault, &test_spin,
};
static const struct test *test;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int claims, failures;

extern const uint8_t guest_image[], guest_image_end[];
__asm__(".pushsection .rodata\n guest_image: .incbin \"" GUEST_IMAGE "\"\n guest_image_end:\n .popsection\n");

void claim(bool ok, const char *text)
{
	pthread_mutex_lock(&lock);
	printf("%s %d - %s: %s\n", ok ? "ok" : "not ok", ++claims, test->name, text);
	fflush(stdout);
	failures += !ok;
	pthread_mutex_unlock(&lock);
}

void claim_equal(uint64_t got, uint64_t want, const char *text)
{
	if (got != want)
		printf("# got 0x%llx, want 0x%llx\n", (unsigned long long)got, (unsigned long long)want);
	claim(got == want, text);
}

void must(long result, const char *what)
{
	if (result >= 0)
		return;
	printf("not ok - %s: %s: %s\n", test ? test->name : "set-up", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

uint64_t root_call(uint16_t code, void *in, size_t in_bytes, void *out, size_t out_bytes, unsigned int reps)
{
	struct mshv_root_hvcall call = {
		.code = code, .reps = (uint16_t)reps, .in_sz = (uint16_t)in_bytes, .out_sz = (uint16_t)out_bytes,
		.in_ptr = (uintptr_t)in, .out_ptr = (uintptr_t)out,
	};

	if (ioctl(partition_fd, MSHV_ROOT_HVCALL, &call) == 0)
		return HV_STATUS_SUCCESS;
	return call.status ? call.status : 0x10000u + (unsigned int)errno;
}

uint64_t set_property(uint32_t code, uint64_t value)
{
	struct hv_in_set_property in = { .property = code, .value = value };

	return root_call(HVCALL_SET_PARTITION_PROPERTY, &in, sizeof(in), NULL, 0, 0);
}

uint64_t get_property(uint32_t code, uint64_t *value)
{
	struct hv_in_get_property in = { .property = code };

	return root_call(HVCALL_GET_PARTITION_PROPERTY, &in, sizeof(in), value, sizeof(*value), 0);
}

struct one_register { struct hv_in_vp_registers head; struct hv_register_assoc element; };

uint64_t set_register(uint32_t vp, uint32_t name, union hv_register_value value)
{
	struct one_register in = { .head = { .vp_index = vp }, .element = { .name = name, .value = value } };

	return root_call(HVCALL_SET_VP_REGISTERS, &in, sizeof(in), NULL, 0, 1);
}

uint64_t get_register(uint32_t vp, uint32_t name, union hv_register_value *value)
{
	struct { struct hv_in_vp_registers head; uint32_t name, pad; } in = { .head = { .vp_index = vp }, .name = name };

	return root_call(HVCALL_GET_VP_REGISTERS, &in, sizeof(in.head) + sizeof(in.name), value, sizeof(*value), 1);
}

uint64_t install_intercept(uint32_t type, uint32_t access, uint64_t parameter)
{
	struct hv_in_install_intercept in = { .type = type, .access = access, .parameter = parameter };

	return root_call(HVCALL_INSTALL_INTERCEPT, &in, sizeof(in), NULL, 0, 0);
}

uint64_t post_message(uint32_t vp, uint32_t sint, const struct hv_message *message)
{
	struct hv_in_post_message_direct in = { .vp_index = vp, .sint = sint };

	memcpy(in.message, message, sizeof(in.message));
	return root_call(HVCALL_POST_MESSAGE_DIRECT, &in, sizeof(in), NULL, 0, 0);
}

uint64_t signal_event(uint32_t vp, uint32_t sint, uint16_t flag, bool *newly)
{
	struct hv_in_signal_event_direct in = { .vp_index = vp, .sint = (uint8_t)sint, .flag_number = flag };
	struct hv_out_signal_event_direct out = { 0 };
	uint64_t status = root_call(HVCALL_SIGNAL_EVENT_DIRECT, &in, sizeof(in), &out, sizeof(out), 0);

	*newly = out.newly_signaled;
	return status;
}

void advance(struct vp *vp, uint64_t rip, unsigned int bytes)
{
	vp->page->rip = rip + bytes;
	vp->page->dirty |= 1u << HV_REGISTER_CLASS_IP;
}

/* The guest's start state: 64-bit mode, flat, identity mapped. */

static void set64(uint32_t vp, uint32_t name, uint64_t value)
{
	must(set_register(vp, name, (union hv_register_value){ .reg64 = value }) ? -1 : 0, "start state");
}

static void set_segment(uint32_t vp, uint32_t name, uint16_t selector, uint16_t attributes)
{
	struct hv_x64_segment_register s = { .limit = 0xffffffff, .selector = selector, .attributes = attributes };

	must(set_register(vp, name, (union hv_register_value){ .segment = s }) ? -1 : 0, "segment");
}

static void build_tables(void)
{
	uint64_t *table = (void *)(ram + TABLES_GPA), *gdt = (void *)(ram + GDT_GPA);

	table[0] = (TABLES_GPA + 0x1000) | PTE_RIGHTS;
	for (uint64_t i = 0; i < 4; i++)
		table[512 + i] = (TABLES_GPA + 0x2000 + i * 0x1000) | PTE_RIGHTS;
	for (uint64_t i = 0; i < 4 * 512; i++)
		table[1024 + i] = i << 21 | PTE_RIGHTS | PTE_LARGE;
	gdt[1] = 0x00af9b000000ffff;
	gdt[2] = 0x00cf93000000ffff;
	gdt[3] = 0x00cf9b000000ffff;		/* 32-bit code */
}

static void set_start_state(uint32_t vp)
{
	struct hv_x64_table_register gdtr = { .limit = 4 * 8 - 1, .base = GDT_GPA };

	set_segment(vp, HV_X64_REGISTER_CS, 8, 0xa09b);
	for (uint32_t name = HV_X64_REGISTER_ES; name <= HV_X64_REGISTER_GS; name++)
		if (name != HV_X64_REGISTER_CS)
			set_segment(vp, name, 16, 0xc093);
	must(set_register(vp, HV_X64_REGISTER_GDTR, (union hv_register_value){ .table = gdtr }) ? -1 : 0, "GDTR");
	set64(vp, HV_X64_REGISTER_CR3, TABLES_GPA);
	set64(vp, HV_X64_REGISTER_CR4, CR4_LONG);
	set64(vp, HV_X64_REGISTER_EFER, EFER_LONG);
	set64(vp, HV_X64_REGISTER_CR0, CR0_LONG);
	set64(vp, HV_X64_REGISTER_RIP, GUEST_BASE);
	set64(vp, HV_X64_REGISTER_RSP, STACK_TOP(vp));
	set64(vp, HV_X64_REGISTER_RFLAGS, 2);
	set64(vp, HV_X64_REGISTER_RDI, test->guest);
	set64(vp, HV_X64_REGISTER_RSI, vp);
	if (!(test->wait_for_sipi >> vp & 1))
		set64(vp, HV_REGISTER_INTERNAL_ACTIVITY_STATE, 0);
}

/* Running */

static void handle_check(const struct hv_x64_io_port_intercept_message *m)
{
	const struct check *c = (const void *)(ram + (uint32_t)m->rax % GUEST_RAM);

	claim(c->ok, (const char *)ram + c->claim % GUEST_RAM);
}

static bool handle_port(struct vp *vp, const struct hv_message *message)
{
	const struct hv_x64_io_port_intercept_message *m = (const void *)message->payload;
	struct ask *a = (void *)(ram + (uint32_t)m->rax % GUEST_RAM);

	advance(vp, m->header.rip, m->header.instruction_length);
	if (m->port == PORT_CHECK)
		handle_check(m);
	else if (m->port == PORT_ASK)
		test->ask(vp, a);
	else if (m->port != PORT_END)
		return test->message && test->message(vp, message) == GO_ON;
	return m->port != PORT_END;
}

static void handle_hypercall(struct vp *vp, const struct hv_message *message)
{
	const struct hv_x64_hypercall_intercept_message *m = (const void *)message->payload;

	vp->page->rax = test->hypercall(vp, m);
	vp->page->dirty |= 1u << HV_REGISTER_CLASS_GENERAL;
	advance(vp, m->header.rip, 3);			/* VMMCALL and VMCALL have three bytes */
}

static bool handle(struct vp *vp, const struct hv_message *message)
{
	uint32_t type = message->header.message_type;
	enum answer answer;

	if (type == HVMSG_X64_IO_PORT_INTERCEPT)
		return handle_port(vp, message);
	if (type == HVMSG_HYPERCALL_INTERCEPT && test->hypercall) {
		handle_hypercall(vp, message);
		return true;
	}
	answer = test->message ? test->message(vp, message) : UNEXPECTED;
	if (answer != UNEXPECTED)
		return answer == GO_ON;
	printf("# VP %u: message %x at %llx\n", vp->index, type, (unsigned long long)vp->page->rip);
	claim(false, "no unexpected message");
	return false;
}

static void *run(void *argument)
{
	struct mshv_run_vp buffer;
	struct vp *vp = argument;

	do
		must(ioctl(vp->fd, MSHV_RUN_VP, &buffer), "run");
	while (handle(vp, (const void *)buffer.msg_buf));
	return NULL;
}

static void open_partition(void)
{
	struct mshv_create_partition create = { .pt_flags = 1 << MSHV_PT_BIT_LAPIC | 1 << MSHV_PT_BIT_X2APIC };
	struct mshv_user_mem_region region = {
		.size = GUEST_RAM, .flags = 1 << MSHV_SET_MEM_BIT_WRITABLE | 1 << MSHV_SET_MEM_BIT_EXECUTABLE,
	};
	int device = open("/dev/mshv", O_RDWR | O_CLOEXEC);

	must(device, "open /dev/mshv");
	partition_fd = ioctl(device, MSHV_CREATE_PARTITION, &create);
	must(partition_fd, "create partition");
	close(device);
	must(set_property(HV_PROPERTY_SYNTHETIC_FEATURES, FEATURES_ALWAYS | test->features) ? -1 : 0, "synthetic features");
	must(ioctl(partition_fd, MSHV_INITIALIZE_PARTITION), "initialize partition");
	region.userspace_addr = (uintptr_t)ram;
	must(ioctl(partition_fd, MSHV_SET_GUEST_MEMORY, &region), "guest memory");
}

static void create_partition(void)
{
	ram = mmap(NULL, GUEST_RAM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(ram == MAP_FAILED ? -1 : 0, "RAM");
	memcpy(ram + GUEST_BASE, guest_image, (size_t)(guest_image_end - guest_image));
	build_tables();
	open_partition();
}

static void open_vp(uint32_t index)
{
	struct mshv_create_vp create = { .vp_index = index };
	struct vp *vp = &vps[index];

	vp->index = index;
	vp->fd = ioctl(partition_fd, MSHV_CREATE_VP, &create);
	must(vp->fd, "create VP");
	vp->page = mmap(NULL, HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vp->fd,
			MSHV_VP_MMAP_OFFSET_REGISTERS * HV_PAGE_SIZE);
	must(vp->page == MAP_FAILED ? -1 : 0, "register page");
}

void vp_close(struct vp *vp)
{
	munmap(vp->page, HV_PAGE_SIZE);
	close(vp->fd);
}

void move_to_new_partition(struct vp *vp, void (*restore)(struct vp *vp))
{
	vp_close(vp);
	close(partition_fd);
	open_partition();
	open_vp(vp->index);
	restore(vp);
}

static void destroy(void)
{
	for (unsigned int i = 0; i < test->vps; i++)
		vp_close(&vps[i]);
	close(partition_fd);
	munmap(ram, GUEST_RAM);
}

static void run_test(void)
{
	pthread_t threads[MAX_VPS];

	create_partition();
	for (unsigned int i = 0; i < test->vps; i++) {
		open_vp(i);
		set_start_state(i);
	}
	if (test->prepare)
		test->prepare();
	for (unsigned int i = 0; i < test->vps; i++)
		pthread_create(&threads[i], NULL, run, &vps[i]);
	for (unsigned int i = 0; i < test->vps; i++)
		pthread_join(threads[i], NULL);
	if (test->finish)
		test->finish();
	destroy();
}

/* As many VPs and partitions as hv promises, none of which runs. */
static void create_many(void)
{
	int vp_fds[MANY_VPS], partition_fds[MANY_PARTITIONS];
	unsigned int made_vps = 0, made_partitions = 0;

	test = tests[0];
	create_partition();
	for (struct mshv_create_vp create = { 0 }; create.vp_index < MANY_VPS; create.vp_index++) {
		vp_fds[made_vps] = ioctl(partition_fd, MSHV_CREATE_VP, &create);
		made_vps += vp_fds[made_vps] >= 0;
	}
	claim_equal(made_vps, MANY_VPS, "VPs in one partition");
	for (partition_fds[made_partitions++] = partition_fd; made_partitions < MANY_PARTITIONS; made_partitions++) {
		open_partition();
		partition_fds[made_partitions] = partition_fd;
	}
	claim_equal(made_partitions, MANY_PARTITIONS, "partitions at the same time");
	while (made_vps)
		close(vp_fds[--made_vps]);
	while (made_partitions)
		close(partition_fds[--made_partitions]);
}

static bool is_wanted(const char *name, char **names)
{
	bool wanted = !*names;

	for (; *names; names++)
		wanted |= !strcmp(*names, name);
	return wanted;
}

static void run_wanted(char **names)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		test = tests[i];
		if (is_wanted(test->name, names))
			run_test();
	}
}

int main(int count, char **arguments)
{
	unsigned long times = 1;
	bool many = false;
	int option;

	while ((option = getopt(count, arguments, "n:s:m")) != -1)
		if (option == 'n')
			times = strtoul(optarg, NULL, 10);
		else if (option == 's')
			seconds = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 'm')
			many = true;
		else
			return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (many)
		create_many();
	while (!many && times--)
		run_wanted(arguments + optind);
	printf("1..%d, %d failed\n", claims, failures);
	return failures != 0;
}
