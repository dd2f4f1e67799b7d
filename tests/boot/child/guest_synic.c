/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and event flags from the VMM to the guest, EOM, auto-EOI, and the guest's own posts and signals reaching the VMM. */
#include "guest.h"
#include "test_synic.h"

#define VECTOR_VMBUS	0x60
#define VECTOR_AUTO	0x70
#define VECTOR_OTHER	0x71		/* of the same priority class as VECTOR_AUTO */
#define SINT_AUTO	3

#define MESSAGES	((volatile struct hv_message_page *)PAGE(FIRST_FREE_PAGE))
#define FLAGS		((volatile struct hv_event_flags_page *)PAGE(FIRST_FREE_PAGE + 1))
#define SLOT		(&MESSAGES->sint[HV_SYNIC_VMBUS_SINT])

static uint64_t post(uint32_t connection, uint32_t type, uint32_t size)
{
	struct hv_in_post_message in = { connection, 0, type, size, "to the VMM" };

	return hypercall_memory(HVCALL_POST_MESSAGE, &in, sizeof(in));
}

static uint64_t signal(uint32_t connection, uint16_t flag)
{
	return hypercall(HVCALL_SIGNAL_EVENT | HV_HC_FAST, connection | (uint64_t)flag << 32, 0);
}

static void posts_and_signals(void)
{
	struct hv_in_signal_event in = { CONNECTION_KNOWN, 7, 0 };

	check_equal(post(CONNECTION_KNOWN, 1, 10), HV_STATUS_SUCCESS, "PostMessage ends with the status the VMM wrote");
	check_equal(ask(ASK_POSTED, 0, 0), 1, "the VMM got the message as a hypercall intercept, payload and all");
	check_equal(post(CONNECTION_BUSY, 1, 10), HV_STATUS_INSUFFICIENT_BUFFERS, "the VMM can answer a full queue");
	check_equal(post(CONNECTION_KNOWN, 1, 241), HV_STATUS_INVALID_PARAMETER, "a payload above 240 bytes is refused");
	check_equal(post(CONNECTION_KNOWN, 0x80000001, 8), HV_STATUS_INVALID_PARAMETER, "a hypervisor's message type is refused");
	check_equal(signal(CONNECTION_KNOWN, 5), HV_STATUS_SUCCESS, "a fast SignalEvent ends with the VMM's status");
	check_equal(ask(ASK_SIGNALLED, 0, 0), CONNECTION_KNOWN | 5ull << 32, "the VMM saw connection and flag");
	check_equal(hypercall_memory(HVCALL_SIGNAL_EVENT, &in, sizeof(in)), HV_STATUS_SUCCESS, "so does one in memory");
	check_equal(ask(ASK_SIGNALLED, 0, 0), CONNECTION_KNOWN | 7ull << 32, "and its connection and flag");
	check_equal(signal(CONNECTION_KNOWN + 1, 0), HV_STATUS_INVALID_CONNECTION_ID, "the VMM can say: no such connection");
	check_equal(hypercall(0x7fff, 0, 0), HV_STATUS_INVALID_HYPERCALL_CODE, "what nobody knows the VMM answers, too");
}

static void registers(void)
{
	uint64_t value;

	check_equal(rdmsr(HV_X64_MSR_SVERSION), 1, "SVERSION is 1");
	check(!wrmsr_safe(HV_X64_MSR_SVERSION, 1), "SVERSION cannot be written");
	check_equal(rdmsr(HV_X64_MSR_SINT0 + 2), HV_SINT_MASKED, "a SINT starts masked");
	check(!wrmsr_safe(HV_X64_MSR_SINT0 + 2, 15), "an open SINT needs a vector above 15");
	check(!rdmsr_safe(HV_X64_MSR_SIRBP, &value) || !wrmsr_safe(HV_X64_MSR_SIRBP, 1), "a child has no event ring");
	check_equal(ask(ASK_POST, HV_SYNIC_VMBUS_SINT, 1), HV_STATUS_INVALID_SYNIC_STATE, "no message before the SynIC is on");
	wrmsr(HV_X64_MSR_SIMP, PAGE_GPA(FIRST_FREE_PAGE) | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SIEFP, PAGE_GPA(FIRST_FREE_PAGE + 1) | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SINT0 + HV_SYNIC_VMBUS_SINT, VECTOR_VMBUS);
	wrmsr(HV_X64_MSR_SINT0 + SINT_AUTO, VECTOR_AUTO | HV_SINT_AUTO_EOI);
	check_equal(ask(ASK_POST, HV_SYNIC_VMBUS_SINT, 1), HV_STATUS_INVALID_SYNIC_STATE, "nor while SCONTROL is clear");
	wrmsr(HV_X64_MSR_SCONTROL, 1);
	check(SLOT->header.message_type == 0, "the message page is empty at first");
}

