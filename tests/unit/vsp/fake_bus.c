/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_bus.h. */
#include "fake_bus.h"

#include "vmwp/chipset/vga.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define TIMERS	16
struct device_timer { struct device *dev; void (*fire)(struct device *); uint64_t deadline; bool used; };
static struct device_timer timers[TIMERS];
static struct watch { struct device *dev; int fd; uint32_t events; void (*ready)(struct device *, int, uint32_t); } watches[64];

/* --- machine --- */

struct device *machine_device(struct machine *m, const struct device_model *model)
{
	for (unsigned int i = 0; i < m->devices; i++)
		if (m->device[i].model == model)
			return &m->device[i];
	return NULL;
}

uint64_t machine_now_ns(struct machine *m) { return m->now; }

struct device_timer *device_timer_new(struct device *dev, void (*fire)(struct device *))
{
	for (unsigned int i = 0; i < TIMERS; i++)
		if (!timers[i].used) {
			timers[i] = (struct device_timer){ dev, fire, 0, true };
			return &timers[i];
		}
	return NULL;
}

void device_timer_arm(struct device_timer *t, uint64_t deadline_ns) { t->deadline = deadline_ns; }
void device_timer_free(struct device_timer *t) { if (t) *t = (struct device_timer){ 0 }; }

/* One deadline after the other, each at its time. */
void fake_advance(struct machine *m, uint64_t ns)
{
	uint64_t end = m->now + ns;

	for (;;) {
		struct device_timer *first = NULL;

		for (unsigned int i = 0; i < TIMERS; i++)
			if (timers[i].used && timers[i].deadline && timers[i].deadline <= end &&
			    (!first || timers[i].deadline < first->deadline))
				first = &timers[i];
		if (!first)
			break;
		if (first->deadline > m->now)
			m->now = first->deadline;
		first->deadline = 0;
		first->fire(first->dev);
	}
	m->now = end;
}

int device_watch_fd(struct device *dev, int fd, uint32_t events, void (*ready)(struct device *, int, uint32_t))
{
	device_unwatch_fd(dev, fd);
	for (unsigned int i = 0; i < 64; i++)
		if (!watches[i].dev) {
			watches[i] = (struct watch){ dev, fd, events, ready };
			return 0;
		}
	return -ENOMEM;
}

void device_unwatch_fd(struct device *dev, int fd)
{
	(void)dev;
	for (unsigned int i = 0; i < 64; i++)
		if (watches[i].dev && watches[i].fd == fd)
			watches[i] = (struct watch){ 0 };
}

void fake_pump(void)
{
	for (unsigned int rounds = 0, any = 1; any && rounds < 1000; rounds++) {
		any = 0;
		for (unsigned int i = 0; i < 64; i++) {
			struct pollfd p = { .fd = watches[i].dev ? watches[i].fd : -1, .events = (short)watches[i].events };

			if (poll(&p, 1, 0) > 0 && watches[i].dev) {
				watches[i].ready(watches[i].dev, p.fd, (uint32_t)p.revents);
				any = 1;
			}
		}
	}
}

void *guest_memory(struct machine *m, uint64_t gpa, uint64_t size)
{
	static uint8_t ram[4096];

	if (gpa < m->ram_low && size <= m->ram_low - gpa)
		return ram;
	return gpa >= 0x100000000ull && size <= m->ram_high && gpa - 0x100000000ull <= m->ram_high - size ? ram : NULL;
}

uint64_t guest_ram_low(const struct machine *m) { return m->ram_low; }
uint64_t guest_ram_high(const struct machine *m) { return m->ram_high; }
uint64_t guest_ram_max(const struct machine *m) { return m->ram_max; }
uint64_t guest_ram_space(const struct machine *m) { return m->ram_low + (m->ram_max ? m->ram_max : m->ram_high); }

int guest_memory_grow(struct machine *m, uint64_t high)
{
	if (high > guest_ram_space(m) - m->ram_low)
		return -ENOSPC;
	if (high > m->ram_high)
		m->ram_high = high;
	return 0;
}

int guest_memory_release(struct machine *m, uint64_t gpa, uint64_t size)
{
	if (!guest_memory(m, gpa, size))
		return -EFAULT;
	m->released += size;
	return 0;
}

struct memory_slot *memory_map(struct machine *m, uint64_t gpa, uint64_t size, int fd, uint64_t offset, bool writable)
{
	(void)fd;
	(void)offset;
	(void)writable;
	for (unsigned int i = 0; i < 4; i++)
		if (!m->slot[i].mapped) {
			m->slot[i] = (struct memory_slot){ gpa, size, true };
			return &m->slot[i];
		}
	return NULL;
}

