/* SPDX-License-Identifier: Apache-2.0 */
/* The message sockets: a real server on an event loop in a thread, real clients, and peers that break the rules. */
#include "partita/ipc.h"
#include "partita/problem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
	char dir[32], path[64];
	sd_event *loop;
	struct ipc_server *server;
	int stop;
	pthread_t thread;
	struct ipc_request *held, *waiting;	/* the loop's thread only */
	uid_t permitted;
} t;

static void on_echo(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)context;
	ipc_reply(r, json_incref(parameters));
}

static void on_fail(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	ipc_fail(r, 409, "wrong_state", "state", "The VM is %s.", "running");
}

/* Returns the descriptors it got in reverse order, so that a mix-up shows. */
static void on_swap(struct ipc_request *r, json_t *parameters, void *context)
{
	struct ipc_message *m = ipc_request_message(r);
	int fds[IPC_FDS_MAX];
	size_t count = m->fd_count;

	(void)parameters;
	(void)context;
	for (size_t i = 0; i < count; i++)
		fds[count - 1 - i] = ipc_message_take_fd(m, i);
	ipc_reply_fds(r, json_pack("{s:i}", "count", (int)count), fds, count);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

static void on_count(struct ipc_request *r, json_t *parameters, void *context)
{
	json_int_t to = json_integer_value(json_object_get(parameters, "to"));

	(void)context;
	for (json_int_t i = 1; i < to; i++)
		ipc_notify(r, json_pack("{s:I}", "n", i));
	ipc_reply(r, json_pack("{s:I}", "n", to));
}

static void on_flood(struct ipc_request *r, json_t *parameters, void *context)
{
	int sent = 0;

	(void)parameters;
	(void)context;
	while (ipc_notify(r, json_pack("{s:i}", "n", sent)) == 0)
		sent++;
	ipc_fail(r, 503, "too_slow", NULL, "You did not read.");
}

static void held_gone(struct ipc_request *r, void *data)
{
	(void)r;
	(void)data;
	t.held = NULL;
	if (t.waiting)
		ipc_reply(t.waiting, NULL);
	t.waiting = NULL;
}

static void on_hold(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	t.held = r;
	ipc_request_on_gone(r, held_gone, NULL);
	ipc_notify(r, json_pack("{s:b}", "held", 1));
}

static void on_release(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	ipc_reply(t.held, json_pack("{s:b}", "released", 1));
	t.held = NULL;
	ipc_reply(r, NULL);
}

/* Answers when the peer of the held request has left. */
static void on_wait_gone(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	if (t.held)
		t.waiting = r;
	else
		ipc_reply(r, NULL);
}

static void on_silence(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)r;
	(void)parameters;
	(void)context;
}

static const struct ipc_method methods[] = {
	{ "test.Echo", on_echo },   { "test.Fail", on_fail }, { "test.Swap", on_swap },	      { "test.Count", on_count },
	{ "test.Flood", on_flood }, { "test.Hold", on_hold }, { "test.Release", on_release },
	{ "test.WaitGone", on_wait_gone }, { "test.Silence", on_silence }, { NULL, NULL },
};

static bool permit(uid_t uid, void *context)
{
	(void)context;
	return uid == t.permitted;
}

static int on_stop(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)fd;
	(void)events;
	(void)data;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static void *run(void *unused)
{
	sd_event_loop(t.loop);
	return unused;
}

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	strcpy(t.dir, "/tmp/test-ipc-XXXXXX");
	t.permitted = getuid();
	t.stop = eventfd(0, EFD_CLOEXEC);
	if (t.stop < 0 || !mkdtemp(t.dir) || sd_event_new(&t.loop) < 0)
		return -1;
	snprintf(t.path, sizeof(t.path), "%s/sock", t.dir);
	if (sd_event_add_io(t.loop, NULL, t.stop, EPOLLIN, on_stop, NULL) < 0)
		return -1;
	if (ipc_serve_path(t.loop, t.path, 0600, methods, permit, NULL, &t.server) < 0)
		return -1;
	return pthread_create(&t.thread, NULL, run, NULL);
}

