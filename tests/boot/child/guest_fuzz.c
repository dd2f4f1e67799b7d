/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two VPs fire random hypercalls, MSR accesses and CPUIDs at hv, from a fixed seed. There is nothing to check but that hv and
 * this guest are still there afterwards; the VMM says how many of each were done.
 */
#include "guest.h"
#include "test_fuzz.h"

static uint64_t random_number(uint64_t *state)
{
	*state ^= *state << 13;			/* xorshift64 */
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static const uint32_t msr_bases[] = { 0, 0x10, 0x174, 0x200, 0x260, 0x2f0, 0x400, 0x6e0, 0x800, 0x830, 0xd90, 0xc0000080, 0xc0000100,
				      0xc0010000, 0xc0010110, 0x40000000, 0x40000020, 0x40000070, 0x40000090, 0x400000b0, 0x400000f0,
				      0x40000100, 0x40000110 };

/* What would stop this guest, not hv: its own paging mode, its APIC, GS and hypercall page, its time, and a reset. */
static bool spares_itself(uint32_t msr)
{
	return msr == 0xc0000080 || msr == 0x1b || (msr >= 0x800 && msr < 0x8ff) || msr == 0xc0000101 || msr == 0xc0000100 ||
	       msr == 0x40000000 || msr == 0x40000001 || msr == 0x40000003 || msr == 0x10 || msr == 0x400000f0 ||
	       (msr >= 0x40000080 && msr <= 0x400000bf) || msr == 0x40000073 || msr == 0x40000021 || msr == 0x40000071;
}

static void fuzz_msr(uint64_t *state)
{
	uint32_t msr = msr_bases[random_number(state) % (sizeof(msr_bases) / sizeof(msr_bases[0]))] + (random_number(state) & 15);
	uint64_t value;

	if (msr != 0x400000f0)
		rdmsr_safe(msr, &value);
	if (!spares_itself(msr))
		wrmsr_safe(msr, random_number(state) >> (random_number(state) & 63));
}

/* SynIC and timer MSRs on pages of their own, interrupts being off: any value may go in. */
static void fuzz_synic(uint64_t *state, unsigned int vp)
{
	uint32_t msr = 0x40000080 + (random_number(state) & 0x3f);
	uint64_t value = random_number(state) >> (random_number(state) & 63);

	if (msr == HV_X64_MSR_SIMP || msr == HV_X64_MSR_SIEFP)
		value = PAGE_GPA(20 + 2 * vp + (msr & 1)) | (value & 1);
	if (msr < 0x400000b0 || (msr & 1) == 0)
		wrmsr_safe(msr, value & ~(HV_STIMER_ENABLE | HV_STIMER_AUTO_ENABLE));
}

static void fuzz_call(uint64_t *state, unsigned int vp)
{
	static const uint16_t known[] = { 2, 3, 8, 0xb, 0x13, 0x14, 0x15, 0x40, 0x48, 0x4b, 0x50, 0x51, 0x5c, 0x5d, 0x99, 0x9a, 0xc1, 0xc2 };
	uint64_t control = random_number(state) & 1 ? known[random_number(state) % (sizeof(known) / 2)] : random_number(state) & 0x1ff;
	uint64_t *block = PAGE(30 + vp), xmm[14];

	if (random_number(state) & 1)
		control |= (random_number(state) & 7) << 17 | (random_number(state) & 15) << 32 | (random_number(state) & 3) << 48;
	if (!(random_number(state) & 15))
		control |= 1ull << (random_number(state) & 63);
	for (unsigned int i = 0; i < 16; i++)
		block[i] = random_number(state) >> (random_number(state) & 63);
	if (random_number(state) & 1)
		block[0] = HV_PARTITION_ID_SELF;
	for (unsigned int i = 0; i < 14; i++)
		xmm[i] = random_number(state) >> (random_number(state) & 63);
	if ((control & 0xffff) == HVCALL_SEND_IPI || (control & 0xffff) == HVCALL_SEND_IPI_EX)
		block[0] = xmm[0] = 0x10 + (xmm[0] & 0xf);		/* below 32 it must not be delivered: refused or lost */
	if (control & HV_HC_FAST)
		hypercall_xmm(control, xmm);
	else
		hypercall(control, random_number(state) & 3 ? PAGE_GPA(30 + vp) : random_number(state) >> (random_number(state) & 63) & ~7ull,
			  random_number(state) & 7 ? PAGE_GPA(32 + vp) : random_number(state) & ~7ull);
}

void guest_fuzz(unsigned int vp)
{
	uint64_t state = 0x9e3779b97f4a7c15ull * (vp + 1) ^ FUZZ_SEED;
	uint32_t out[4];

	hypercall_enable();
	for (unsigned int round = 0; round < FUZZ_ROUNDS; round++) {
		fuzz_call(&state, vp);
		fuzz_msr(&state);
		fuzz_synic(&state, vp);
		cpuid((uint32_t)random_number(&state) & 0xc00000ff, (uint32_t)random_number(&state) & 0xff, out);
		cpuid(0x40000000 + ((uint32_t)random_number(&state) & 0xff), 0, out);
	}
	check(true, "hv outlives random hypercalls, MSRs and CPUIDs");
}
