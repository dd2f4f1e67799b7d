/* SPDX-License-Identifier: Apache-2.0 */
/* The synthetic devices in a whole machine: real server, rings, memory and display, with a guest that speaks to them. */
#include "../vmbus/guest.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmwp/chipset/display.h"
#include "vmwp/vsp/hvsock.h"
#include "vmwp/vsp/services.h"

static const struct vmbus_guid
	video = VMBUS_GUID(0xda0a7802, 0xe377, 0x4aac, 0x8e, 0x77, 0x05, 0x58, 0xeb, 0x10, 0x73, 0xf8),
	keyboard = VMBUS_GUID(0xf912ad6d, 0x2b17, 0x48ea, 0xbd, 0x65, 0xf9, 0x27, 0xa6, 0x1c, 0x76, 0x84),
	mouse = VMBUS_GUID(0xcfa8b69e, 0x5b4a, 0x4cc0, 0xb9, 0x8b, 0x8b, 0xa1, 0xa1, 0xf3, 0xf9, 0x5a),
	shutdown_ic = VMBUS_GUID(0x0e0b6031, 0x5213, 0x4934, 0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb),
	heartbeat = VMBUS_GUID(0x57164f39, 0x9115, 0x4e78, 0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d),
	balloon = VMBUS_GUID(0x525074dc, 0x8985, 0x46e2, 0x80, 0x57, 0xa3, 0x07, 0xdc, 0x18, 0xa5, 0x02);

static int setup(void **state)
{
	(void)state;
	guest_boot(1);
	guest_connect(VMBUS_V5_3);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_shut_down();
	return 0;
}

static void every_machine_offers_them_with_room_for_video_memory(void **state)
{
	static const struct vmbus_guid *const all[] = { &video, &keyboard, &mouse, &shutdown_ic, &heartbeat, &balloon };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_non_null(guest_offer(all[i], 0));
	assert_int_equal(guest_offer(&video, 0)->mmio_mib, 16);
	assert_int_equal(guest_offer(&shutdown_ic, 0)->flags & VMBUS_OFFER_PIPE, VMBUS_OFFER_PIPE);
	assert_int_equal(guest_offer(&shutdown_ic, 0)->user[0], VMBUS_PIPE_MESSAGE);
}

/* --- services --- */

static struct guest_channel *negotiate(const struct vmbus_guid *class)
{
	struct guest_channel *c = guest_open(guest_offer(class, 0), 3, 3);
	uint8_t m[256];
	uint32_t size;

	guest_run();
	assert_true(guest_pipe_receive(c, m, sizeof(m), &size));
	memmove(m + 32, m + 28 + 4 * (m[20] | m[21] << 8), 4);	/* the newest version */
	memcpy(m + 20, (uint16_t[]){ 1, 1 }, 4);
	m[10] = 16;
	m[17] = 5;
	assert_true(guest_pipe_send(c, m, 36));
	guest_run();
	return c;
}

static void a_shutdown_request_arrives_in_the_ring(void **state)
{
	struct guest_channel *c = negotiate(&shutdown_ic);
	static uint8_t m[4096];
	uint32_t size;

	(void)state;
	machine_lock(guest.machine);
	assert_int_equal(shutdown_request(guest.machine, SHUTDOWN_POWER_OFF), 0);
	machine_unlock(guest.machine);
	assert_true(guest_pipe_receive(c, m, sizeof(m), &size));
	assert_int_equal(size, 20 + 2060);
}

static void a_service_switched_off_is_rescinded_and_comes_back_when_the_guest_let_go(void **state)
{
	struct guest_channel *c = negotiate(&heartbeat);
	uint32_t relid = c->relid;

	(void)state;
	machine_lock(guest.machine);
	assert_int_equal(service_set_enabled(guest.machine, SERVICE_HEARTBEAT, false), 0);
	assert_int_equal(service_set_enabled(guest.machine, SERVICE_HEARTBEAT, true), 0);
	machine_unlock(guest.machine);
	guest_run();
	guest_take_all();
	assert_true(guest_is_rescinded(relid));
	guest_close(c);
	guest_release(relid);
	guest_run();
	guest_take_all();
	assert_non_null(guest_offer(&heartbeat, 0));
	negotiate(&heartbeat);
}

/* --- screen, keys, pointer --- */

#pragma pack(push, 1)
struct situation { uint32_t type, size; uint64_t context; uint8_t count, active; uint32_t offset; uint8_t depth; uint32_t width, height, pitch; };
struct vram { uint32_t type, size; uint64_t context; uint8_t specified; uint64_t gpa; };
#pragma pack(pop)

static struct guest_channel *video_open(void)
{
	struct guest_channel *c = guest_open(guest_offer(&video, 0), 4, 4);
	struct vram where = { 3, sizeof(where), 1, 1, 0xf9000000 };
	struct situation mode = { 5, sizeof(mode), 1, 1, 1, 0, 32, 800, 600, 3200 };
	uint32_t size;
	uint8_t m[64];

	assert_true(guest_pipe_send(c, (uint32_t[]){ 1, 12, 0x50003 }, 12));
	assert_true(guest_pipe_send(c, &where, sizeof(where)));
	assert_true(guest_pipe_send(c, &mode, sizeof(mode)));
	guest_run();
	do					/* version, VRAM, and what to report, before the mode's acknowledgement */
		assert_true(guest_pipe_receive(c, m, sizeof(m), &size));
	while (m[0] != 6);
	return c;
}

