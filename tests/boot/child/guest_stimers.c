/* SPDX-License-Identifier: Apache-2.0 */
/* Four synthetic timers per VP: one-shot and periodic, by message and direct (TLFS, chapter 12). */
#include "guest.h"

#define MESSAGES	((volatile struct hv_message_page *)PAGE(FIRST_FREE_PAGE))
#define SINT_TIMER0	4u
#define SINT_TIMER1	5u
#define VECTOR_TIMER0	0x62u
#define VECTOR_TIMER1	0x63u
#define VECTOR_TIMER2	0x64u
#define VECTOR_TIMER3	0x65u

#define CONFIG(n)	(HV_X64_MSR_STIMER0_CONFIG + 2 * (n))
#define COUNT(n)	(HV_X64_MSR_STIMER0_CONFIG + 2 * (n) + 1)
#define BY_MESSAGE(sint) ((uint64_t)(sint) << 16)
#define BY_VECTOR(v)	(HV_STIMER_DIRECT | (uint64_t)(v) << 4)
#define MS		10000ull

static uint64_t now(void)
{
	return rdmsr(HV_X64_MSR_TIME_REF_COUNT);
}

static void rules(void)
{
	wrmsr(CONFIG(0), HV_STIMER_ENABLE);
	check_equal(rdmsr(CONFIG(0)), 0, "a message timer without a SINT cannot be enabled");
	wrmsr(CONFIG(0), BY_MESSAGE(SINT_TIMER0) | HV_STIMER_AUTO_ENABLE);
	wrmsr(COUNT(0), now() + 100000 * MS);
	check_equal(rdmsr(CONFIG(0)) & HV_STIMER_ENABLE, HV_STIMER_ENABLE, "a count enables an auto-enable timer");
	wrmsr(COUNT(0), 0);
	check_equal(rdmsr(CONFIG(0)) & HV_STIMER_ENABLE, 0, "count 0 disables it");
	check_equal(rdmsr(COUNT(0)), 0, "and reads back");
}

static void one_shot_message(struct cpu *c)
{
	volatile struct hv_message *slot = &MESSAGES->sint[SINT_TIMER0];
	volatile struct hv_timer_message_payload *m = (volatile void *)slot->payload;
	uint64_t due = now() + 3 * MS;

	wrmsr(COUNT(0), due);
	while (!c->interrupts[VECTOR_TIMER0])
		sti_hlt();
	check(slot->header.message_type == HVMSG_TIMER_EXPIRED && m->timer_index == 0, "a one-shot timer posts its message");
	check_equal(m->expiration_time, due, "the message has the time it was due");
	check(m->delivery_time >= due && m->delivery_time <= now(), "and the time it was delivered");
	check_equal(rdmsr(CONFIG(0)) & HV_STIMER_ENABLE, 0, "one shot clears enable");
	wrmsr(COUNT(0), now() - MS);		/* the slot is still busy */
	check(!wait_for(&c->interrupts[VECTOR_TIMER0], 2, 5), "a busy slot holds the next message back");
	slot->header.message_type = HVMSG_NONE;
	wrmsr(HV_X64_MSR_EOM, 0);
	check(wait_for(&c->interrupts[VECTOR_TIMER0], 2, 20000), "EOM lets it through");
	slot->header.message_type = HVMSG_NONE;
}

static void periodic_message(struct cpu *c)
{
	volatile struct hv_message *slot = &MESSAGES->sint[SINT_TIMER1];
	uint64_t start = now(), took;
	uint32_t seen = 0;

	wrmsr(CONFIG(1), BY_MESSAGE(SINT_TIMER1) | HV_STIMER_ENABLE | HV_STIMER_PERIODIC);
	wrmsr(COUNT(1), 2 * MS);
	while (seen < 5) {
		while (c->interrupts[VECTOR_TIMER1] == seen)
			sti_hlt();
		seen++;
		slot->header.message_type = HVMSG_NONE;
		wrmsr(HV_X64_MSR_EOM, 0);
	}
	took = now() - start;
	wrmsr(CONFIG(1), 0);
	check(took >= 10 * MS && took < 60000 * MS, "a periodic timer posts message after message, not faster than it should");
	seen = c->interrupts[VECTOR_TIMER1];
	check(!wait_for(&c->interrupts[VECTOR_TIMER1], seen + 2, 10), "until it is disabled");
}

static void direct(struct cpu *c)
{
	uint64_t start = now(), took;
	uint32_t seen;

	wrmsr(CONFIG(3), BY_VECTOR(VECTOR_TIMER3) | HV_STIMER_AUTO_ENABLE);
	wrmsr(COUNT(3), now() + 4 * MS);
	wrmsr(CONFIG(2), BY_VECTOR(VECTOR_TIMER2) | HV_STIMER_ENABLE | HV_STIMER_PERIODIC);
	wrmsr(COUNT(2), 1 * MS);
	while (!c->interrupts[VECTOR_TIMER3] || c->interrupts[VECTOR_TIMER2] < 8)
		sti_hlt();
	took = now() - start;
	check(took >= 8 * MS && took < 60000 * MS, "direct timers interrupt with their own vectors, one-shot beside periodic");
	check_equal(c->interrupts[VECTOR_TIMER3], 1, "the one-shot once");
	wrmsr(COUNT(2), 0);
	seen = c->interrupts[VECTOR_TIMER2];
	check(!wait_for(&c->interrupts[VECTOR_TIMER2], seen + 2, 5), "count 0 stops the periodic one");
	wrmsr(COUNT(3), 1);
	check(wait_for(&c->interrupts[VECTOR_TIMER3], 2, 20000), "a time in the past is due at once");
}

/* A spinning VP must be interrupted by its timer as a halted one is. */
static void while_spinning(struct cpu *c)
{
	wrmsr(COUNT(3), now() + 5 * MS);
	sti();
	while (c->interrupts[VECTOR_TIMER3] < 3)
		pause();
	cli();
	check(true, "a timer interrupts a VP that never exits");
}

void guest_stimers(unsigned int vp)
{
	struct cpu *c = &cpus[vp];

	wrmsr(HV_X64_MSR_SIMP, PAGE_GPA(FIRST_FREE_PAGE) | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SINT0 + SINT_TIMER0, VECTOR_TIMER0);
	wrmsr(HV_X64_MSR_SINT0 + SINT_TIMER1, VECTOR_TIMER1);
	wrmsr(HV_X64_MSR_SCONTROL, 1);
	rules();
	one_shot_message(c);
	periodic_message(c);
	direct(c);
	while_spinning(c);
}