static int teardown(void **state)
{
	uint64_t one = 1;

	(void)state;
	assert_int_equal(write(t.stop, &one, sizeof(one)), sizeof(one));
	pthread_join(t.thread, NULL);
	ipc_server_stop(t.server);
	sd_event_unref(t.loop);
	close(t.stop);
	unlink(t.path);
	return rmdir(t.dir);
}

static struct ipc_client *client(void)
{
	struct ipc_client *c = NULL;

	assert_int_equal(ipc_connect(t.path, &c), 0);
	return c;
}

static int raw_connect(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, t.path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static int memfd_with(const char *text)
{
	int fd = memfd_create("t", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

static void a_reply_carries_what_was_asked(void **state)
{
	struct ipc_client *c = client();
	struct ipc_message m;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ipc_call(c, "test.Echo", json_pack("{s:i}", "n", i), NULL, 0, 5000, &m), 0);
		assert_int_equal(json_integer_value(json_object_get(m.body, "n")), i);
		ipc_message_clear(&m);
	}
	assert_int_equal(ipc_call(c, "test.Echo", NULL, NULL, 0, 5000, &m), 0);
	assert_int_equal(json_object_size(m.body), 0);
	ipc_message_clear(&m);
	ipc_disconnect(c);
}

static void a_failure_keeps_status_code_field_and_detail(void **state)
{
	struct ipc_client *c = client();
	struct ipc_message m;
	json_t *p;

	(void)state;
	assert_int_equal(ipc_call(c, "test.Fail", NULL, NULL, 0, 5000, &m), -EREMOTE);
	assert_string_equal(json_string_value(json_object_get(m.body, "error")), "wrong_state");
	p = json_object_get(m.body, "parameters");
	assert_int_equal(json_integer_value(json_object_get(p, "status")), 409);
	assert_string_equal(json_string_value(json_object_get(p, "detail")), "The VM is running.");
	assert_string_equal(json_string_value(json_object_get(p, "field")), "state");
	ipc_message_clear(&m);
	assert_int_equal(ipc_call(c, "test.Nothing", NULL, NULL, 0, 5000, &m), -EREMOTE);
	assert_string_equal(json_string_value(json_object_get(m.body, "error")), "method_not_found");
	ipc_message_clear(&m);
	ipc_disconnect(c);
}

static void sixteen_descriptors_arrive_in_order_and_a_seventeenth_is_refused(void **state)
{
	struct ipc_client *c = client();
	int fds[IPC_FDS_MAX + 1];
	struct ipc_message m;
	char text[8] = { 0 };

	(void)state;
	for (int i = 0; i <= IPC_FDS_MAX; i++) {
		snprintf(text, sizeof(text), "%d", i);
		fds[i] = memfd_with(text);
	}
	assert_int_equal(ipc_call(c, "test.Swap", NULL, fds, IPC_FDS_MAX + 1, 5000, &m), -E2BIG);
	ipc_disconnect(c);
	c = client();
	assert_int_equal(ipc_call(c, "test.Swap", NULL, fds, IPC_FDS_MAX, 5000, &m), 0);
	assert_int_equal(m.fd_count, IPC_FDS_MAX);
	for (size_t i = 0; i < IPC_FDS_MAX; i++) {
		int fd = ipc_message_take_fd(&m, i);

		memset(text, 0, sizeof(text));
		assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
		assert_int_equal(atoi(text), IPC_FDS_MAX - 1 - (int)i);
		assert_int_equal(ipc_message_take_fd(&m, i), -EBADF);
		close(fd);
	}
	for (int i = 0; i <= IPC_FDS_MAX; i++)
		close(fds[i]);
	ipc_message_clear(&m);
	ipc_disconnect(c);
}

static json_t *big_parameters(size_t size)
{
	char *text = malloc(size + 1);
	json_t *p;

	memset(text, 'x', size);
	text[size] = 0;
	p = json_pack("{s:s}", "text", text);
	free(text);
	return p;
}

static void nearly_a_mebibyte_passes_with_its_descriptor_and_more_is_refused_at_the_sender(void **state)
{
	struct ipc_client *c = client();
	struct ipc_message m;
	int fd = memfd_with("here");

	(void)state;
	assert_int_equal(ipc_call(c, "test.Echo", big_parameters(IPC_MESSAGE_MAX - 100), NULL, 0, 5000, &m), 0);
	assert_int_equal(json_string_length(json_object_get(m.body, "text")), IPC_MESSAGE_MAX - 100);
	ipc_message_clear(&m);
	assert_int_equal(ipc_call(c, "test.Echo", big_parameters(IPC_MESSAGE_MAX), NULL, 0, 5000, &m), -EMSGSIZE);
	assert_int_equal(ipc_call(c, "test.Swap", big_parameters(300000), &fd, 1, 5000, &m), 0);
	assert_int_equal(m.fd_count, 1);
	ipc_message_clear(&m);
	close(fd);
	ipc_disconnect(c);
}

static void a_stream_delivers_each_item_then_ends(void **state)
{
	struct ipc_client *c = client();
	struct ipc_message m;

	(void)state;
	assert_int_equal(ipc_call_stream(c, "test.Count", json_pack("{s:i}", "to", 3)), 0);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(ipc_next(c, 5000, &m), 0);
		assert_int_equal(json_integer_value(json_object_get(m.body, "n")), i);
		ipc_message_clear(&m);
	}
	assert_int_equal(ipc_next(c, 5000, &m), -ESHUTDOWN);
	ipc_disconnect(c);
}

