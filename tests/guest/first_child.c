/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VMM in one file, on /dev/mshv itself: a partition with two VPs in real mode. The guest asks CPUID, uses ports and MMIO,
 * halts until an interrupt from the VMM, from the other VP and from its APIC timer. One ok/not ok line per claim.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mshv.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <hv_cpuid.h>
#include <hv_hypercall.h>
#include <hv_message.h>
#include <hv_register.h>
#include <hv_vp_page.h>

#define RAM_SIZE	MMIO_GPA		/* the page above it is nobody's: MMIO */
#define GUEST_BASE	0x8000
#define MMIO_GPA	0xd0000
#define VPS		2

/* Ports the guest reports on. */
#define PORT_CPUID_EAX	0x10
#define PORT_CPUID_EBX	0x14
#define PORT_ECHO	0x20
#define PORT_ECHO_BACK	0x24
#define PORT_MMIO	0x28
#define PORT_READY	0x30		/* about to halt for the VMM's interrupt */
#define PORT_WOKEN	0x31
#define PORT_IPI	0x32
#define PORT_TIMER	0x33
#define PORT_AP		0x34
#define PORT_REPS	0x38		/* loop of exits, for the cost */
#define PORT_REPS_END	0x39
#define PORT_END	0x3f
#define VECTOR_VMM	0x30
#define REPS		20000u

/* 0x8000: the BSP. 0x9000: what a SIPI with vector 9 starts. The vectors of the real-mode table are set by the VMM. */
extern const uint8_t guest_start[], guest_end[], guest_ap[], guest_isr[];
__asm__(
	".pushsection .rodata\n .code16\n"
	"guest_start:\n"
	"	mov $0x40000000, %eax\n cpuid\n"
	"	out %eax, $0x10\n mov %ebx, %eax\n out %eax, $0x14\n"
	"	in $0x20, %ax\n add $1, %ax\n out %ax, $0x24\n"
	"	mov $0xd000, %ax\n mov %ax, %ds\n"
	"	movb $0x77, 0\n	movb 4, %al\n out %al, $0x28\n"
	"	xor %ax, %ax\n mov %ax, %ds\n mov %ax, %ss\n mov $0x7000, %sp\n"
	"	mov $0x1b, %ecx\n rdmsr\n or $0x400, %eax\n wrmsr\n"		/* x2APIC */
	"	mov $0x80f, %ecx\n mov $0x1ff, %eax\n xor %edx, %edx\n wrmsr\n"
	"	out %al, $0x30\n sti\n hlt\n cli\n movb 0x600, %al\n out %al, $0x31\n"
	"	mov $0x830, %ecx\n mov $1, %edx\n mov $0x4500, %eax\n wrmsr\n"	/* INIT, SIPI to APIC id 1 */
	"	mov $0x4609, %eax\n wrmsr\n"
	"	movb $0, 0x600\n"
	"1:	sti\n hlt\n cli\n cmpb $1, 0x600\n jne 1b\n movb 0x600, %al\n out %al, $0x32\n"
	"	mov $20000, %esi\n"
	"3:	out %al, $0x38\n dec %esi\n jnz 3b\n"
	"	out %al, $0x39\n xor %edx, %edx\n movb $0, 0x600\n"
	"	mov $0x83e, %ecx\n mov $0xb, %eax\n wrmsr\n"
	"	mov $0x832, %ecx\n mov $0x32, %eax\n wrmsr\n"
	"	mov $0x838, %ecx\n mov $2000000, %eax\n wrmsr\n"
	"2:	sti\n hlt\n cli\n cmpb $1, 0x600\n jne 2b\n movb 0x600, %al\n out %al, $0x33\n"
	"	out %al, $0x3f\n"
	"4:	hlt\n jmp 4b\n"
	"guest_isr:\n"
	"	incb 0x600\n push %eax\n push %ecx\n push %edx\n xor %eax, %eax\n xor %edx, %edx\n mov $0x80b, %ecx\n wrmsr\n"
	"	pop %edx\n pop %ecx\n pop %eax\n iretw\n"
	"guest_ap:\n"
	"	mov $0x1b, %ecx\n rdmsr\n or $0x400, %eax\n wrmsr\n"
	"	mov $0x80f, %ecx\n mov $0x1ff, %eax\n xor %edx, %edx\n wrmsr\n"
	"	out %al, $0x34\n"
	"	mov $0x830, %ecx\n xor %edx, %edx\n mov $0x4031, %eax\n wrmsr\n"
	"5:	hlt\n jmp 5b\n"
	"guest_end:\n .code64\n .popsection\n");

static int partition_fd, tests, failures;
static uint8_t *ram;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct worker {
	unsigned int index;
	int fd;
	struct hv_vp_register_page *page;
	uint32_t cpuid_eax, echo_back, reps, port_writes;
	uint8_t mmio_written;
	struct timespec reps_start;
};
static struct worker workers[VPS];

