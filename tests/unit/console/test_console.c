/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console program itself, sandbox included: this test is its worker on one socket and its client on the
 * other.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "partita/display.h"

#define WIDTH	640u
#define HEIGHT	480u
#define BYTES	(WIDTH * HEIGHT * 4)
#define WAIT_MS	10000

struct fixture { pid_t pid; int client, display, memory; uint32_t *pixels; };

static void run_console(int client, int display, const char *argument)
{
	int c = fcntl(client, F_DUPFD, 10), d = fcntl(display, F_DUPFD, 10);

	dup2(c, 3);
	dup2(d, 4);
	close_range(5, ~0u, 0);
	execl(CONSOLE_PROGRAM, "console", argument, (char *)NULL);
	_exit(127);
}

static int start_console(void **state, const char *argument)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int client[2], display[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, display), 0);
	f->pid = fork();
	if (f->pid == 0)
		run_console(client[1], display[1], argument);
	close(client[1]);
	close(display[1]);
	f->client = client[0];
	f->display = display[0];
	f->memory = memfd_create("pixels", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(f->memory, BYTES), 0);
	f->pixels = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, f->memory, 0);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return start_console(state, NULL);
}

static int setup_view_only(void **state)
{
	return start_console(state, "--view-only");
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->pid) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	close(f->client);
	close(f->display);
	close(f->memory);
	munmap(f->pixels, BYTES);
	free(f);
	return 0;
}

/* How the console ended: its exit status, or 128 + signal. */
static int ended(struct fixture *f)
{
	int status = 0;

	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	f->pid = 0;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- the worker's end --- */

/* A packet with the screen's memory. */
static void send_packet(struct fixture *f, const void *packet, size_t size)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)packet, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &f->memory, sizeof(int));
	assert_int_equal(sendmsg(f->display, &msg, 0), size);
}

static void send_mode(struct fixture *f, const struct display_mode *mode)
{
	send_packet(f, mode, sizeof(*mode));
}

