/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile guest against the parser of one synthetic device, FUZZ_TARGET, on the made-up bus of tests/unit/vsp: video, keyboard, mouse,
 * each integration service, dynamic memory, Hyper-V sockets. It opens the channel, agrees on versions as a good driver does, and then
 * sends messages that are almost right, answers that were changed, and nonsense, while the host acts and time passes. Saved state
 * with bytes changed is loaded, too.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vsp/fake_bus.h"

#include "vmwp/vsp/balloon.h"
#include "vmwp/vsp/hvsock.h"
#include "vmwp/vsp/ic.h"
#include "vmwp/vsp/services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX	20000u

static struct machine m;

static uint32_t number(void)
{
	static const uint32_t edges[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 127, 128, 255, 256, 1024, 4095, 4096, 0x100000, 0x7fffffff, 0x80000000, 0xffffffff };

	return edge(edges, sizeof(edges) / sizeof(edges[0]));
}

static void mutate(uint8_t *bytes, size_t size, unsigned int times)
{
	while (size >= 4 && times--) {
		uint32_t n = number();
		size_t at = below((uint32_t)size - 3);

		if (once_in(2))
			memcpy(bytes + (at & ~(size_t)3), &n, 4);
		else
			bytes[at] = (uint8_t)n;
	}
}

/* --- what a good driver says --- */

#define SAY(pipe, ...)	{ pipe, sizeof((const uint32_t[]){ __VA_ARGS__ }), (const uint32_t[]){ __VA_ARGS__ } }
struct phrase { bool pipe; size_t size; const uint32_t *words; };

static const struct phrase video[] = {
	SAY(true, 1, 12, 0x50003), SAY(true, 13, 9, 64), SAY(true, 3, 25, 1, 2, 0x00000001, 0xf9000000 << 8, 0xf9, 0), SAY(true, 11, 8),
	SAY(true, 5, 35, 0, 0, 0x00000101, 0x20000000, 0x00000280, 0x000001e0, 0x00000a00, 0, 0), SAY(true, 10, 26, 0x00000100, 0, 0, 0x01000000, 0x01000000, 0),
	SAY(true, 7, 18, 1, 0, 0, 0), SAY(true, 8, 30, 0x1ff, 1, 1, 0, 0, 0), SAY(true, 15, 8),
};
static const struct phrase keyboard[] = { SAY(false, 1, 0x10000), SAY(false, 4, 7) };
static const struct phrase mouse[] = { SAY(true, 0, 4, 0x20000), SAY(true, 3, 1, 0) };
static const struct phrase balloon[] = {
	SAY(false, 0x00100001, 1, 0x20000, 1), SAY(false, 0x00200003, 2, 0x1f, 0, 0, 0, ~0u, 0xff), SAY(false, 0x00300005, 3, 1000, 0, 500, 0, 0, 0, 0, 0, 0, 0),
	SAY(false, 0x00180007, 4, 0, 2, 0x1000, 0x20000), SAY(false, 0x00080009, 5), SAY(false, 0x0010000b, 6, 0x8000, 1), SAY(false, 0x0018000c, 7, 0, 8, 1, 0),
};
static const struct phrase stream[] = { SAY(true, 0x41424344), SAY(true, 1, 2, 3, 4, 5, 6, 7, 8), { true, 0, NULL } };

static const struct guest {
	const char *target;
	const struct device_model *model;
	const struct phrase *phrases;
	unsigned int count, handshake;		/* the first so many make the driver ready */
} guests[] = {
	{ "video", &video_model, video, 9, 3 }, { "keyboard", &keyboard_model, keyboard, 2, 1 }, { "mouse", &mouse_model, mouse, 2, 2 },
	{ "balloon", &balloon_model, balloon, 7, 2 }, { "shutdown", &shutdown_model, NULL, 0, 0 }, { "timesync", &time_sync_model, NULL, 0, 0 },
	{ "heartbeat", &heartbeat_model, NULL, 0, 0 }, { "kvp", &kvp_model, NULL, 0, 0 }, { "vss", &vss_model, NULL, 0, 0 },
	{ "fcopy", &fcopy_model, NULL, 0, 0 }, { "hvsock", &hvsock_model, stream, 3, 0 },
};
#define GUESTS	(sizeof(guests) / sizeof(guests[0]))