static void check(bool ok, const char *claim)
{
	pthread_mutex_lock(&lock);
	printf("%s %d - %s\n", ok ? "ok" : "not ok", ++tests, claim);
	fflush(stdout);
	failures += !ok;
	pthread_mutex_unlock(&lock);
}

static void must(long result, const char *what)
{
	if (result >= 0)
		return;
	printf("not ok - %s: %s\n", what, strerror(errno));
	exit(1);
}

static int hypercall(uint16_t code, void *in, size_t in_size, void *out, size_t out_size, unsigned int reps)
{
	struct mshv_root_hvcall call = {
		.code = code, .reps = (uint16_t)reps, .in_sz = (uint16_t)in_size, .out_sz = (uint16_t)out_size,
		.in_ptr = (uintptr_t)in, .out_ptr = (uintptr_t)out,
	};

	return ioctl(partition_fd, MSHV_ROOT_HVCALL, &call);
}

static void set_property(uint32_t code, uint64_t value, const char *what)
{
	struct hv_in_set_property in = { .property = code, .value = value };

	must(hypercall(HVCALL_SET_PARTITION_PROPERTY, &in, sizeof(in), NULL, 0, 0), what);
}

struct set_registers { struct hv_in_vp_registers head; struct hv_register_assoc element[4]; };

static void set_real_mode_entry(unsigned int vp)
{
	struct set_registers in = { .head = { .vp_index = vp } };
	struct hv_x64_segment_register cs = { .limit = 0xffff, .attributes = 0x9b };

	in.element[0].name = HV_X64_REGISTER_CS;
	in.element[0].value.segment = cs;
	in.element[1].name = HV_X64_REGISTER_RIP;
	in.element[1].value.reg64 = GUEST_BASE;
	in.element[2].name = HV_X64_REGISTER_RFLAGS;
	in.element[2].value.reg64 = 2;
	must(hypercall(HVCALL_SET_VP_REGISTERS, &in, sizeof(in.head) + 3 * sizeof(in.element[0]), NULL, 0, 3), "set registers");
}

static void assert_interrupt(uint32_t vector)
{
	struct hv_in_assert_interrupt in = { .type = HV_INTERRUPT_FIXED, .vector = vector };

	check(hypercall(HVCALL_ASSERT_VIRTUAL_INTERRUPT, &in, sizeof(in), NULL, 0, 0) == 0, "an interrupt can be asserted");
}

