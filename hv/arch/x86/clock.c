/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the TSC and the local APIC's timer run: the TSC against the PIT's channel 2, then the APIC timer against the
 * TSC. The APIC's current-count register is not read (QEMU's -icount forbids it); the end of a count is an interrupt.
 */
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <hv/console.h>
#include <hv/deadline.h>
#include <hv/panic.h>

#define PIT_HZ			1193182ull
#define PIT_CHANNEL2		0x42
#define PIT_CONTROL		0x43
#define PIT_CHANNEL2_ONE_SHOT	0xb0
#define PORT_B			0x61
#define PORT_B_GATE2		0x01
#define PORT_B_SPEAKER		0x02
#define PORT_B_OUT2		0x20
#define PIT_TICKS		23864u		/* 20 ms */
#define ROUNDS			3
#define PATIENCE		100000000u	/* polls; a machine without a PIT must not hang here */
#define APIC_FIRST_COUNT	200000u
#define APIC_ROUNDS_PER_SECOND	50u
#define APIC_DIVIDE_BY_1	0xb
#define CALIBRATION_VECTOR	0xfe
#define PIC_MASK_1		0x21
#define PIC_MASK_2		0xa1

uint64_t tsc_hz, apic_hz;

uint64_t tsc_now(void)
{
	return rdtsc();
}

static uint64_t tsc_ticks_of_one_round(void)
{
	uint64_t start;
	uint32_t polls = 0;

	out8(PORT_B, (uint8_t)((in8(PORT_B) & ~PORT_B_SPEAKER) | PORT_B_GATE2));
	out8(PIT_CONTROL, PIT_CHANNEL2_ONE_SHOT);
	out8(PIT_CHANNEL2, (uint8_t)PIT_TICKS);
	out8(PIT_CHANNEL2, (uint8_t)(PIT_TICKS >> 8));
	start = rdtsc();
	while (!(in8(PORT_B) & PORT_B_OUT2) && ++polls < PATIENCE)
		;
	if (polls == PATIENCE)
		hv_refuse("its interval timer (PIT) does not count; some firmware has a setting \"8254 clock gating\".");
	return rdtsc() - start;
}

/* Anything that delays us makes a round longer, nothing makes it shorter: the shortest is the best. */
static void calibrate_tsc(void)
{
	uint64_t best = ~0ull;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t ticks = tsc_ticks_of_one_round();

		best = ticks < best ? ticks : best;
	}
	tsc_hz = best * PIT_HZ / PIT_TICKS;
}

static uint64_t tsc_ticks_of_apic_count(uint32_t count)
{
	uint32_t taken = apic_interrupts_taken;
	uint64_t start;

	wrmsr(APIC_MSR_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	wrmsr(APIC_MSR_LVT_TIMER, CALIBRATION_VECTOR);
	start = rdtsc();
	wrmsr(APIC_MSR_TIMER_INITIAL, count);
	asm volatile("sti");
	while (apic_interrupts_taken == taken && rdtsc() - start < tsc_hz)
		cpu_pause();
	asm volatile("cli");
	wrmsr(APIC_MSR_LVT_TIMER, APIC_LVT_MASKED);
	return rdtsc() - start;
}

/* The interrupt comes a little late, so a short count gives the scale and a count of some 20 ms the figure. */
static void count_apic(void)
{
	uint32_t count = APIC_FIRST_COUNT;
	uint64_t best = ~0ull;

	apic_hz = count * tsc_hz / tsc_ticks_of_apic_count(count);
	count = (uint32_t)(apic_hz / APIC_ROUNDS_PER_SECOND);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t ticks = tsc_ticks_of_apic_count(count);

		best = ticks < best ? ticks : best;
	}
	apic_hz = count * tsc_hz / best;
}

static void calibrate_apic(void)
{
	uint8_t pic1 = in8(PIC_MASK_1), pic2 = in8(PIC_MASK_2);
	uint64_t svr = rdmsr(APIC_MSR_SVR);

	out8(PIC_MASK_1, 0xff);
	out8(PIC_MASK_2, 0xff);
	wrmsr(APIC_MSR_SVR, 0xff | APIC_SVR_ENABLE);
	count_apic();
	wrmsr(APIC_MSR_SVR, svr);
	out8(PIC_MASK_1, pic1);
	out8(PIC_MASK_2, pic2);
}

void clock_calibrate(void)
{
	calibrate_tsc();
	calibrate_apic();
	hv_log(LOG_INFO, "TSC %llu kHz, APIC timer %llu kHz\n", (unsigned long long)tsc_hz / 1000, (unsigned long long)apic_hz / 1000);
}