static void a_reader_that_does_not_read_is_told_to_the_sender_not_buffered_forever(void **state)
{
	struct ipc_client *c = client(), *other = client();
	struct ipc_message m;
	int r;

	(void)state;
	assert_int_equal(ipc_call_stream(c, "test.Flood", NULL), 0);
	assert_int_equal(ipc_next(c, 20000, &m), 0);		/* it has begun: the loop is in on_flood() until it gives up */
	ipc_message_clear(&m);
	assert_int_equal(ipc_call(other, "test.Echo", NULL, NULL, 0, 5000, &m), 0);
	ipc_message_clear(&m);
	ipc_disconnect(other);
	do {
		r = ipc_next(c, 5000, &m);
		ipc_message_clear(&m);
	} while (r == 0);
	assert_true(r == -EREMOTE || r == -ESHUTDOWN);
	ipc_disconnect(c);
}

static void hold(struct ipc_client *c)
{
	struct ipc_message m;

	assert_int_equal(ipc_call_stream(c, "test.Hold", NULL), 0);
	assert_int_equal(ipc_next(c, 5000, &m), 0);
	assert_true(json_is_true(json_object_get(m.body, "held")));
	ipc_message_clear(&m);
	assert_int_equal(ipc_next(c, 0, &m), -ETIMEDOUT);
}

static void an_answer_that_comes_later_arrives(void **state)
{
	struct ipc_client *c = client(), *other = client();
	struct ipc_message m;

	(void)state;
	hold(c);
	assert_int_equal(ipc_call(other, "test.Release", NULL, NULL, 0, 5000, &m), 0);
	ipc_message_clear(&m);
	assert_int_equal(ipc_next(c, 5000, &m), 0);
	assert_true(json_is_true(json_object_get(m.body, "released")));
	ipc_message_clear(&m);
	assert_int_equal(ipc_call(c, "test.Echo", NULL, NULL, 0, 5000, &m), 0);
	ipc_message_clear(&m);
	ipc_disconnect(c);
	ipc_disconnect(other);
}

static void a_peer_that_leaves_ends_its_request(void **state)
{
	struct ipc_client *c = client(), *other = client();
	struct ipc_message m;

	(void)state;
	hold(c);
	ipc_disconnect(c);
	assert_int_equal(ipc_call(other, "test.WaitGone", NULL, NULL, 0, 5000, &m), 0);
	ipc_message_clear(&m);
	ipc_disconnect(other);
}

