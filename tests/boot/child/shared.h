/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest and the VMM of these tests agree on: test numbers, ports, and the blocks whose address a port write carries. */
#ifndef CHILD_SHARED_H
#define CHILD_SHARED_H

#include <stdint.h>

#define GUEST_BASE	0x100000u	/* the flat image; its first instruction is the entry */
#define GUEST_RAM	0x800000u
#define STACK_TOP(vp)	(0x90000u + ((vp) + 1) * 0x4000u)
#define SCRATCH		0x700000u	/* pages for overlays and hypercall blocks: not in the image */
#define MAX_VPS		8

enum guest_test {
	GUEST_SYNIC, GUEST_SIGNALS, GUEST_STIMERS, GUEST_PROCESSORS, GUEST_APIC, GUEST_TIME, GUEST_STATE, GUEST_MEMORY, GUEST_ISOLATION,
	GUEST_FUZZ, GUEST_TRIPLE_FAULT, GUEST_SPIN, GUEST_EXCEPTIONS, GUEST_TESTS
};

#define PORT_CHECK	0x80		/* OUT of the address of a struct check */
#define PORT_ASK	0x84		/* OUT of the address of a struct ask; done when OUT is */
#define PORT_END	0x88

struct check { uint64_t claim; uint32_t ok, unused; };
struct ask { uint32_t what, vp; uint64_t argument[4], result[4]; };

#define ASK_TEST	16		/* each test's own requests start here */

#endif
