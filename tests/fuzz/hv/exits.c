/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exits of a child as the vendor back ends report them, one after another: any MSR read or written with any value, any CPUID leaf,
 * moves to the local APIC's page whose instruction hv fetches and decodes, ports, XSETBV. An input is one child.
 */
#include "tests/fuzz/input.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "child.h"
#include <hv/intercept.h>
#include <hv/lapic.h>

#define APIC_PAGE	0xfee00000ull

static struct vp *vp;

static uint32_t any_msr(void)
{
	static const uint32_t bases[] = { 0, 0x100, 0x200, 0x400, 0x600, 0x6e0, 0x800, 0x40000000, 0x400000f0, 0x40000100, 0xc0000080, 0xc0000100, 0xc0010000 };
	uint32_t msr = once_in(8) ? any() : bases[below(sizeof(bases) / sizeof(bases[0]))] + below(256);

	return msr == 0x10 ? 0 : msr;			/* the back end's TSC */
}

static uint64_t any_value(void)
{
	return once_in(3) ? 1ull << below(64) : input_number(1 + below(8));
}

static void apic_access(void)
{
	struct gpa_fault fault = { .gpa = { APIC_PAGE + below(4096) }, .write = below(2), .execute = once_in(8) };
	union hv_register_value cr0 = { .reg64 = below(2) };

	vp->arch->rip = below(64);
	vp->arch->bits = 16u << below(3);
	vcpu_set_register(vp, HV_X64_REGISTER_CR0, &cr0);
	input_take(fake_spa((CHILD_RAM_GPFN << 12) + vp->arch->rip), 16);
	vp->gprs.rax = any_value();
	intercept_gpa(vp, &fault);
}

static void any_exit(void)
{
	struct port_access port = { .next_rip = 2 };

	switch (below(6)) {
	case 0:
		intercept_rdmsr(vp, any_msr());
		break;
	case 1:
		intercept_wrmsr(vp, any_msr(), any_value());
		break;
	case 2:
		vp->gprs.rax = (below(4) * 0x40000000u) + (once_in(4) ? any() : below(64));
		vp->gprs.rcx = below(256);
		intercept_cpuid(vp);
		break;
	case 3:
		apic_access();
		break;
	case 4:
		intercept_xsetbv(vp, below(2), any_value());
		break;
	default:
		port.port = (uint16_t)any();
		port.size = (uint8_t)(1u << below(3));
		port.write = below(2);
		port.string = once_in(4);
		intercept_port(vp, &port);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vp *vps[2];

	input_begin(data, size);
	child_create(vps);
	vp = vps[0];
	if (below(2))
		vp->lapic->base &= ~(1ull << 10);	/* not as x2APIC */
	while (input_left())
		any_exit();
	child_destroy(child);
	return 0;
}