void memory_unmap(struct memory_slot *s)
{
	if (s)
		s->mapped = false;
}

bool vga_cover(struct machine *m, uint64_t gpa, uint64_t size)
{
	(void)size;
	m->vga_covered = m->vga_gpa && gpa == m->vga_gpa;
	return m->vga_covered;
}

void vga_uncover(struct machine *m)
{
	m->vga_covered = false;
}

struct vmbus *vsp_bus(struct machine *m) { return (struct vmbus *)m; }

int vsp_reference_time(struct machine *m, uint64_t *hundred_ns)
{
	*hundred_ns = m->reference_time;
	return 0;
}

/* --- display --- */

int display_source_add(struct machine *m, struct display_source *s)
{
	m->source = s;
	s->mode_fd = -1;
	s->display = (struct display *)m;
	return 0;
}

void display_source_remove(struct display_source *s) { s->display = NULL; }
void display_source_set_active(struct display_source *s, bool active) { s->active = active; }

void display_set_mode(struct display_source *s, int fd, const struct display_mode *mode)
{
	s->mode = *mode;
	s->mode_fd = fd;
}

void display_set_cursor(struct display_source *s, int fd, const struct display_cursor *cursor)
{
	s->cursor = *cursor;
	s->cursor_fd = fd;
}

void display_rows_changed(struct display_source *s, uint32_t first, uint32_t count)
{
	struct machine *m = (struct machine *)s->display;

	if (m->rows_count < 64) {
		m->rows[m->rows_count].first = first;
		m->rows[m->rows_count++].count = count;
	}
}

void display_set_input(struct machine *m, enum display_input kind, const struct display_input_ops *ops, void *context)
{
	m->input[kind] = ops;
	m->input_context[kind] = context;
}

/* --- bus --- */

int vmbus_offer(struct vmbus *bus, const struct vmbus_device *device, const struct vmbus_offer *offer, struct vmbus_channel **out)
{
	struct machine *m = (struct machine *)bus;
	struct vmbus_channel *c = calloc(1, sizeof(*c));

	*c = (struct vmbus_channel){ .kind = device, .offer = *offer, .machine = m, .next = m->channels };
	m->channels = c;
	*out = c;
	return 0;
}

void vmbus_withdraw(struct vmbus_channel *c, void (*gone)(void *context))
{
	c->withdrawn = true;
	fake_close(c);
	if (gone)
		gone(c->offer.context);
}

void *vmbus_channel_context(const struct vmbus_channel *c) { return c->offer.context; }
void vmbus_channel_set_data(struct vmbus_channel *c, void *data) { c->data = data; }
void *vmbus_channel_data(const struct vmbus_channel *c) { return c->data; }
bool vmbus_channel_is_open(const struct vmbus_channel *c) { return c->open; }
struct machine *vmbus_channel_machine(const struct vmbus_channel *c) { return c->machine; }

void vmbus_channel_resume(struct vmbus_channel *c) { c->resumed = true; }

void vmbus_on_connect(struct vmbus *bus, void (*request)(struct vmbus *bus, const struct vmbus_connect *connect, void *context), void *context)
{
	struct machine *m = (struct machine *)bus;

	m->on_connect = request;
	m->connect_context = context;
}

void vmbus_connect_failed(struct vmbus *bus, const struct vmbus_connect *connect)
{
	(void)connect;
	((struct machine *)bus)->connects_failed++;
}

void vmbus_channel_fault(struct vmbus_channel *c, const char *why)
{
	c->fault = why;
	c->faulted = true;
	fake_close(c);
}

static int queue_put(struct vmbus_channel *c, uint64_t id, bool completion, const struct iovec *iov, unsigned int count)
{
	struct fake_sent *s = &c->queue[(c->head + c->count) % FAKE_QUEUE];
	size_t size = 0, at = 0;

	if (!c->open)
		return -ENOTCONN;
	if (c->full || c->count == FAKE_QUEUE)
		return -EAGAIN;
	for (unsigned int i = 0; i < count; i++)
		size += iov[i].iov_len;
	*s = (struct fake_sent){ size, completion, id, malloc(size + 1) };
	for (unsigned int i = 0; i < count; at += iov[i++].iov_len)
		if (iov[i].iov_len)
			memcpy(s->bytes + at, iov[i].iov_base, iov[i].iov_len);
	c->count++;
	return 0;
}

