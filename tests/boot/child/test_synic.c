/* SPDX-License-Identifier: Apache-2.0 */
/* SynIC, the VMM's side: answers the guest's posts and signals, posts and signals to it. See guest_synic.c. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "test_synic.h"
#include "vmm.h"

static unsigned int posted;
static uint64_t signalled;
static uint16_t notified;
static uint8_t kept;			/* number of the message that found its slot busy */

static uint64_t post_number(uint32_t vp, uint32_t sint, uint8_t number)
{
	struct hv_message m = { .header = { .message_type = 1, .payload_size = 12, .sender = 0x77 } };

	memcpy(m.payload, "from vmwp: ", 11);
	m.payload[11] = number;
	return post_message(vp, sint, &m);
}

static uint64_t signal_flag(uint32_t vp, uint32_t sint, uint16_t flag)
{
	bool newly;
	uint64_t status = signal_event(vp, sint, flag, &newly);

	return status | (newly ? SIGNAL_NEWLY : 0);
}

static void *post_later(void *sint)
{
	usleep(50000);
	claim(post_number(0, (uint32_t)(uintptr_t)sint, 4) == HV_STATUS_SUCCESS, "a message for a halted VP is taken");
	return NULL;
}

static void start_post_later(uint32_t sint)
{
	pthread_t thread;

	pthread_create(&thread, NULL, post_later, (void *)(uintptr_t)sint);
	pthread_detach(thread);
}

static uint64_t notify(uint32_t vp, uint32_t sint)
{
	union hv_deliverability_notifications want = { .sints = (uint16_t)(1u << sint) };

	kept++;
	return set_register(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS, (union hv_register_value){ .deliverability = want });
}

static uint64_t take_notified(void)
{
	uint64_t was = notified;

	notified = 0;
	return was;
}

static void synic_ask(struct vp *vp, struct ask *a)
{
	uint32_t sint = (uint32_t)a->argument[0];

	switch (a->what) {
	case ASK_POSTED:	a->result[0] = posted; break;
	case ASK_SIGNALLED:	a->result[0] = signalled; break;
	case ASK_POST:		a->result[0] = post_number(vp->index, sint, (uint8_t)a->argument[1]); break;
	case ASK_POST_LATER:	start_post_later(sint); break;
	case ASK_POST_VP1:	a->result[0] = post_number(1, sint, 1); break;
	case ASK_SIGNAL:	a->result[0] = signal_flag(vp->index, sint, (uint16_t)a->argument[1]); break;
	case ASK_SIGNAL_VP1:	a->result[0] = signal_flag(1, sint, (uint16_t)a->argument[1]); break;
	case ASK_NOTIFY:	a->result[0] = notify(vp->index, sint); break;
	case ASK_NOTIFIED:	a->result[0] = take_notified(); break;
	}
}

static enum answer synic_message(struct vp *vp, const struct hv_message *m)
{
	const struct hv_sint_deliverable_message *d = (const void *)m->payload;

	if (m->header.message_type != HVMSG_SYNIC_SINT_DELIVERABLE)
		return UNEXPECTED;
	notified |= d->deliverable_sints;
	claim(post_number(vp->index, HV_SYNIC_VMBUS_SINT, kept + 1) == HV_STATUS_SUCCESS, "a deliverable SINT takes the message");
	return GO_ON;
}

static uint64_t answer_post(const struct hv_in_post_message *in)
{
	if (in->connection_id == CONNECTION_BUSY)
		return HV_STATUS_INSUFFICIENT_BUFFERS;
	if (in->connection_id != CONNECTION_KNOWN)
		return HV_STATUS_INVALID_CONNECTION_ID;
	posted += in->message_type == 1 && in->payload_size == 10 && !memcmp(in->payload, "to the VMM", 10);
	return HV_STATUS_SUCCESS;
}

static uint64_t answer_signal(const struct hv_in_signal_event *in)
{
	signalled = in->connection_id | (uint64_t)in->flag_number << 32;
	return in->connection_id == CONNECTION_KNOWN ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_CONNECTION_ID;
}

static uint64_t synic_hypercall(struct vp *vp, const struct hv_x64_hypercall_intercept_message *m)
{
	const void *input = m->rcx & HV_HC_FAST ? (const void *)&m->rdx : ram + m->rdx % GUEST_RAM;

	(void)vp;
	switch (HV_HC_CODE(m->rcx)) {
	case HVCALL_POST_MESSAGE:	return answer_post(input);
	case HVCALL_SIGNAL_EVENT:	return answer_signal(input);
	}
	return HV_STATUS_INVALID_HYPERCALL_CODE;
}

static void synic_prepare(void)
{
	claim_equal(install_intercept(HV_INTERCEPT_HYPERCALL, 4, 0), 0, "the hypercall intercept can be installed");
	claim_equal(install_intercept(HV_INTERCEPT_UNKNOWN_CONNECTION, 4, 0), 0, "and the one for unknown connections");
	claim(install_intercept(0x12, 4, 0) != 0, "but not one that does not exist");
}

const struct test test_synic = {
	.name = "synic", .guest = GUEST_SYNIC, .vps = 2, .prepare = synic_prepare, .ask = synic_ask,
	.hypercall = synic_hypercall, .message = synic_message,
};
