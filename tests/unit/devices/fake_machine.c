/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_machine.h. */
#include "fake_machine.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WATCHES 16
static struct watch { struct device *dev; int fd; uint32_t events; void (*ready)(struct device *, int, uint32_t); } watches[WATCHES];
struct device_timer { struct device *dev; void (*fire)(struct device *); uint64_t deadline; };
static struct device_timer timers[4];
static struct port_claimed { struct device *dev; struct port_range range; } claimed[4];

/* --- the contract --- */

struct device *machine_device(struct machine *m, const struct device_model *model)
{
	for (size_t i = 0; i < m->devices; i++)
		if (m->device[i].model == model)
			return &m->device[i];
	return NULL;
}

void irq_set(struct machine *m, unsigned int line, bool level)
{
	m->irq[line].raised += level && !m->irq[line].level;
	m->irq[line].level = level;
}

struct device_timer *device_timer_new(struct device *dev, void (*fire)(struct device *))
{
	for (size_t i = 0; i < 4; i++)
		if (!timers[i].dev) {
			timers[i] = (struct device_timer) { dev, fire, 0 };
			return &timers[i];
		}
	return NULL;
}

void device_timer_arm(struct device_timer *t, uint64_t deadline_ns) { t->deadline = deadline_ns; }
void device_timer_free(struct device_timer *t) { memset(t, 0, sizeof(*t)); }
uint64_t machine_now_ns(struct machine *m) { return m->now; }

int device_watch_fd(struct device *dev, int fd, uint32_t events, void (*ready)(struct device *, int, uint32_t))
{
	for (size_t i = 0; i < WATCHES; i++)
		if (!watches[i].dev) {
			watches[i] = (struct watch) { dev, fd, events, ready };
			return 0;
		}
	return -ENOMEM;
}

void device_unwatch_fd(struct device *dev, int fd)
{
	for (size_t i = 0; i < WATCHES; i++)
		if (watches[i].dev == dev && watches[i].fd == fd)
			memset(&watches[i], 0, sizeof(watches[i]));
}

int port_claim(struct device *dev, const struct port_range *range)
{
	for (size_t i = 0; i < 4; i++)
		if (!claimed[i].dev) {
			claimed[i] = (struct port_claimed) { dev, *range };
			return 0;
		}
	return -ENOSPC;
}

void port_unclaim(struct device *dev, uint16_t base)
{
	for (size_t i = 0; i < 4; i++)
		if (claimed[i].dev == dev && claimed[i].range.base == base)
			memset(&claimed[i], 0, sizeof(claimed[i]));
}

void *guest_memory(struct machine *m, uint64_t gpa, uint64_t size)
{
	return gpa < FAKE_RAM && size <= FAKE_RAM - gpa ? m->ram + gpa : NULL;
}

int guest_read(struct machine *m, uint64_t gpa, void *to, size_t size)
{
	void *from = guest_memory(m, gpa, size);

	if (from)
		memcpy(to, from, size);
	return from ? 0 : -EFAULT;
}

void machine_request_reset(struct machine *m) { m->reset_requested = true; }

void machine_request_pause(struct machine *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(m->pause_reason, sizeof(m->pause_reason), format, args);
	va_end(args);
	m->pauses_requested++;
}

struct pci_function *pci_register(struct device *dev, const struct pci_function_model *model)
{
	dev->machine->pci = *model;
	return (struct pci_function *)dev;
}

struct memory_slot *memory_map(struct machine *m, uint64_t gpa, uint64_t size, int fd, uint64_t offset, bool writable)
{
	(void)writable;
	for (size_t i = 0; i < FAKE_SLOTS; i++)
		if (!m->slot[i].used) {
			m->slot[i] = (struct memory_slot) { gpa, size, offset, fd, true };
			m->maps++;
			return &m->slot[i];
		}
	return NULL;
}

void memory_unmap(struct memory_slot *s)
{
	if (s)
		s->used = false;
}

static struct machine *the_machine;

int memory_dirty_pages(struct memory_slot *s, uint64_t *bitmap, size_t bits)
{
	uint64_t *from = &the_machine->dirty[s->offset / 4096 / 64];

	if (the_machine->dirty_unknown)
		return -ENOTSUP;
	memcpy(bitmap, from, (bits + 63) / 64 * 8);
	memset(from, 0, (bits + 63) / 64 * 8);
	return 0;
}

/* --- what tests call --- */

struct device *fake_add(struct machine *m, const struct device_model *model)
{
	struct device *dev = &m->device[m->devices++];

	the_machine = m;
	*dev = (struct device) { model, m, calloc(1, model->state_size) };
	if (model->init && model->init(dev) < 0)
		abort();
	if (model->reset)
		model->reset(dev);
	return dev;
}

void fake_clear(struct machine *m)
{
	for (size_t i = m->devices; i-- > 0;) {		/* backwards, as the machine does */
		if (m->device[i].model->fini)
			m->device[i].model->fini(&m->device[i]);
		free(m->device[i].state);
	}
	m->devices = 0;
	memset(watches, 0, sizeof(watches));
	memset(claimed, 0, sizeof(claimed));
}

