/* SPDX-License-Identifier: Apache-2.0 */
/* See nic.h. */
#include "tests/unit/net/nic.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

const struct vmbus_guid nic_class = VMBUS_GUID(0xf8615163, 0xdf3e, 0x46c5, 0x91, 0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e);
const uint8_t nic_mac[6] = { 0x00, 0x15, 0x5d, 1, 2, 3 };

/* A socket is no tap: what the adapter sets up on one succeeds here without being done. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	void *argument;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if ((request >> 8 & 0xff) == 'T' && (request & 0xff) >= 200)
		return 0;
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

void nic_plug(struct nic *n, unsigned int processors)
{
	int pair[2];

	*n = (struct nic){ .request = 1, .config = { .id = NIC_ID, .name = "LAN \xe3\x81\x82", .link_up = true } };
	memcpy(n->config.mac, nic_mac, 6);
	guest_boot(processors);
	guest.machine->state = MACHINE_RUNNING;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	n->wire = pair[1];
	machine_lock(guest.machine);
	assert_int_equal(net_attach(guest.machine, &n->config, pair[0]), 0);
	machine_unlock(guest.machine);
	guest_connect(VMBUS_V5_3);
	nic_open(n);
}

void nic_unplug(struct nic *n)
{
	guest.machine->state = MACHINE_CREATED;
	guest_shut_down();
	close(n->wire);
}

void nic_open(struct nic *n)
{
	n->channel = guest_open(guest_offer(&nic_class, 0), 16, 16);
	assert_non_null(n->channel);
}

uint32_t nic_call(struct nic *n, const void *message, uint32_t size, void *answer, uint32_t answer_size)
{
	static struct guest_packet p;

	assert_true(guest_send(n->channel, 77, message, size));
	guest_run();
	if (!guest_receive(n->channel, &p))
		return 0;
	assert_int_equal(p.descriptor.type, VMBUS_PACKET_COMPLETION);
	assert_int_equal(p.descriptor.transaction_id, 77);
	memcpy(answer, p.payload, p.bytes < answer_size ? p.bytes : answer_size);
	return p.bytes;
}

bool nic_init(struct nic *n, uint32_t version)
{
	uint32_t init[7] = { NVSP_INIT, version, version };
	struct nvsp_init_complete done = { 0 };

	nic_call(n, init, sizeof(init), &done, sizeof(done));
	assert_int_equal(done.type, NVSP_INIT_COMPLETE);
	return done.status == NVSP_STATUS_SUCCESS && done.version == version;
}

void nic_buffers(struct nic *n)
{
	uint32_t message[7] = { NVSP_SEND_RECEIVE_BUFFER };
	struct nvsp_receive_buffer_complete receive;
	struct nvsp_send_buffer_complete send;

	n->receive = guest_alloc(NIC_PAGES);
	n->receive_gpadl = message[1] = guest_make_gpadl(n->channel->relid, n->receive, NIC_PAGES * GUEST_PAGE);
	message[2] = NVSP_RECEIVE_BUFFER_ID;
	nic_call(n, message, sizeof(message), &receive, sizeof(receive));
	assert_int_equal(receive.status, NVSP_STATUS_SUCCESS);
	assert_int_equal(receive.sections, 1);
	assert_int_equal(receive.offset, 0);
	n->sub_allocations = receive.sub_allocations;
	n->sub_allocation_bytes = receive.sub_allocation_bytes;
	n->send = guest_alloc(32);
	n->send_gpadl = guest_make_gpadl(n->channel->relid, n->send, 32 * GUEST_PAGE);
	nic_call(n, (uint32_t[7]){ NVSP_SEND_SEND_BUFFER, n->send_gpadl }, 28, &send, sizeof(send));
	assert_int_equal(send.status, NVSP_STATUS_SUCCESS);
	n->section_bytes = send.section_bytes;
}

unsigned int nic_receive(struct guest_channel *c, struct nic *n, uint8_t messages[][2048], unsigned int max, bool complete)
{
	static struct guest_packet p;
	uint32_t done[7] = { NVSP_SEND_RNDIS_PACKET_COMPLETE, NVSP_STATUS_SUCCESS }, ranges[128], count;

	if (!guest_receive(c, &p))
		return 0;
	assert_int_equal(p.descriptor.type, VMBUS_PACKET_TRANSFER_PAGES);
	memcpy(&count, p.head + 4, 4);
	assert_true(count > 0 && count <= max);
	memcpy(ranges, p.head + 8, count * 8);
	for (unsigned int i = 0; i < count; i++) {
		assert_true(ranges[2 * i] <= n->sub_allocation_bytes && ranges[2 * i] <= 2048);
		assert_int_equal(ranges[2 * i + 1] % n->sub_allocation_bytes, 0);
		memcpy(messages[i], guest_at(n->receive + ranges[2 * i + 1], ranges[2 * i]), ranges[2 * i]);
	}
	if (complete) {
		assert_true(guest_send_packet(c, VMBUS_PACKET_COMPLETION, false, p.descriptor.transaction_id, "", 0, done, 28));
		guest_run();
	}
	return count;
}

/* The RNDIS message lies in section 0; the completion and, if there is one, the control answer come back. */
static uint32_t send_section(struct nic *n, uint32_t channel, uint32_t size)
{
	uint32_t message[7] = { NVSP_SEND_RNDIS_PACKET, channel, 0, size };

	assert_true(guest_send(n->channel, 88, message, sizeof(message)));
	guest_run();
	return size;
}

