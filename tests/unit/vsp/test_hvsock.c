/* SPDX-License-Identifier: Apache-2.0 */
/* Hyper-V sockets: greetings, services, streams in both directions, half-close, and guests that misbehave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake_bus.h"
#include "vmwp/vsp/hvsock.h"

#define SECOND	1000000000ull

struct fixture { struct machine m; struct device *dev; struct sockaddr_un address; socklen_t address_size; };

/* Listens on an abstract name of this process. */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	f->m.now = 1;
	f->dev = fake_add(&f->m, &hvsock_model);
	f->address.sun_family = AF_UNIX;
	f->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				      snprintf(f->address.sun_path + 1, 60, "hvsock-test-%d", getpid()));
	assert_int_equal(bind(fd, (struct sockaddr *)&f->address, f->address_size), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(hvsock_listen(&f->m, fd), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_clear(&f->m);
	free(f);
	return 0;
}

static int greet(struct fixture *f, const char *text)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&f->address, f->address_size), 0);
	fake_pump();
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	fake_pump();
	return fd;
}

static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

static struct vmbus_channel *newest(struct fixture *f)
{
	struct vmbus_channel *c = f->m.channels;

	while (c && c->withdrawn)
		c = c->next;
	return c;
}

static const uint8_t template[] = { 0xcb, 0xfa, 0xe6, 0x11, 0xbd, 0x58, 0x64, 0x00, 0x6a, 0x79, 0x86, 0xd3 };

static void expect_port(const struct vmbus_guid *g, uint32_t port)
{
	assert_memory_equal(g->bytes, &port, 4);
	assert_memory_equal(g->bytes + 4, template, 12);
}

static void expect_text(int fd, const char *text)
{
	char buffer[256] = { 0 };

	assert_int_equal(recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT), strlen(text));
	assert_string_equal(buffer, text);
}

static void a_program_of_the_host_reaches_the_guest(void **state)
{
	struct fixture *f = *state;
	int fd = greet(f, "CONNECT 5000\nhello");
	struct vmbus_channel *c = newest(f);
	char buffer[64] = { 0 };

	assert_non_null(c);
	expect_port(&c->kind->class, 5000);
	assert_int_equal(c->kind->offer_flags, 0x2011);
	assert_int_equal(c->offer.user[0], VMBUS_PIPE_BYTE);
	assert_int_equal(c->offer.user[4], 1);		/* for the guest to accept */
	assert_int_equal(recv(fd, buffer, 1, MSG_DONTWAIT), -1);	/* no OK yet */
	assert_int_equal(fake_open(c), 0);
	expect_text(fd, "OK 2147483648\n");
	fake_pump();
	assert_int_equal(fake_pipe_take(c, buffer, sizeof(buffer)), 5);
	assert_string_equal(buffer, "hello");
	fake_pipe_send(c, "welcome", 7);
	expect_text(fd, "welcome");
	shutdown(fd, SHUT_WR);
	fake_pump();
	assert_int_equal(fake_pipe_take(c, buffer, sizeof(buffer)), 0);	/* the end of that direction */
	fake_pipe_send(c, "still here", 10);
	expect_text(fd, "still here");
	fake_pipe_send(c, "", 0);
	assert_true(is_closed(fd));
	assert_true(c->withdrawn);			/* both have ended */
	close(fd);
}

static void a_port_without_a_listener_closes_the_connection(void **state)
{
	struct fixture *f = *state;
	int fd = greet(f, "CONNECT 7\n");

	fake_advance(&f->m, 4 * SECOND);
	assert_false(is_closed(fd));
	fake_advance(&f->m, 2 * SECOND);
	assert_true(is_closed(fd));
	assert_null(newest(f));
	close(fd);
}

static void bad_greetings_are_hung_up_on(void **state)
{
	static const char *const bad[] = { "GET / HTTP/1.0\n", "CONNECT \n", "CONNECT -1\n", "CONNECT 4294967296\n", "CONNECT 5x\n",
					   "CONNECT 18446744073709551617\n", "connect 5\n", "CONNECT 00000000000000000000000000000000", NULL };
	struct fixture *f = *state;

	for (unsigned int i = 0; bad[i]; i++) {
		int fd = greet(f, bad[i]);

		if (!is_closed(fd))
			fail_msg("\"%s\" was taken", bad[i]);
		close(fd);
	}
	assert_null(newest(f));
	close(greet(f, "CONNECT 5"));			/* gone in the middle */
	fake_pump();
	for (unsigned int i = 0; i < 300; i++)		/* none of them is still counted */
		close(greet(f, "x\n"));
}

static int service(struct fixture *f, uint32_t port)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(hvsock_add_service(&f->m, port, fds[0]), 0);
	return fds[1];
}