bool fake_pump(struct machine *m, int timeout_ms)
{
	struct pollfd p[WATCHES];
	struct watch copy[WATCHES];
	bool any = false;

	(void)m;
	memcpy(copy, watches, sizeof(copy));
	for (size_t i = 0; i < WATCHES; i++)
		p[i] = (struct pollfd) { .fd = copy[i].dev ? copy[i].fd : -1, .events = (short)copy[i].events };
	poll(p, WATCHES, timeout_ms);
	for (size_t i = 0; i < WATCHES; i++)
		if (copy[i].dev && p[i].revents) {
			copy[i].ready(copy[i].dev, copy[i].fd, (uint32_t)p[i].revents);
			any = true;
		}
	return any;
}

void fake_advance(struct machine *m, uint64_t ns)
{
	m->now += ns;
	for (size_t i = 0; i < 4; i++)
		if (timers[i].dev && timers[i].deadline && timers[i].deadline <= m->now) {
			timers[i].deadline = 0;
			timers[i].fire(timers[i].dev);
		}
}

static const struct port_range *port_find(struct machine *m, uint16_t port, struct device **dev)
{
	for (size_t i = 0; i < 4; i++)
		if (claimed[i].dev && port >= claimed[i].range.base && port < claimed[i].range.base + claimed[i].range.count) {
			*dev = claimed[i].dev;
			return &claimed[i].range;
		}
	for (size_t i = 0; i < m->devices; i++)
		for (size_t r = 0; r < DEVICE_RANGES_MAX; r++) {
			const struct port_range *range = &m->device[i].model->ports[r];

			*dev = &m->device[i];
			if (range->count && port >= range->base && port < range->base + range->count)
				return range;
		}
	abort();
}

uint32_t fake_in(struct machine *m, uint16_t port, unsigned int size)
{
	struct device *dev;
	const struct port_range *range = port_find(m, port, &dev);

	return range->read(dev, port, size);
}

void fake_out(struct machine *m, uint16_t port, unsigned int size, uint32_t value)
{
	struct device *dev;
	const struct port_range *range = port_find(m, port, &dev);

	range->write(dev, port, size, value);
}

uint32_t fake_ins(struct machine *m, uint16_t port, unsigned int size, void *to, uint32_t count)
{
	struct device *dev;
	const struct port_range *range = port_find(m, port, &dev);
	uint32_t n = range->read_block ? range->read_block(dev, port, size, to, count) : 0;

	for (uint32_t i = n; i < count; i++) {
		uint32_t value = range->read(dev, port, size);

		memcpy((char *)to + i * size, &value, size);
	}
	return n;
}

void fake_outs(struct machine *m, uint16_t port, unsigned int size, const void *from, uint32_t count)
{
	struct device *dev;
	const struct port_range *range = port_find(m, port, &dev);
	uint32_t n = range->write_block ? range->write_block(dev, port, size, from, count) : 0;

	for (uint32_t i = n; i < count; i++) {
		uint32_t value = 0;

		memcpy(&value, (const char *)from + i * size, size);
		range->write(dev, port, size, value);
	}
}

static struct memory_slot *slot_find(struct machine *m, uint64_t gpa, unsigned int size)
{
	for (size_t i = 0; i < FAKE_SLOTS; i++) {
		struct memory_slot *s = &m->slot[i];

		if (s->used && gpa >= s->gpa && gpa + size <= s->gpa + s->size)
			return s;
	}
	return NULL;
}

static const struct mmio_range *mmio_find(struct machine *m, uint64_t gpa, struct device **dev)
{
	for (size_t i = 0; i < m->devices; i++)
		for (size_t r = 0; r < DEVICE_RANGES_MAX; r++) {
			const struct mmio_range *range = &m->device[i].model->mmio[r];

			*dev = &m->device[i];
			if (range->size && gpa >= range->base && gpa < range->base + range->size)
				return range;
		}
	abort();
}

bool fake_mmio_write(struct machine *m, uint64_t gpa, unsigned int size, uint64_t value)
{
	struct memory_slot *s = slot_find(m, gpa, size);
	const struct mmio_range *range;
	struct device *dev;

	if (s) {
		if (pwrite(s->fd, &value, size, (off_t)(gpa - s->gpa + s->offset)) != (ssize_t)size)
			abort();
		return false;
	}
	range = mmio_find(m, gpa, &dev);
	range->write(dev, gpa - range->base, size, value);
	return true;
}

uint64_t fake_mmio_read(struct machine *m, uint64_t gpa, unsigned int size)
{
	struct memory_slot *s = slot_find(m, gpa, size);
	const struct mmio_range *range;
	struct device *dev;
	uint64_t value = 0;

	if (s) {
		if (pread(s->fd, &value, size, (off_t)(gpa - s->gpa + s->offset)) != (ssize_t)size)
			abort();
		return value;
	}
	range = mmio_find(m, gpa, &dev);
	return range->read(dev, gpa - range->base, size);
}
