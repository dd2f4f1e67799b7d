/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of the exit benchmark: the guest of exits_guest.S on hv through hvclient, as init of the root partition.
 * Prints the time per exit and powers off.
 */
#include "exits.h"
#include "hvclient/hvclient.h"

#include <errno.h>
#include <fcntl.h>
#include <hv_cpuid.h>
#include <hv_message.h>
#include <hv_register.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#define FEATURES (HV_SYNTH_HYPERVISOR_PRESENT | HV_SYNTH_HV1 | HV_SYNTH_SYNIC | HV_SYNTH_STIMERS | HV_SYNTH_HYPERCALL)

static int start_vp(struct hv_vp *vp)
{
	struct hv_register_assoc regs[] = {
		{ .name = HV_X64_REGISTER_CS, .value.segment = { .limit = 0xffff, .attributes = 0x9b } },
		{ .name = HV_X64_REGISTER_SS, .value.segment = { .limit = 0xffff, .attributes = 0x93 } },
		{ .name = HV_X64_REGISTER_RIP, .value.reg64 = EXITS_CODE },
		{ .name = HV_X64_REGISTER_RSP, .value.reg64 = EXITS_STACK },
		{ .name = HV_X64_REGISTER_RFLAGS, .value.reg64 = 2 },
	};

	return hv_vp_set_registers(vp, regs, sizeof(regs) / sizeof(regs[0]));
}

/* The leanest answer to a port write: RIP goes over the instruction by the register page, no hypercall. */
static int run_until_done(struct hv_vp *vp)
{
	struct hv_message message;
	const struct hv_x64_io_port_intercept_message *io = (const void *)message.payload;
	struct hv_vp_register_page *regs = hv_vp_registers(vp);
	int r;

	for (;;) {
		r = hv_vp_run(vp, &message);
		if (r == -EINTR)
			continue;
		if (r < 0)
			return r;
		if (message.header.message_type != HVMSG_X64_IO_PORT_INTERCEPT) {
			printf("bench-exits: hv sent message 0x%x\n", message.header.message_type);
			return -EPROTO;
		}
		if (io->port == EXITS_PORT_DONE)
			return 0;
		regs->rip += io->header.instruction_length;
		regs->dirty |= 1u << HV_REGISTER_CLASS_IP;
	}
}

static int bench(void)
{
	struct exits_region region[3];
	int fd = open("/dev/mshv", O_RDWR | O_CLOEXEC);
	struct hv_partition *p = NULL;
	struct hv_vp *vp = NULL;
	int r;

	if (fd < 0 || exits_regions(region) < 0)
		return -errno;
	r = hv_partition_create(fd, FEATURES, &p);
	for (int i = 0; i < 3 && r == 0; i++)
		r = hv_partition_map(p, region[i].gpa, region[i].size, region[i].memory, true);
	if (r == 0)
		r = hv_vp_create(p, 0, &vp);
	if (r == 0)
		r = start_vp(vp);
	if (r == 0)
		r = run_until_done(vp);
	if (r == 0)
		exits_print("hv", region[0].memory);
	hv_vp_destroy(vp);
	hv_partition_destroy(p);
	return r;
}

int main(void)
{
	int r;

	setvbuf(stdout, NULL, _IONBF, 0);
	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	r = bench();
	if (r < 0)
		printf("bench-exits: hv: %s\n", strerror(-r));
	reboot(RB_POWER_OFF);
	return 1;
}