static void *assert_later(void *unused)
{
	(void)unused;
	usleep(100000);
	assert_interrupt(VECTOR_VMM);
	return NULL;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void port_write(struct worker *w, uint16_t port, uint32_t value)
{
	static pthread_t later;

	switch (port) {
	case PORT_CPUID_EAX:	w->cpuid_eax = value; break;
	case PORT_CPUID_EBX:
		check(w->cpuid_eax >= 0x40000005 && value == 0x7263694d, "CPUID shows a Microsoft-compatible hypervisor");
		break;
	case PORT_ECHO_BACK:	check(value == 0x1235, "what IN returned arrives in the guest"); break;
	case PORT_MMIO:
		check(w->mmio_written == 0x77, "an MMIO write arrives in the VMM");
		check(value == 0x99, "an MMIO read is answered by the VMM");
		break;
	case PORT_READY:	pthread_create(&later, NULL, assert_later, NULL); break;
	case PORT_WOKEN:	check(value == 1, "HLT ends with the VMM's interrupt"); break;
	case PORT_AP:		check(w->index == 1, "INIT and SIPI start the second VP"); break;
	case PORT_IPI:
		check(value == 1, "an IPI from the other VP wakes the first");
		clock_gettime(CLOCK_MONOTONIC, &w->reps_start);
		break;
	case PORT_REPS:		w->reps++; break;
	case PORT_REPS_END:
		printf("# %.2f us per port exit\n", seconds_since(&w->reps_start) * 1e6 / REPS);
		check(w->reps == REPS, "every port write arrives");
		break;
	case PORT_TIMER:	check(value == 1, "the APIC timer fires"); break;
	case PORT_END:
		printf("1..%d\n", tests);
		fflush(stdout);
		break;
	}
}

static void handle_port(struct worker *w, const struct hv_message *message)
{
	const struct hv_x64_io_port_intercept_message *m = (const void *)message->payload;

	if (m->header.access_type == HV_INTERCEPT_ACCESS_WRITE) {
		port_write(w, m->port, (uint32_t)m->rax & (uint32_t)((1ull << m->access_size * 8) - 1));
	} else {
		w->page->rax = (m->rax & ~0xffffull) | 0x1234;
		w->page->dirty |= 1u << HV_REGISTER_CLASS_GENERAL;
	}
	w->page->rip = m->header.rip + m->header.instruction_length;
	w->page->dirty |= 1u << HV_REGISTER_CLASS_IP;
}

/* The guest's two accesses: MOV byte [0], imm8 (5 bytes) and MOV AL, [4] (3 bytes). */
static void handle_mmio(struct worker *w, const struct hv_message *message)
{
	const struct hv_x64_memory_intercept_message *m = (const void *)message->payload;
	bool write = m->header.access_type == HV_INTERCEPT_ACCESS_WRITE;

	if (write)
		w->mmio_written = m->instruction_bytes[4];
	else
		w->page->rax = (w->page->rax & ~0xffull) | 0x99;
	check(m->gpa == MMIO_GPA + (write ? 0 : 4), "the message names the address");
	w->page->rip = m->header.rip + (write ? 5 : 3);
	w->page->dirty |= 1u << HV_REGISTER_CLASS_IP | 1u << HV_REGISTER_CLASS_GENERAL;
}

static void *run(void *argument)
{
	struct worker *w = argument;
	struct mshv_run_vp buffer;
	const struct hv_message *message = (const void *)buffer.msg_buf;

	for (;;) {
		must(ioctl(w->fd, MSHV_RUN_VP, &buffer), "run");
		switch (message->header.message_type) {
		case HVMSG_X64_IO_PORT_INTERCEPT:
			handle_port(w, message);
			if (((const struct hv_x64_io_port_intercept_message *)message->payload)->port == PORT_END)
				return NULL;
			break;
		case HVMSG_UNMAPPED_GPA:
			handle_mmio(w, message);
			break;
		default:
			printf("not ok - VP %u: message %x at %llx\n", w->index, message->header.message_type,
			       (unsigned long long)w->page->rip);
			exit(1);
		}
	}
}

static void load_guest(void)
{
	uint16_t isr = (uint16_t)(GUEST_BASE + (guest_isr - guest_start));
	uint16_t (*table)[2] = (void *)ram;

	memcpy(ram + GUEST_BASE, guest_start, (size_t)(guest_end - guest_start));
	memcpy(ram + 0x9000, guest_ap, (size_t)(guest_end - guest_ap));
	for (unsigned int v = 0x30; v < 0x33; v++) {
		table[v][0] = isr;
		table[v][1] = 0;
	}
}

static void create_partition(void)
{
	struct mshv_create_partition create = { .pt_flags = 1 << MSHV_PT_BIT_LAPIC | 1 << MSHV_PT_BIT_X2APIC };
	struct mshv_user_mem_region region = {
		.size = RAM_SIZE, .flags = 1 << MSHV_SET_MEM_BIT_WRITABLE | 1 << MSHV_SET_MEM_BIT_EXECUTABLE,
	};
	int device = open("/dev/mshv", O_RDWR | O_CLOEXEC);

	must(device, "open /dev/mshv");
	partition_fd = ioctl(device, MSHV_CREATE_PARTITION, &create);
	must(partition_fd, "create partition");
	set_property(HV_PROPERTY_SYNTHETIC_FEATURES, HV_SYNTH_HYPERVISOR_PRESENT | HV_SYNTH_HV1 | HV_SYNTH_SYNIC |
		     HV_SYNTH_HYPERCALL | HV_SYNTH_VP_INDEX | HV_SYNTH_REFERENCE_COUNTER, "synthetic features");
	must(ioctl(partition_fd, MSHV_INITIALIZE_PARTITION), "initialize partition");
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	load_guest();
	region.userspace_addr = (uintptr_t)ram;
	must(ioctl(partition_fd, MSHV_SET_GUEST_MEMORY, &region), "guest memory");
}

static void create_vp(unsigned int index)
{
	struct mshv_create_vp create = { .vp_index = index };
	struct worker *w = &workers[index];

	w->index = index;
	w->fd = ioctl(partition_fd, MSHV_CREATE_VP, &create);
	must(w->fd, "create VP");
	w->page = mmap(NULL, HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd,
		       MSHV_VP_MMAP_OFFSET_REGISTERS * HV_PAGE_SIZE);
	must(w->page == MAP_FAILED ? -1 : 0, "register page");
}

int main(void)
{
	pthread_t threads[VPS];

	setvbuf(stdout, NULL, _IOLBF, 0);
	create_partition();
	for (unsigned int i = 0; i < VPS; i++)
		create_vp(i);
	set_real_mode_entry(0);
	check(workers[0].page->isvalid && workers[0].page->rip == GUEST_BASE, "the register page follows SetVpRegisters");
	for (unsigned int i = 0; i < VPS; i++)
		pthread_create(&threads[i], NULL, run, &workers[i]);
	pthread_join(threads[0], NULL);
	return failures != 0;
}