static void send_bytes(struct vmbus_channel *c, bool pipe, const uint8_t *bytes, size_t size)
{
	if (pipe)
		fake_pipe_send(c, bytes, size);
	else
		fake_send(c, bytes, size);
}

static void say(struct vmbus_channel *c, const struct phrase *p, unsigned int mutations)
{
	uint8_t bytes[256] = { 0 };

	if (p->size)
		memcpy(bytes, p->words, p->size);
	mutate(bytes, p->size, mutations);
	send_bytes(c, p->pipe, bytes, p->size && mutations && once_in(8) ? below((uint32_t)p->size) : p->size);
}

/* Integration services: the host's own message back, as negotiated or as an answer, changed or not. */
static void answer(struct vmbus_channel *c, bool change)
{
	static uint8_t message[MESSAGE_MAX];
	int size = fake_pipe_take(c, message, sizeof(message));
	uint16_t type;

	if (size < 28)
		return;
	memcpy(&type, message + 4, 2);
	if (type == 0) {			/* one framework, one version: the newest */
		uint16_t frameworks;

		memcpy(&frameworks, message + 20, 2);
		memmove(message + 32, message + 28 + 4 * frameworks, 4);
		memcpy(message + 20, (uint16_t[]){ 1, 1 }, 4);
		memcpy(message + 10, (uint16_t[]){ 16 }, 2);
		size = 36;
	}
	message[17] = 5;
	if (change)
		mutate(message, (size_t)size < 80 || once_in(3) ? (size_t)size : 80, 1 + below(3));
	send_bytes(c, true, message, change && once_in(8) ? below((uint32_t)size) : (size_t)size);
}

static void nonsense(struct vmbus_channel *c)
{
	static uint8_t bytes[MESSAGE_MAX];
	size_t size = once_in(4) ? below(MESSAGE_MAX) : below(200);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)any();
	mutate(bytes, size < 64 ? size : 64, 8);
	send_bytes(c, once_in(2), bytes, size);
}

/* --- host --- */

static void done(void *context, int result)
{
	(void)context;
	(void)result;
}

static void copy_file(void)
{
	struct fcopy_request r = { "/x", "y", false, true, memfd_create("f", 0), 10000 };

	if (ftruncate(r.fd, below(20000)) < 0 || fcopy_start(&m, &r, done, NULL) < 0)
		close(r.fd);
}

static void connect_from_guest(void)
{
	struct vmbus_connect request = { .service = VMBUS_GUID(9000, 0xfacb, 0x11e6, 0xbd, 0x58, 0x64, 0x00, 0x6a, 0x79, 0x86, 0xd3) };

	mutate(request.endpoint.bytes, 16, 1);
	if (once_in(4))
		mutate(request.service.bytes, 16, 1);
	m.on_connect(vsp_bus(&m), &request, m.connect_context);
}