static void messages(struct cpu *c)
{
	volatile uint32_t *count = &c->interrupts[VECTOR_VMBUS];

	check_equal(ask(ASK_POST, HV_SYNIC_VMBUS_SINT, 1), HV_STATUS_SUCCESS, "PostMessageDirect succeeds");
	check(wait_for(count, 1, 20000), "and interrupts with SINT 2's vector");
	check(SLOT->header.message_type == 1 && SLOT->header.payload_size == 12 && SLOT->payload[0] == 'f' &&
	      SLOT->payload[11] == 1 && !SLOT->header.message_flags, "the slot has type, size and payload");
	check_equal(ask(ASK_POST, HV_SYNIC_VMBUS_SINT, 2), HV_STATUS_INSUFFICIENT_BUFFERS, "a busy slot refuses the next message");
	check(SLOT->header.message_flags & HV_MESSAGE_FLAG_PENDING, "and says that one is pending");
	check(SLOT->payload[11] == 1, "what was there stays");
	check_equal(ask(ASK_NOTIFY, HV_SYNIC_VMBUS_SINT, 0), HV_STATUS_SUCCESS, "the VMM can ask to be told");
	check_equal(ask(ASK_NOTIFIED, 0, 0), 0, "nothing is told while the slot is busy");
	SLOT->header.message_type = HVMSG_NONE;
	wrmsr(HV_X64_MSR_EOM, 0);
	check(wait_for(count, 2, 20000), "EOM brings the message the VMM kept");
	check_equal(ask(ASK_NOTIFIED, 0, 0), 1u << HV_SYNIC_VMBUS_SINT, "by one SINT-deliverable intercept for SINT 2");
	check(SLOT->payload[11] == 2, "it is the second message");
	SLOT->header.message_type = HVMSG_NONE;
	check_equal(ask(ASK_NOTIFY, HV_SYNIC_VMBUS_SINT, 0), HV_STATUS_SUCCESS, "asked again with an empty slot");
	check(wait_for(count, 3, 20000), "the VMM is told at once");
	SLOT->header.message_type = HVMSG_NONE;
	check_equal(ask(ASK_POST_LATER, HV_SYNIC_VMBUS_SINT, 4), 0, "a message is to come later");
	while (*count < 4)
		sti_hlt();
	check(SLOT->payload[11] == 4, "it wakes a halted VP");
	SLOT->header.message_type = HVMSG_NONE;
}