static uint32_t take_status(struct nic *n)
{
	static struct guest_packet p;
	uint32_t done[2];

	assert_true(guest_receive(n->channel, &p));
	assert_int_equal(p.descriptor.type, VMBUS_PACKET_COMPLETION);
	assert_int_equal(p.descriptor.transaction_id, 88);
	memcpy(done, p.payload, sizeof(done));
	assert_int_equal(done[0], NVSP_SEND_RNDIS_PACKET_COMPLETE);
	return done[1];
}

uint32_t nic_control(struct nic *n, const void *message, uint32_t size, void *answer, uint32_t room)
{
	static uint8_t messages[1][2048];
	uint32_t length = 0;

	memcpy(guest_at(n->send, size), message, size);
	send_section(n, NVSP_CHANNEL_CONTROL, size);
	if (room && nic_receive(n->channel, n, messages, 1, true) == 1) {
		memcpy(&length, messages[0] + 4, 4);
		assert_true(length <= sizeof(messages[0]));
		memcpy(answer, messages[0], length < room ? length : room);
	}
	assert_int_equal(take_status(n), NVSP_STATUS_SUCCESS);
	return length;
}

uint32_t nic_query(struct nic *n, uint32_t oid, void *value, uint32_t *size)
{
	uint32_t message[7] = { RNDIS_QUERY, 28, n->request++, oid, 0, 20, 0 };
	static uint8_t answer[2048];
	uint32_t head[6], length = nic_control(n, message, sizeof(message), answer, sizeof(answer));

	assert_true(length >= sizeof(head));
	memcpy(head, answer, sizeof(head));
	assert_int_equal(head[0], RNDIS_QUERY | RNDIS_COMPLETION);
	assert_int_equal(head[2], n->request - 1);
	assert_true(8 + head[5] + head[4] <= length && head[4] <= *size);
	if (head[4])
		memcpy(value, answer + 8 + head[5], head[4]);
	*size = head[4];
	return head[3];
}

uint32_t nic_set(struct nic *n, uint32_t oid, const void *value, uint32_t size)
{
	uint32_t message[7 + 256] = { RNDIS_SET, 28 + size, n->request++, oid, size, 20, 0 }, answer[4];

	assert_true(size <= 1024);
	memcpy(message + 7, value, size);
	assert_int_equal(nic_control(n, message, 28 + size, answer, sizeof(answer)), sizeof(answer));
	assert_int_equal(answer[0], RNDIS_SET | RNDIS_COMPLETION);
	assert_int_equal(answer[2], n->request - 1);
	return answer[3];
}

void nic_up(struct nic *n, uint32_t version)
{
	uint32_t init[6] = { RNDIS_INITIALIZE, 24, n->request++, 1, 0, 0x4000 }, answer[13];
	uint32_t filter = NDIS_FILTER_DIRECTED | NDIS_FILTER_BROADCAST;

	assert_true(nic_init(n, version));
	nic_buffers(n);
	assert_int_equal(nic_control(n, init, sizeof(init), answer, sizeof(answer)), sizeof(answer));
	assert_int_equal(answer[0], RNDIS_INITIALIZE | RNDIS_COMPLETION);
	assert_int_equal(answer[3], NDIS_STATUS_SUCCESS);
	assert_int_equal(nic_set(n, OID_GEN_CURRENT_PACKET_FILTER, &filter, sizeof(filter)), NDIS_STATUS_SUCCESS);
}

uint32_t nic_transmit(struct nic *n, const void *frame, uint32_t size, int info_type, uint32_t info)
{
	uint32_t infos = info_type < 0 ? 0 : 16, head[15] = { RNDIS_PACKET, 44 + infos + size, 36 + infos, size };
	uint8_t *to = guest_at(n->send, 44 + infos + size);

	head[7] = infos ? 36 : 0;
	head[8] = infos;
	head[11] = 16;
	head[12] = (uint32_t)info_type;
	head[13] = 12;
	head[14] = info;
	memcpy(to, head, 44 + infos);
	memcpy(to + 44 + infos, frame, size);
	send_section(n, NVSP_CHANNEL_DATA, 44 + infos + size);
	return take_status(n);
}

ssize_t nic_wire_read(struct nic *n, struct virtio_net_hdr *v, void *frame, size_t room)
{
	struct iovec iov[2] = { { v, sizeof(*v) }, { frame, room } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t got = recvmsg(n->wire, &m, MSG_DONTWAIT);

	return got < 0 ? -1 : got - (ssize_t)sizeof(*v);
}

void nic_wire_write(struct nic *n, const struct virtio_net_hdr *v, const void *frame, size_t size)
{
	struct iovec iov[2] = { { (void *)(uintptr_t)v, sizeof(*v) }, { (void *)(uintptr_t)frame, size } };

	assert_int_equal(writev(n->wire, iov, 2), sizeof(*v) + size);
	guest_run();
}