static void host_acts(void)
{
	struct kvp_addresses a = { "{x}", true, true, once_in(2), "1.2.3.4;::1", "", "", "" };

	switch (below(12)) {
	case 0: (void)shutdown_request(&m, SHUTDOWN_POWER_OFF); break;
	case 1: (void)vss_freeze(&m, done, NULL); break;
	case 2: (void)vss_thaw(&m, done, NULL); break;
	case 3: (void)kvp_set_item(&m, KVP_POOL_EXTERNAL, once_in(2) ? "a" : "b", once_in(2) ? "c" : NULL); break;
	case 4: (void)kvp_set_addresses(&m, &a, done, NULL); break;
	case 5: copy_file(); break;
	case 6: (void)balloon_set_target(&m, (uint64_t)below(8192) << 20); break;
	case 7: (void)service_set_enabled(&m, below(SERVICES), !once_in(4)); break;
	case 8: m.source->refresh(m.source); break;
	case 9: if (m.input[DISPLAY_MOUSE]) m.input[DISPLAY_MOUSE]->pointer(m.input_context[DISPLAY_MOUSE], (uint16_t)any(), 5, any()); break;
	case 10: if (m.input[DISPLAY_KEYBOARD]) m.input[DISPLAY_KEYBOARD]->key(m.input_context[DISPLAY_KEYBOARD], (uint16_t)any(), once_in(2)); break;
	case 11: connect_from_guest(); break;
	}
}

/* --- saved state, changed --- */

static void load_changed(struct vmbus_channel *c)
{
	struct state *s = state_save_begin();
	void *data;
	size_t size;

	if (!c->kind->state) {
		(void)state_save_end(s, &data, &size);
		free(data);
		return;
	}
	c->kind->state(c, s);
	if (state_save_end(s, &data, &size) < 0)
		abort();
	mutate(data, size < 300 ? size : 300, below(4));
	s = state_load_begin(data, once_in(4) ? below((uint32_t)size + 1) : size);
	c->kind->state(c, s);
	(void)state_load_end(s);
	free(data);
}

/* --- an episode --- */

static struct vmbus_channel *channel_of(struct device *dev)
{
	struct vmbus_channel *c = m.channels;

	if (dev->model != &hvsock_model)
		return fake_channel(dev);
	while (c && (c->withdrawn || strcmp(c->kind->name, "hvsock")))
		c = c->next;
	return c;
}

static void open_channel(struct vmbus_channel *c, const struct guest *g)
{
	if (fake_open(c) < 0 || once_in(4))
		return;
	for (unsigned int i = 0; i < g->handshake && c->open; i++)
		say(c, &g->phrases[i], 0);
	if (!g->phrases)
		answer(c, false);
}

static void act_on(struct vmbus_channel *c, const struct guest *g)
{
	static uint8_t dropped[MESSAGE_MAX];

	switch (below(12)) {
	case 0: fake_close(c); break;
	case 1: nonsense(c); break;
	case 2: c->full = !c->full && once_in(4); break;
	case 3: if (c->kind->writable && !c->full) c->kind->writable(c); break;
	case 4: load_changed(c); break;
	default:
		if (g->phrases)
			say(c, &g->phrases[below(g->count)], once_in(3) ? 0 : 1 + below(3));
		else
			answer(c, once_in(3));
	}
	while (g->phrases && !c->withdrawn && c->count && fake_take(c, dropped, sizeof(dropped)) >= 0)
		;
}

static void step(const struct guest *g)
{
	struct vmbus_channel *c = channel_of(machine_device(&m, g->model));

	if (once_in(6))
		host_acts();
	else if (once_in(10))
		fake_advance(&m, (uint64_t)below(20) * 1000000000ull);
	else if (c && !c->open)
		open_channel(c, g);
	else if (c)
		act_on(c, g);
	if (m.rows_count > 32)
		m.rows_count = 0;
	if (once_in(50))
		fake_pump();
}

static const struct guest *target(void)
{
	const struct guest *g = guests;

	while (strcmp(g->target, FUZZ_TARGET))
		g++;
	return g;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int service[2];

	input_begin(data, size);
	m.ram_low = 512ull << 20;
	m.ram_max = 2048ull << 20;
	m.now = 1;
	for (unsigned int i = 0; i < GUESTS; i++)
		fake_add(&m, guests[i].model);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, service) < 0 || hvsock_add_service(&m, 9000, service[0]) < 0)
		abort();
	while (input_left())
		step(target());
	fake_clear(&m);
	close(service[1]);
	return 0;
}