int vmbus_send(struct vmbus_channel *c, uint64_t transaction_id, bool wants_completion, const struct iovec *iov, unsigned int iov_count)
{
	(void)wants_completion;
	return queue_put(c, transaction_id, false, iov, iov_count);
}

int vmbus_complete(struct vmbus_channel *c, uint64_t transaction_id, const void *data, size_t size)
{
	struct iovec iov = { (void *)(uintptr_t)data, size };

	return queue_put(c, transaction_id, true, &iov, 1);
}

int vmbus_pipe_send(struct vmbus_channel *c, const void *message, size_t size)
{
	uint32_t head[2] = { 1, (uint32_t)size };
	struct iovec iov[] = { { head, 8 }, { (void *)(uintptr_t)message, size } };

	return queue_put(c, 0, false, iov, 2);
}

int vmbus_pipe_message(const struct vmbus_packet *p, const uint8_t **message)
{
	uint32_t head[2];

	if (p->size < 8)
		return -EBADMSG;
	memcpy(head, p->payload, 8);
	if (head[0] != 1 || head[1] > p->size - 8)
		return -EBADMSG;
	*message = p->payload + 8;
	return (int)head[1];
}

/* --- what tests call --- */

struct device *fake_add(struct machine *m, const struct device_model *model)
{
	struct device *dev = &m->device[m->devices++];

	*dev = (struct device){ model, m, calloc(1, model->state_size) };
	if (model->init && model->init(dev) < 0)
		abort();
	return dev;
}

static void queue_drop(struct vmbus_channel *c)
{
	while (c->count) {
		free(c->queue[c->head].bytes);
		c->head = (c->head + 1) % FAKE_QUEUE;
		c->count--;
	}
}

void fake_clear(struct machine *m)
{
	while (m->channels) {
		struct vmbus_channel *c = m->channels;

		fake_close(c);
		m->channels = c->next;
		free(c);
	}
	for (unsigned int i = 0; i < m->devices; i++) {
		if (m->device[i].model->fini)
			m->device[i].model->fini(&m->device[i]);
		free(m->device[i].state);
	}
	memset(m, 0, sizeof(*m));
}

struct vmbus_channel *fake_channel(struct device *dev)
{
	for (struct vmbus_channel *c = dev->machine->channels; c; c = c->next)
		if (!c->withdrawn && c->offer.context == dev)
			return c;
	return NULL;
}

int fake_open(struct vmbus_channel *c)
{
	static const uint8_t user[120];
	int r;

	c->open = true;
	c->faulted = false;
	r = c->kind->opened ? c->kind->opened(c, user) : 0;
	if (r < 0)
		c->open = false;
	return r;
}

void fake_close(struct vmbus_channel *c)
{
	if (c->open) {
		c->open = false;
		c->kind->closed(c);
		c->data = NULL;
	}
	queue_drop(c);
}

bool fake_send(struct vmbus_channel *c, const void *payload, size_t size)
{
	size_t padded = (size + 7) & ~(size_t)7;
	uint8_t *copy = calloc(1, padded ? padded : 1);	/* of its own, so that a sanitizer sees who reads too far */
	struct vmbus_packet p = { .type = VMBUS_PACKET_INBAND, .payload = copy, .size = padded };
	bool taken = false;

	if (size)
		memcpy(copy, payload, size);
	if (c->open && padded <= (c->kind->packet_max ? c->kind->packet_max : 16384 + 64))
		taken = c->kind->received(c, &p);
	free(copy);
	return taken;
}

bool fake_pipe_send(struct vmbus_channel *c, const void *message, size_t size)
{
	uint8_t *packet = malloc(8 + size);
	uint32_t head[2] = { 1, (uint32_t)size };
	bool taken;

	memcpy(packet, head, 8);
	memcpy(packet + 8, message, size);
	taken = fake_send(c, packet, 8 + size);
	free(packet);
	return taken;
}

int fake_take(struct vmbus_channel *c, void *to, size_t max)
{
	struct fake_sent s;

	if (!c->count)
		return -1;
	s = c->queue[c->head];
	c->head = (c->head + 1) % FAKE_QUEUE;
	c->count--;
	memcpy(to, s.bytes, s.size < max ? s.size : max);
	free(s.bytes);
	return (int)s.size;
}

int fake_pipe_take(struct vmbus_channel *c, void *to, size_t max)
{
	uint8_t packet[16384];
	int size = fake_take(c, packet, sizeof(packet));

	if (size < 8)
		return -1;
	memcpy(to, packet + 8, (size_t)size - 8 < max ? (size_t)size - 8 : max);
	return size - 8;
}
