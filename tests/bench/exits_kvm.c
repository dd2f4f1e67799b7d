/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The yardstick of the exit benchmark: the same guest under Linux' KVM, with the leanest VMM there can be. Runs as
 * init of a stock kernel: loads the KVM modules named on its command line, runs the guest once and powers off.
 */
#include "exits.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const modules[] = { "/irqbypass.ko", "/ccp.ko", "/kvm.ko", "/kvm-amd.ko" };

static void load_modules(void)
{
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		int fd = open(modules[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;	/* not every kernel has every one of them as a module */
		if (syscall(SYS_finit_module, fd, "", 0) < 0)
			perror(modules[i]);
		close(fd);
	}
}

static int map(int vm, const struct exits_region region[3])
{
	for (uint32_t i = 0; i < 3; i++) {
		struct kvm_userspace_memory_region r = {
			.slot = i, .guest_phys_addr = region[i].gpa, .memory_size = region[i].size,
			.userspace_addr = (uintptr_t)region[i].memory,
		};

		if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &r) < 0)
			return -1;
	}
	return 0;
}

/* The CPU that KVM offers with the interface of Hyper-V, its SynIC and its timers. */
static int show_hyperv(int kvm, int vcpu)
{
	static const struct kvm_cpuid_entry2 hyperv[] = {
		{ .function = 0x40000000, .eax = 0x40000005, .ebx = 0x7263694d, .ecx = 0x666f736f, .edx = 0x76482074 },
		{ .function = 0x40000001, .eax = 0x31237648 },
		{ .function = 0x40000003, .eax = 0xffff },
	};
	static struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 entries[200]; } cpuid;
	struct kvm_enable_cap synic = { .cap = KVM_CAP_HYPERV_SYNIC2 };
	uint32_t kept = 0;

	cpuid.head.nent = 190;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid) < 0)
		return -1;
	for (uint32_t i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entries[i].function >> 28 != 4)
			cpuid.entries[kept++] = cpuid.entries[i];
	memcpy(cpuid.entries + kept, hyperv, sizeof(hyperv));
	cpuid.head.nent = kept + sizeof(hyperv) / sizeof(hyperv[0]);
	return ioctl(vcpu, KVM_SET_CPUID2, &cpuid) < 0 ? -1 : ioctl(vcpu, KVM_ENABLE_CAP, &synic);
}

static int start_vcpu(int vcpu)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = EXITS_CODE, .rsp = EXITS_STACK, .rflags = 2 };

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
		return -1;
	sregs.cs.base = sregs.cs.selector = 0;
	sregs.ss.base = sregs.ss.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0)
		return -1;
	return ioctl(vcpu, KVM_SET_REGS, &regs);
}

static int run_until_done(int vcpu, const struct kvm_run *run)
{
	for (;;) {
		if (ioctl(vcpu, KVM_RUN, 0) < 0)
			return -1;
		if (run->exit_reason == KVM_EXIT_HYPERV)
			continue;		/* tells that the guest has set up its SynIC */
		if (run->exit_reason != KVM_EXIT_IO) {
			printf("bench-exits: kvm stopped with exit reason %u\n", run->exit_reason);
			return -1;
		}
		if (run->io.port == EXITS_PORT_DONE)
			return 0;
	}
}

static int bench(void)
{
	struct exits_region region[3];
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm, vcpu;
	struct kvm_run *run;

	if (kvm < 0 || exits_regions(region) < 0 || (vm = ioctl(kvm, KVM_CREATE_VM, 0)) < 0)
		return -1;
	if (ioctl(vm, KVM_CREATE_IRQCHIP, 0) < 0 || map(vm, region) < 0 || (vcpu = ioctl(vm, KVM_CREATE_VCPU, 0)) < 0 ||
	    show_hyperv(kvm, vcpu) < 0)
		return -1;
	run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED || start_vcpu(vcpu) < 0 || run_until_done(vcpu, run) < 0)
		return -1;
	exits_print("kvm", region[0].memory);
	return 0;
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	load_modules();
	if (bench() < 0)
		perror("bench-exits: kvm");
	reboot(RB_POWER_OFF);
	return 1;
}