static void start(struct fixture *f)
{
	struct display_mode mode = { DISPLAY_MODE, WIDTH, HEIGHT, WIDTH * 4, 0, BYTES };

	assert_int_equal(fcntl(f->memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	send_mode(f, &mode);
}

static size_t worker_packet(struct fixture *f, void *packet, size_t size)
{
	struct pollfd p = { f->display, POLLIN, 0 };

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	return (size_t)recv(f->display, packet, size, 0);
}

static void expect_request(struct fixture *f)
{
	uint32_t type = 0;

	assert_int_equal(worker_packet(f, &type, sizeof(type)), sizeof(type));
	assert_int_equal(type, DISPLAY_REQUEST);
}

static bool worker_hears_nothing(struct fixture *f)
{
	struct pollfd p = { f->display, POLLIN, 0 };

	return poll(&p, 1, 50) == 0;
}

/* --- the client's end --- */

static void read_exactly(struct fixture *f, void *to, size_t count)
{
	for (size_t done = 0; done < count;) {
		struct pollfd p = { f->client, POLLIN, 0 };
		ssize_t n;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = recv(f->client, (char *)to + done, count - done, 0);
		assert_true(n > 0);
		done += (size_t)n;
	}
}

static void put(struct fixture *f, const void *bytes, size_t count)
{
	assert_int_equal(send(f->client, bytes, count, MSG_NOSIGNAL), count);
}

static void handshake(struct fixture *f)
{
	uint8_t answer[64];

	read_exactly(f, answer, 12);
	put(f, "RFB 003.008\n\1\1", 14);
	read_exactly(f, answer, 2 + 4 + 24 + 7);
	assert_int_equal(answer[6] << 8 | answer[7], WIDTH);
	assert_memory_equal(answer + 30, "Partita", 7);
}

static void request(struct fixture *f, bool incremental)
{
	put(f, (uint8_t[]) { 3, incremental, 0, 0, 0, 0, WIDTH >> 8, WIDTH & 255, HEIGHT >> 8, HEIGHT & 255 }, 10);
}

static void test_a_session_from_hand_shake_to_good_bye(void **state)
{
	struct fixture *f = *state;
	static uint8_t update[BYTES + 4096];
	struct display_damage damage = { DISPLAY_DAMAGE, 1, { { 0, 100, WIDTH, 1 } } };
	struct display_key key;

	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		f->pixels[i] = i * 7919 & 0xffffff;
	start(f);
	handshake(f);
	assert_true(worker_hears_nothing(f));		/* nobody has asked */
	request(f, false);
	read_exactly(f, update, 4 + 8 * 12 + BYTES);	/* raw, eight rows of tiles */
	assert_memory_equal(update + 16, f->pixels, 64 * WIDTH);
	assert_true(worker_hears_nothing(f));
	request(f, true);
	expect_request(f);
	f->pixels[100 * WIDTH + 70] ^= 0xffffff;
	assert_int_equal(send(f->display, &damage, 16, 0), 16);
	read_exactly(f, update, 4 + 12 + 64 * 64 * 4);
	assert_int_equal(update[5], 64);		/* x of the one tile */
	put(f, (uint8_t[]) { 4, 1, 0, 0, 0, 0, 0, 'a' }, 8);
	assert_int_equal(worker_packet(f, &key, sizeof(key)), sizeof(key));
	assert_int_equal(key.scancode, 0x1e);
	assert_int_equal(key.down, 1);
	shutdown(f->client, SHUT_RDWR);
	assert_int_equal(worker_packet(f, &key, sizeof(key)), sizeof(key));
	assert_int_equal(key.down, 0);			/* let go on the way out */
	assert_int_equal(ended(f), 0);
}

static void test_a_view_only_console_passes_no_input(void **state)
{
	struct fixture *f = *state;
	uint8_t update[16];

	start(f);
	handshake(f);
	put(f, (uint8_t[]) { 4, 1, 0, 0, 0, 0, 0, 'a', 5, 1, 0, 10, 0, 10 }, 14);
	assert_true(worker_hears_nothing(f));
	request(f, true);				/* but it shows the screen */
	read_exactly(f, update, sizeof(update));
}

static void test_every_encoder_lives_within_the_sandbox(void **state)
{
	struct fixture *f = *state;
	static const uint8_t lists[3][12] = {
		{ 2, 0, 0, 1, 0, 0, 0, 16 }, { 2, 0, 0, 1, 0, 0, 0, 7 }, { 2, 0, 0, 2, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xe6 },
	};
	uint8_t byte;

	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		f->pixels[i] = i % WIDTH * 255 / WIDTH | i / WIDTH * 255 / HEIGHT << 8;
	start(f);
	handshake(f);
	for (int i = 0; i < 3; i++) {
		struct pollfd p = { f->client, POLLIN, 0 };

		put(f, lists[i], i == 2 ? 12 : 8);
		request(f, false);
		for (read_exactly(f, &byte, 1); poll(&p, 1, 300) == 1;)
			read_exactly(f, &byte, 1);
	}
	close(f->client);
	f->client = -1;
	assert_int_equal(ended(f), 0);
}

static const struct { const char *what; struct display_mode mode; bool sealed; } bad_modes[] = {
	{ "memory that could shrink", { DISPLAY_MODE, WIDTH, HEIGHT, WIDTH * 4, 0, BYTES }, false },
	{ "more pixels than memory", { DISPLAY_MODE, WIDTH, HEIGHT + 1, WIDTH * 4, 0, BYTES }, true },
	{ "an offset beyond it", { DISPLAY_MODE, WIDTH, HEIGHT, WIDTH * 4, 4096, BYTES }, true },
	{ "rows that overlap", { DISPLAY_MODE, WIDTH, HEIGHT, WIDTH * 3, 0, BYTES }, true },
	{ "an absurd width", { DISPLAY_MODE, 100000, 1, 400000, 0, 400000 }, true },
	{ "no height", { DISPLAY_MODE, WIDTH, 0, WIDTH * 4, 0, BYTES }, true },
};

static void test_a_worker_that_lies_ends_the_console(void **state)
{
	for (size_t i = 0; i < sizeof(bad_modes) / sizeof(bad_modes[0]); i++) {
		struct fixture *f = *state;
		int status;

		if (bad_modes[i].sealed)
			fcntl(f->memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
		send_mode(f, &bad_modes[i].mode);
		status = ended(f);
		if (status != 1)
			fail_msg("%s: the console ended with %d", bad_modes[i].what, status);
		teardown(state);
		setup(state);
	}
}

static void test_a_pointer_shape_that_lies_ends_the_console(void **state)
{
	static const struct display_cursor bad[] = {
		{ DISPLAY_CURSOR, DISPLAY_CURSOR_MAX + 1, 1, 0, 0, 1 }, { DISPLAY_CURSOR, 1, DISPLAY_CURSOR_MAX + 1, 0, 0, 1 },
		{ DISPLAY_CURSOR, 8, 8, 8, 0, 1 }, { DISPLAY_CURSOR, 8, 8, 0, 8, 1 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fixture *f = *state;

		start(f);
		send_packet(f, &bad[i], sizeof(bad[i]));
		if (ended(f) != 1)
			fail_msg("shape %zu was taken", i);
		teardown(state);
		setup(state);
	}
}

static void test_the_viewers_room_reaches_the_worker_and_a_shape_the_viewer(void **state)
{
	static const uint8_t wants[] = { 2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x11 };	/* raw, Cursor */
	struct display_cursor shape = { DISPLAY_CURSOR, 2, 2, 1, 0, 1 };
	struct fixture *f = *state;
	struct display_resize resize = { 0 };
	uint32_t type = 0;
	uint8_t byte, update[4 + 12];

	start(f);
	handshake(f);
	put(f, wants, sizeof(wants));
	assert_int_equal(worker_packet(f, &type, sizeof(type)), sizeof(type));
	assert_int_equal(type, DISPLAY_CURSOR_WANTED);
	put(f, (uint8_t[24]) { 251, 0, 3, 0, 2, 0, 1 }, 24);
	assert_int_equal(worker_packet(f, &resize, sizeof(resize)), sizeof(resize));
	assert_int_equal(resize.type, DISPLAY_RESIZE);
	assert_int_equal(resize.width, 768);
	assert_int_equal(resize.height, 512);
	request(f, false);
	read_exactly(f, update, 4);			/* the screen, whole: each rectangle has a head of 12 bytes */
	for (size_t left = BYTES + 12u * update[3]; left; left--)
		read_exactly(f, &byte, 1);
	request(f, true);
	expect_request(f);
	send_packet(f, &shape, sizeof(shape));
	read_exactly(f, update, sizeof(update));
	assert_memory_equal(update + 4, ((uint8_t[]) { 0, 1, 0, 0, 0, 2, 0, 2, 0xff, 0xff, 0xff, 0x11 }), 12);
}

static void test_a_client_that_lies_ends_the_console(void **state)
{
	struct fixture *f = *state;

	start(f);
	put(f, "POST /logi HTTP", 15);
	assert_int_equal(ended(f), 1);
}

static void test_the_end_of_the_worker_is_the_end(void **state)
{
	struct fixture *f = *state;

	start(f);
	handshake(f);
	close(f->display);
	f->display = -1;
	assert_int_equal(ended(f), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_a_session_from_hand_shake_to_good_bye),
		cmocka_unit_test_setup_teardown(test_a_view_only_console_passes_no_input, setup_view_only, teardown),
		T(test_every_encoder_lives_within_the_sandbox),
		T(test_a_worker_that_lies_ends_the_console),
		T(test_a_pointer_shape_that_lies_ends_the_console),
		T(test_the_viewers_room_reaches_the_worker_and_a_shape_the_viewer),
		T(test_a_client_that_lies_ends_the_console),
		T(test_the_end_of_the_worker_is_the_end),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
