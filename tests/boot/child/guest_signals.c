/* SPDX-License-Identifier: Apache-2.0 */
/* The signal window (abi/hv_signal_window.h): signals with a doorbell reach the VMM's eventfd and never its VP thread. */
#include "guest.h"
#include "test_signals.h"

#define VECTOR_PONG	0x60
#define MANY		500u

static uint64_t signal(uint32_t connection, uint16_t flag)
{
	return hypercall(HVCALL_SIGNAL_EVENT | HV_HC_FAST, connection | (uint64_t)flag << 32, 0);
}

static void doorbells(void)
{
	uint64_t rung, before = ask(ASK_INTERCEPTS, 0, 0);
	unsigned int good = 0;

	for (unsigned int i = 0; i < MANY; i++)
		good += signal(CONNECTION_DOORBELL, 0) == HV_STATUS_SUCCESS;
	check_equal(good, MANY, "a signal with a doorbell succeeds, every time");
	check_equal(ask(ASK_INTERCEPTS, 0, 0), before, "none of them comes to the VP's thread");
	rung = ask(ASK_RUNG, CONNECTION_DOORBELL, 0);
	check(rung >= 1 && rung <= MANY, "the eventfd was signalled");
	signal(CONNECTION_DOORBELL, 0);
	check_equal(ask(ASK_RUNG, CONNECTION_DOORBELL, 0), 1, "one signal is one ring");
	check_equal(signal(CONNECTION_FLAG0, 0), HV_STATUS_SUCCESS, "flag 0 rings the doorbell that wants it");
	check_equal(ask(ASK_RUNG, CONNECTION_FLAG0, 0), 1, "and only that one");
	check_equal(ask(ASK_RUNG, CONNECTION_DOORBELL, 0), 0, "not the other");
	check_equal(signal(CONNECTION_FLAG0, 1), HV_STATUS_INVALID_CONNECTION_ID, "another flag goes to the VMM");
	check_equal(ask(ASK_INTERCEPTS, 0, 0), before + 1, "as an intercept");
	check_equal(signal(CONNECTION_DOORBELL | 1u << 24, 0), HV_STATUS_INVALID_CONNECTION_ID, "ids have 24 bits");
	check_equal(ask(ASK_INTERCEPTS, 0, 0), before + 2, "a longer one is the VMM's to refuse");
}

/* The guest sleeps until each answer: a signal that got lost on either way would end the test here. */
static void ping_pong(struct cpu *c)
{
	volatile struct hv_event_flags_page *flags = PAGE(FIRST_FREE_PAGE);
	uint32_t done = 0;

	wrmsr(HV_X64_MSR_SIEFP, PAGE_GPA(FIRST_FREE_PAGE) | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SINT0 + HV_SYNIC_VMBUS_SINT, VECTOR_PONG);
	wrmsr(HV_X64_MSR_SCONTROL, 1);
	while (done < PINGS && signal(CONNECTION_PING, 0) == HV_STATUS_SUCCESS) {
		while (c->interrupts[VECTOR_PONG] == done)
			sti_hlt();
		flags->sint[HV_SYNIC_VMBUS_SINT][0] = 0;
		done++;
	}
	check_equal(done, PINGS, "signals and the VMM's answers alternate without a loss");
	check_equal(ask(ASK_PINGS, 0, 0), PINGS, "the VMM's thread saw each of them");
}

static void disconnected(void)
{
	uint64_t before = ask(ASK_INTERCEPTS, 0, 0);

	check_equal(ask(ASK_DISCONNECT, CONNECTION_DOORBELL, 0), 0, "a doorbell can be taken away");
	check_equal(signal(CONNECTION_DOORBELL, 0), HV_STATUS_INVALID_CONNECTION_ID, "then the signal is the VMM's again");
	check_equal(ask(ASK_INTERCEPTS, 0, 0), before + 1, "as an intercept, as before");
}

void guest_signals(unsigned int vp)
{
	hypercall_enable();
	doorbells();
	ping_pong(&cpus[vp]);
	disconnected();
}