static struct display_mode mode_of(int fd)
{
	struct display_mode mode = { 0 };

	while (recv(fd, &mode, sizeof(mode), MSG_DONTWAIT) > 0 && mode.type != DISPLAY_MODE)
		;
	return mode;
}

static void a_viewer_sees_the_guests_mode_and_the_firmwares_after_a_reset(void **state)
{
	int fd;

	(void)state;
	video_open();
	machine_lock(guest.machine);
	assert_int_equal(display_open(guest.machine, &fd), 0);
	machine_unlock(guest.machine);
	assert_int_equal(mode_of(fd).width, 800);
	guest_reset();
	guest_run();
	assert_int_not_equal(mode_of(fd).width, 800);
	close(fd);
}

static void what_the_guest_draws_is_in_the_viewers_memory(void **state)
{
	uint32_t pixel = 0x00abcdef, seen = 0;
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control;
	struct display_mode mode;
	struct iovec iov = { &mode, sizeof(mode) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd, memfd;

	(void)state;
	video_open();
	assert_int_equal(guest_write(guest.machine, 0xf9000000 + 3200 * 599 + 4 * 799, &pixel, 4), 0);
	machine_lock(guest.machine);
	assert_int_equal(display_open(guest.machine, &fd), 0);
	machine_unlock(guest.machine);
	assert_int_equal(recvmsg(fd, &msg, 0), sizeof(mode));
	memcpy(&memfd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(memfd));
	assert_int_equal(pread(memfd, &seen, 4, (off_t)(mode.offset + mode.size - 4)), 4);
	assert_int_equal(seen, pixel);
	close(memfd);
	close(fd);
}

static void a_viewers_key_reaches_the_guests_keyboard(void **state)
{
	struct guest_channel *c = guest_open(guest_offer(&keyboard, 0), 3, 3);
	struct display_key key = { DISPLAY_KEY, 0xe048, 1 };
	static struct guest_packet p;
	int fd;

	(void)state;
	assert_true(guest_send(c, 7, (uint32_t[]){ 1, 0x10000 }, 8));
	guest_run();
	assert_true(guest_receive(c, &p));
	assert_int_equal(p.descriptor.type, VMBUS_PACKET_COMPLETION);
	assert_true(guest_receive(c, &p));
	machine_lock(guest.machine);
	assert_int_equal(display_open(guest.machine, &fd), 0);
	machine_unlock(guest.machine);
	assert_int_equal(send(fd, &key, sizeof(key), 0), sizeof(key));
	guest_run();
	assert_true(guest_receive(c, &p));
	assert_int_equal(p.payload[0], 3);
	assert_int_equal(p.payload[4], 0x48);
	assert_int_equal(p.payload[8], 4);
	close(fd);
}

/* --- sockets --- */

static const struct vmbus_guid port_5000 = VMBUS_GUID(5000, 0xfacb, 0x11e6, 0xbd, 0x58, 0x64, 0x00, 0x6a, 0x79, 0x86, 0xd3);

static void a_guests_connection_to_nobody_is_refused(void **state)
{
	struct vmbus_msg_connect request = { .header.type = VMBUS_MSG_TL_CONNECT_REQUEST, .endpoint = port_5000, .service = port_5000 };
	struct vmbus_msg_connect_result result;

	(void)state;
	guest_post(&request, sizeof(request));
	guest_expect(VMBUS_MSG_TL_CONNECT_RESULT, &result, sizeof(result));
	assert_int_equal(result.status, VMBUS_STATUS_CONNECTION_REFUSED);
}

static void a_stream_goes_through_the_ring_and_ends_with_a_rescind(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), fd = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + snprintf(address.sun_path + 1, 40, "vsp-test-%d", getpid()));
	struct guest_channel *c;
	char text[64] = { 0 };
	uint32_t size;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 4), 0);
	machine_lock(guest.machine);
	assert_int_equal(hvsock_listen(guest.machine, listener), 0);
	machine_unlock(guest.machine);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(write(fd, "CONNECT 5000\nhello", 18), 18);
	guest_wait(50);
	guest_take_all();
	assert_non_null(guest_offer(&port_5000, 0));
	assert_int_equal(guest_offer(&port_5000, 0)->flags, 0x2011);
	c = guest_open(guest_offer(&port_5000, 0), 5, 5);
	guest_wait(50);
	assert_int_equal(recv(fd, text, sizeof(text), 0), 14);
	assert_true(guest_pipe_receive(c, text, sizeof(text), &size));
	assert_memory_equal(text, "hello", 5);
	assert_true(guest_pipe_send(c, "welcome", 7));
	assert_true(guest_pipe_send(c, NULL, 0));
	guest_run();
	assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
	close(fd);
	guest_wait(50);
	guest_take_all();
	assert_true(guest_is_rescinded(c->relid));
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(every_machine_offers_them_with_room_for_video_memory),
		TEST(a_shutdown_request_arrives_in_the_ring),
		TEST(a_service_switched_off_is_rescinded_and_comes_back_when_the_guest_let_go),
		TEST(a_viewer_sees_the_guests_mode_and_the_firmwares_after_a_reset),
		TEST(what_the_guest_draws_is_in_the_viewers_memory),
		TEST(a_viewers_key_reaches_the_guests_keyboard),
		TEST(a_guests_connection_to_nobody_is_refused),
		TEST(a_stream_goes_through_the_ring_and_ends_with_a_rescind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