static void a_call_that_timed_out_does_not_hand_its_answer_to_the_next(void **state)
{
	struct ipc_client *c = client();
	struct ipc_message m;

	(void)state;
	assert_int_equal(ipc_call(c, "test.Silence", NULL, NULL, 0, 20, &m), -ETIMEDOUT);
	assert_int_equal(ipc_call(c, "test.Echo", NULL, NULL, 0, 5000, &m), -ESHUTDOWN);
	ipc_disconnect(c);
}

static const struct { const char *rule, *bytes; size_t size; } broken[] = {
	{ "not JSON", "hello", 6 },
	{ "an array", "[]", 3 },
	{ "no method", "{}", 3 },
	{ "a method that is no string", "{\"method\":1}", 13 },
	{ "parameters that are no object", "{\"method\":\"test.Echo\",\"parameters\":[]}", 39 },
	{ "a member nobody knows", "{\"method\":\"test.Echo\",\"x\":1}", 29 },
	{ "a name twice", "{\"method\":\"test.Fail\",\"method\":\"test.Echo\"}", 44 },
	{ "more that is no boolean", "{\"method\":\"test.Echo\",\"more\":1}", 32 },
	{ "an empty message", "", 1 },
};

static void a_peer_that_breaks_a_rule_is_disconnected_and_others_are_not(void **state)
{
	struct ipc_client *c = client();
	struct ipc_message m;

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		int fd = raw_connect();
		char byte;

		assert_int_equal(write(fd, broken[i].bytes, broken[i].size), (ssize_t)broken[i].size);
		if (read(fd, &byte, 1) > 0)
			fail_msg("%s was answered", broken[i].rule);
		close(fd);
	}
	assert_int_equal(ipc_call(c, "test.Echo", NULL, NULL, 0, 5000, &m), 0);
	ipc_message_clear(&m);
	ipc_disconnect(c);
}

static void a_message_that_never_ends_is_cut_at_the_limit(void **state)
{
	static char junk[65536];
	size_t sent = 0;
	int fd = raw_connect();

	(void)state;
	memset(junk, ' ', sizeof(junk));
	for (;;) {
		ssize_t n = send(fd, junk, sizeof(junk), MSG_NOSIGNAL);

		if (n < 0)
			break;
		sent += (size_t)n;
		assert_true(sent < 8u << 20);
	}
	close(fd);
}

static void requests_sent_in_one_piece_are_answered_one_by_one(void **state)
{
	static const char two[] = "{\"method\":\"test.Echo\",\"parameters\":{\"a\":1}}\0{\"method\":\"test.Echo\",\"parameters\":{\"b\":2}}";
	static const char want[] = "{\"parameters\":{\"a\":1}}\0{\"parameters\":{\"b\":2}}";
	char got[sizeof(want)] = { 0 };
	int fd = raw_connect();

	(void)state;
	assert_int_equal(write(fd, two, sizeof(two)), sizeof(two));
	assert_int_equal(recv(fd, got, sizeof(got), MSG_WAITALL), sizeof(got));
	assert_memory_equal(got, want, sizeof(want));
	close(fd);
}

static void a_user_who_is_not_permitted_gets_no_answer(void **state)
{
	struct ipc_client *c;
	struct ipc_message m;

	(void)state;
	t.permitted = getuid() + 1;
	c = client();
	assert_int_equal(ipc_call(c, "test.Echo", NULL, NULL, 0, 5000, &m), -ESHUTDOWN);
	ipc_disconnect(c);
}

/* --- the client that does not wait --- */

struct async_seen { int results[4]; int count; bool lost; sd_event *loop; };

static void async_done(struct ipc_message *m, int result, bool continues, void *data)
{
	struct async_seen *s = data;

	(void)m;
	(void)continues;
	s->results[s->count++] = result;
}

static void async_lost(struct ipc_async *a, int reason, void *data)
{
	struct async_seen *s = data;

	(void)reason;
	s->lost = true;
	ipc_async_close(a);
	sd_event_exit(s->loop, 0);
}

