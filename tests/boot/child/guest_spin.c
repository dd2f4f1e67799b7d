/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VPs that never exit by themselves, for a time: VP 0 with a periodic timer whose ticks it counts, VP 1 with interrupts off and an
 * interrupt always pending, VP 2 sending itself interrupts as fast as it can.
 */
#include "guest.h"
#include "test_spin.h"

#define VECTOR_TICK	0x55u
#define VECTOR_STORM	0x56u

static volatile struct spin_control *control(void)
{
	return (volatile struct spin_control *)PAGE(40);
}

static void tick(struct cpu *c)
{
	uint64_t start = rdmsr(HV_X64_MSR_TIME_REF_COUNT), took;

	wrmsr(HV_X64_MSR_STIMER0_CONFIG, HV_STIMER_DIRECT | HV_STIMER_PERIODIC | HV_STIMER_ENABLE | VECTOR_TICK << 4);
	wrmsr(HV_X64_MSR_STIMER0_CONFIG + 1, SPIN_TICK);
	sti();
	while (!control()->stop)
		pause();
	cli();
	took = rdmsr(HV_X64_MSR_TIME_REF_COUNT) - start;
	control()->ticks = c->interrupts[VECTOR_TICK];
	control()->expected = (uint32_t)(took / SPIN_TICK);
	check(c->interrupts[VECTOR_TICK] >= 2 && c->interrupts[VECTOR_TICK] <= took / SPIN_TICK + 1, "a spinning VP's timer ticks on");
}

static void storm(void)
{
	sti();
	while (!control()->stop)
		wrmsr(0x83f, VECTOR_STORM);
	cli();
	check(true, "a VP that storms itself with interrupts ends when told to");
}

static void deaf(void)
{
	wrmsr(0x83f, VECTOR_STORM);
	while (!control()->stop)
		pause();
	check(true, "a VP that never takes its interrupt does, too");
}

void guest_spin(unsigned int vp)
{
	if (vp == 0)
		tick(&cpus[vp]);
	else if (vp == 1)
		deaf();
	else
		storm();
}