static void event_flags(struct cpu *c)
{
	volatile uint32_t *count = &c->interrupts[VECTOR_VMBUS], *word = &FLAGS->sint[HV_SYNIC_VMBUS_SINT][1];
	uint32_t before = *count;

	check_equal(ask(ASK_SIGNAL, HV_SYNIC_VMBUS_SINT, 37), SIGNAL_NEWLY, "SignalEventDirect says the flag is new");
	check(wait_for(count, before + 1, 20000) && *word == 1u << 5, "flag 37 is set and interrupts");
	check_equal(ask(ASK_SIGNAL, HV_SYNIC_VMBUS_SINT, 37), HV_STATUS_SUCCESS, "the second time it is not new");
	check(!wait_for(count, before + 2, 20), "and does not interrupt");
	*word = 0;
	check_equal(ask(ASK_SIGNAL, HV_SYNIC_VMBUS_SINT, 2047), SIGNAL_NEWLY, "flag 2047 is the last");
	check(wait_for(count, before + 2, 20000) && FLAGS->sint[HV_SYNIC_VMBUS_SINT][63] == 1u << 31, "it arrives");
	check_equal(ask(ASK_SIGNAL, HV_SYNIC_VMBUS_SINT, 2048), HV_STATUS_INVALID_PARAMETER, "flag 2048 does not exist");
	check_equal(ask(ASK_SIGNAL, 16, 1), HV_STATUS_INVALID_PARAMETER, "SINT 16 does not exist");
	check_equal(ask(ASK_SIGNAL, 9, 1), HV_STATUS_INVALID_SYNIC_STATE, "a masked SINT takes no signal");
	wrmsr(HV_X64_MSR_SIEFP, 0);
	check_equal(ask(ASK_SIGNAL, HV_SYNIC_VMBUS_SINT, 3), HV_STATUS_INVALID_SYNIC_STATE, "nor does one without a flags page");
	wrmsr(HV_X64_MSR_SIEFP, PAGE_GPA(FIRST_FREE_PAGE + 1) | HV_MSR_PAGE_ENABLE);
}

/* Neither vector's handler writes EOI: only after auto-EOI does a second one of the same class get through. */
static void auto_eoi(struct cpu *c)
{
	eoi_by_hand[VECTOR_AUTO] = true;
	check_equal(ask(ASK_POST, SINT_AUTO, 9), HV_STATUS_SUCCESS, "a message to the SINT with auto-EOI");
	check(wait_for(&c->interrupts[VECTOR_AUTO], 1, 20000), "interrupts");
	check_equal(rdmsr(0x813), 0, "it leaves no in-service bit");	/* ISR, vectors 0x60 to 0x7f */
	wrmsr(0x83f, VECTOR_OTHER);					/* self IPI */
	check(wait_for(&c->interrupts[VECTOR_OTHER], 1, 20000), "and holds back no other interrupt");
	MESSAGES->sint[SINT_AUTO].header.message_type = HVMSG_NONE;
}

/* VP 1 spins without exits of its own: what VP 0 has posted to it must still arrive, and soon. */
static volatile uint32_t vp1_ready, vp1_done;

static void vp1(struct cpu *c)
{
	wrmsr(HV_X64_MSR_SIMP, PAGE_GPA(FIRST_FREE_PAGE + 2) | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SIEFP, PAGE_GPA(FIRST_FREE_PAGE + 3) | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SINT0 + HV_SYNIC_VMBUS_SINT, VECTOR_VMBUS);
	wrmsr(HV_X64_MSR_SCONTROL, 1);
	vp1_ready = 1;
	sti();
	while (c->interrupts[VECTOR_VMBUS] < 1)
		pause();
	vp1_done = 1;
	while (c->interrupts[VECTOR_VMBUS] < 2)
		__asm__ volatile("hlt");
	vp1_done = 2;
	cli();
}

static void other_vp(void)
{
	check(wait_for(&vp1_ready, 1, 20000), "the second VP is ready");
	check_equal(ask(ASK_POST_VP1, HV_SYNIC_VMBUS_SINT, 1), HV_STATUS_SUCCESS, "a message to a VP that spins");
	check(wait_for(&vp1_done, 1, 20000), "interrupts it");
	check_equal(ask(ASK_SIGNAL_VP1, HV_SYNIC_VMBUS_SINT, 1), SIGNAL_NEWLY, "a signal to a VP that halts");
	check(wait_for(&vp1_done, 2, 20000), "wakes it");
}

void guest_synic(unsigned int vp)
{
	struct cpu *c = &cpus[vp];

	if (vp == 1) {
		vp1(c);
		return;
	}
	hypercall_enable();
	posts_and_signals();
	registers();
	messages(c);
	event_flags(c);
	auto_eoi(c);
	other_vp();
}