static void ask(struct fixture *f, uint32_t service_port, uint32_t guest_port, bool sound)
{
	struct vmbus_connect request;

	memcpy(request.service.bytes, &service_port, 4);
	memcpy(request.service.bytes + 4, template, 12);
	memcpy(request.endpoint.bytes, &guest_port, 4);
	memcpy(request.endpoint.bytes + 4, template, 12);
	if (!sound)
		request.service.bytes[9]++;
	f->m.on_connect(vsp_bus(&f->m), &request, f->m.connect_context);
}

static int take_connection(int fd, uint32_t port, uint32_t guest_port)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control;
	uint32_t head[2] = { 0 };
	struct iovec iov = { head, sizeof(head) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int got;

	assert_int_equal(recvmsg(fd, &msg, 0), 8);
	assert_int_equal(head[0], port);
	assert_int_equal(head[1], guest_port);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
	return got;
}

static void a_guest_reaches_a_service_of_the_host(void **state)
{
	struct fixture *f = *state;
	int s = service(f, 9000), fd;
	struct vmbus_channel *c;
	char buffer[8];

	ask(f, 9001, 40000, true);
	ask(f, 9000, 40000, false);
	assert_int_equal(f->m.connects_failed, 2);
	ask(f, 9000, 40000, true);
	assert_int_equal(f->m.connects_failed, 2);
	fd = take_connection(s, 9000, 40000);
	c = newest(f);
	expect_port(&c->kind->class, 9000);
	expect_port(&c->offer.instance, 40000);
	assert_int_equal(c->offer.user[4], 0);
	fake_open(c);
	fake_pipe_send(c, "ping", 4);
	expect_text(fd, "ping");
	assert_int_equal(write(fd, "pong", 4), 4);
	fake_pump();
	assert_int_equal(fake_pipe_take(c, buffer, 8), 4);
	fake_close(c);					/* the guest has crashed */
	assert_true(is_closed(fd));
	close(fd);
	close(s);
	fake_pump();
	ask(f, 9000, 40001, true);			/* the service has gone */
	assert_int_equal(f->m.connects_failed, 3);
	assert_int_equal(hvsock_add_service(&f->m, 9000, dup(0)), 0);	/* and its port is free */
}

static void whoever_does_not_read_is_not_sent_more(void **state)
{
	struct fixture *f = *state;
	int fd = greet(f, "CONNECT 5000\n");
	struct vmbus_channel *c = newest(f);
	uint8_t block[8192], got[65536];
	size_t sent = 0, received = 0;
	bool held = false;

	fake_open(c);
	expect_text(fd, "OK 2147483648\n");
	while (!held && sent < 64u << 20) {
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = (uint8_t)((sent + i) % 251);
		held = !fake_pipe_send(c, block, sizeof(block));
		sent += held ? 0 : sizeof(block);
	}
	assert_true(held);				/* the packet stays in the ring */
	c->resumed = false;
	while (received < sent + sizeof(block)) {
		ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);

		for (ssize_t i = 0; i < n; i++)
			if (got[i] != (received + (size_t)i) % 251)
				fail_msg("byte %zu", received + (size_t)i);
		received += n > 0 ? (size_t)n : 0;
		fake_pump();
		if (c->resumed) {
			c->resumed = false;
			fake_pipe_send(c, block, sizeof(block));	/* the same packet again */
		} else if (n < 0) {
			break;
		}
	}
	assert_int_equal(received, sent + sizeof(block));
	close(fd);
}

static void a_full_ring_holds_the_programs_bytes_back(void **state)
{
	struct fixture *f = *state;
	int fd = greet(f, "CONNECT 5000\n");
	struct vmbus_channel *c = newest(f);
	char buffer[64] = { 0 };

	fake_open(c);
	c->full = true;
	assert_int_equal(write(fd, "abc", 3), 3);
	fake_pump();
	shutdown(fd, SHUT_WR);
	fake_pump();
	assert_int_equal(c->count, 0);
	c->full = false;
	c->kind->writable(c);
	assert_int_equal(fake_pipe_take(c, buffer, sizeof(buffer)), 3);
	assert_int_equal(fake_pipe_take(c, buffer, sizeof(buffer)), 0);
	close(fd);
}

static void a_guest_that_talks_nonsense_loses_that_connection_only(void **state)
{
	struct fixture *f = *state;
	int first = greet(f, "CONNECT 1\n"), second = greet(f, "CONNECT 2\n");
	struct vmbus_channel *c = newest(f), *other = c->next;

	fake_open(c);
	fake_open(other);
	fake_send(c, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_true(c->faulted);
	assert_true(c->withdrawn);
	assert_true(other->open);
	fake_pipe_send(other, "", 0);
	fake_pipe_send(other, "after the end", 13);
	assert_true(other->faulted);
	close(first);
	close(second);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_program_of_the_host_reaches_the_guest),
		TEST(a_port_without_a_listener_closes_the_connection),
		TEST(bad_greetings_are_hung_up_on),
		TEST(a_guest_reaches_a_service_of_the_host),
		TEST(whoever_does_not_read_is_not_sent_more),
		TEST(a_full_ring_holds_the_programs_bytes_back),
		TEST(a_guest_that_talks_nonsense_loses_that_connection_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
