/* SPDX-License-Identifier: Apache-2.0 */
/* Hypercalls that come to the worker as intercepts: both calling conventions, both forms of input, and what is refused. */
#include "echo.h"

#include "vmwp/vp/vp.h"

#include <hv_hypercall.h>
#include <hv_status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK	0x800000ull		/* GPA of the input */

static struct vp vp;
static struct guest_channel *c;

static int setup(void **state)
{
	(void)state;
	memset(&echo, 0, sizeof(echo));
	guest_boot_bare(1);
	echo_offer(&echo_device, 1);
	guest_connect(VMBUS_V5_3);
	c = guest_open(guest_offer(&echo_class, 0), 2, 2);
	vp = (struct vp){ .machine = guest.machine };
	memset(&fake.registers, 0, sizeof(fake.registers));
	return c ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	guest_shut_down();
	return 0;
}

/* Long mode is EFER.LMA with CS.L; 32-bit code has neither. */
static void call(bool long_mode, uint64_t control, uint64_t input)
{
	struct hv_x64_hypercall_intercept_message m = { .header.rip = 0xffff800000001000 };

	if (long_mode) {
		fake.registers.efer = 1 << 10 | 1 << 8;
		fake.registers.cr0 = 0x80000001;
		fake.registers.cs.attributes = 0xa09b;
		m.rcx = control;
		m.rdx = input;
	} else {
		fake.registers.efer = 0;
		fake.registers.cr0 = 0x80000001;
		fake.registers.cs.attributes = 0xc09b;
		m.header.rip = 0x1000;
		m.rdx = control >> 32;
		m.rax = (uint32_t)control;
		m.rbx = input >> 32;
		m.rcx = (uint32_t)input;
	}
	fake.registers.rdx = 0x1234;
	fake.registers.dirty = 0;
	memcpy(vp.message.payload, &m, sizeof(m));
	vp.message.header.message_type = HVMSG_HYPERCALL_INTERCEPT;
	vp_handle_exit(&vp);
	assert_true(fake.registers.rip == m.header.rip + 3);
	assert_int_equal(fake.registers.dirty, 1 << HV_REGISTER_CLASS_GENERAL | 1 << HV_REGISTER_CLASS_IP);
	assert_int_equal(fake.registers.rdx, long_mode ? 0x1234 : 0);
	guest_run();
}

static void write_message(uint32_t connection, uint32_t type, uint32_t size)
{
	struct hv_in_post_message *in = guest_at(BLOCK, sizeof(*in));
	struct vmbus_msg_header unload = { .type = VMBUS_MSG_UNLOAD };

	*in = (struct hv_in_post_message){ .connection_id = connection, .message_type = type, .payload_size = size };
	memcpy(in->payload, &unload, sizeof(unload));
}

static void a_message_is_posted_from_64_and_32_bit_code(void **state)
{
	struct vmbus_msg_header response;

	(void)state;
	for (int long_mode = 1; long_mode >= 0; long_mode--) {
		write_message(VMBUS_CONNECTION_MULTI, VMBUS_MESSAGE_TYPE, sizeof(struct vmbus_msg_header));
		call(long_mode, HVCALL_POST_MESSAGE, BLOCK);
		assert_int_equal(fake.registers.rax, HV_STATUS_SUCCESS);
		guest_expect(VMBUS_MSG_UNLOAD_RESPONSE, &response, sizeof(response));
	}
}

static void a_signal_comes_fast_or_from_memory(void **state)
{
	struct hv_in_signal_event *in = guest_at(BLOCK, sizeof(*in));

	(void)state;
	c->no_signal = true;
	guest_send(c, 1, "abc", 4);
	call(true, HVCALL_SIGNAL_EVENT | HV_HC_FAST, VMBUS_CONNECTION_SIGNAL + c->relid);
	assert_int_equal(fake.registers.rax, HV_STATUS_SUCCESS);
	assert_int_equal(echo.received, 1);
	guest_send(c, 1, "abc", 4);
	call(false, HVCALL_SIGNAL_EVENT | HV_HC_FAST, VMBUS_CONNECTION_SIGNAL + c->relid);
	assert_int_equal(echo.received, 2);
	guest_send(c, 1, "abc", 4);
	*in = (struct hv_in_signal_event){ .connection_id = VMBUS_CONNECTION_SIGNAL + c->relid };
	call(true, HVCALL_SIGNAL_EVENT, BLOCK);
	assert_int_equal(fake.registers.rax, HV_STATUS_SUCCESS);
	assert_int_equal(echo.received, 3);
}

static void what_makes_no_sense_is_answered_with_its_status(void **state)
{
	static const struct { const char *what; uint64_t control, input; uint32_t status; } rows[] = {
		{ "a call nobody knows", 0x7ff0, 0, HV_STATUS_INVALID_HYPERCALL_CODE },
		{ "a message in registers", HVCALL_POST_MESSAGE | HV_HC_FAST, 0, HV_STATUS_INVALID_HYPERCALL_INPUT },
		{ "input outside RAM", HVCALL_POST_MESSAGE, 0xa0000, HV_STATUS_INVALID_PARAMETER },
		{ "input beyond the end of RAM", HVCALL_POST_MESSAGE, (64u << 20) - 8, HV_STATUS_INVALID_PARAMETER },
		{ "a connection nobody has", HVCALL_SIGNAL_EVENT | HV_HC_FAST, 77, HV_STATUS_INVALID_CONNECTION_ID },
		{ "a flag the connection does not have", HVCALL_SIGNAL_EVENT | HV_HC_FAST, 1ull << 32 | 0x2001, HV_STATUS_INVALID_PARAMETER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		call(true, rows[i].control, rows[i].input);
		if (fake.registers.rax != rows[i].status)
			fail_msg("%s: %#x", rows[i].what, (unsigned int)fake.registers.rax);
	}
	write_message(VMBUS_CONNECTION_MULTI, VMBUS_MESSAGE_TYPE, 241);
	call(true, HVCALL_POST_MESSAGE, BLOCK);
	assert_int_equal(fake.registers.rax, HV_STATUS_INVALID_PARAMETER);
	write_message(9, VMBUS_MESSAGE_TYPE, 8);
	call(true, HVCALL_POST_MESSAGE, BLOCK);
	assert_int_equal(fake.registers.rax, HV_STATUS_INVALID_CONNECTION_ID);
}

static void a_free_slot_lets_messages_go_on(void **state)
{
	struct hv_sint_deliverable_message m = { .deliverable_sints = 1 << VMBUS_SINT };
	struct vmbus_msg_header unload = { .type = VMBUS_MSG_UNLOAD }, response;

	(void)state;
	fake.slot_busy = true;
	guest_post(&unload, sizeof(unload));
	assert_int_equal(fake.posted_count, 0);
	fake.slot_busy = false;
	memcpy(vp.message.payload, &m, sizeof(m));
	vp.message.header.message_type = HVMSG_SYNIC_SINT_DELIVERABLE;
	vp_handle_exit(&vp);
	guest_run();
	guest_expect(VMBUS_MSG_UNLOAD_RESPONSE, &response, sizeof(response));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_is_posted_from_64_and_32_bit_code), TEST(a_signal_comes_fast_or_from_memory),
		TEST(what_makes_no_sense_is_answered_with_its_status), TEST(a_free_slot_lets_messages_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