static void calls_that_do_not_wait_come_back_in_order_and_a_silent_peer_times_out(void **state)
{
	struct async_seen seen = { 0 };
	struct ipc_async *a = NULL;

	(void)state;
	assert_true(sd_event_new(&seen.loop) >= 0);
	assert_int_equal(ipc_async_from_fd(seen.loop, raw_connect(), async_lost, &seen, &a), 0);
	assert_int_equal(ipc_async_call(a, "test.Echo", NULL, NULL, 0, 5000, async_done, &seen), 0);
	assert_int_equal(ipc_async_call(a, "test.Fail", NULL, NULL, 0, 5000, async_done, &seen), 0);
	assert_int_equal(ipc_async_call(a, "test.Silence", NULL, NULL, 0, 50, async_done, &seen), 0);
	assert_int_equal(ipc_async_call(a, "test.Echo", NULL, NULL, 0, 5000, async_done, &seen), 0);
	sd_event_loop(seen.loop);
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.results[0], 0);
	assert_int_equal(seen.results[1], -EREMOTE);
	assert_int_equal(seen.results[2], -ETIMEDOUT);
	assert_int_equal(seen.results[3], -ETIMEDOUT);
	assert_true(seen.lost);
	sd_event_unref(seen.loop);
}

/* --- one peer must not keep the loop for itself --- */

static int tick(sd_event_source *source, uint64_t usec, void *data)
{
	int *ticks = data;

	(void)usec;
	if (++*ticks == 3)
		return sd_event_exit(sd_event_source_get_event(source), 0);
	sd_event_source_set_time_relative(source, 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void *flood(void *data)
{
	static const char reply[] = "{\"parameters\":{},\"continues\":true}";

	while (send(*(int *)data, reply, sizeof(reply), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void ignore(struct ipc_message *m, int result, bool continues, void *data)
{
	(void)m;
	(void)result;
	(void)continues;
	(void)data;
}

static void a_peer_that_never_stops_talking_does_not_keep_the_loop(void **state)
{
	struct ipc_async *a = NULL;
	sd_event *loop = NULL;
	pthread_t thread;
	int ends[2], ticks = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_true(sd_event_new(&loop) >= 0);
	assert_int_equal(ipc_async_from_fd(loop, ends[0], NULL, NULL, &a), 0);
	assert_int_equal(ipc_async_call(a, "test.Watch", NULL, NULL, 0, -1, ignore, NULL), 0);
	assert_true(sd_event_add_time_relative(loop, NULL, CLOCK_MONOTONIC, 1000, 0, tick, &ticks) >= 0);
	assert_int_equal(pthread_create(&thread, NULL, flood, &ends[1]), 0);
	sd_event_loop(loop);				/* ends by the third tick */
	ipc_async_close(a);
	pthread_join(thread, NULL);
	assert_int_equal(ticks, 3);
	close(ends[1]);
	sd_event_unref(loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reply_carries_what_was_asked),
		TEST(a_failure_keeps_status_code_field_and_detail),
		TEST(sixteen_descriptors_arrive_in_order_and_a_seventeenth_is_refused),
		TEST(nearly_a_mebibyte_passes_with_its_descriptor_and_more_is_refused_at_the_sender),
		TEST(a_stream_delivers_each_item_then_ends),
		TEST(a_reader_that_does_not_read_is_told_to_the_sender_not_buffered_forever),
		TEST(an_answer_that_comes_later_arrives),
		TEST(a_peer_that_leaves_ends_its_request),
		TEST(a_call_that_timed_out_does_not_hand_its_answer_to_the_next),
		TEST(a_peer_that_breaks_a_rule_is_disconnected_and_others_are_not),
		TEST(a_message_that_never_ends_is_cut_at_the_limit),
		TEST(requests_sent_in_one_piece_are_answered_one_by_one),
		TEST(a_user_who_is_not_permitted_gets_no_answer),
		TEST(a_peer_that_never_stops_talking_does_not_keep_the_loop),
		TEST(calls_that_do_not_wait_come_back_in_order_and_a_silent_peer_times_out),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
