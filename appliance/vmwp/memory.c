/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory: RAM in one memfd, and the slots devices add (ROM, frame buffers). RAM below RAM_LOW_MAX keeps its GPA as
 * its offset, the rest starts at 4 GiB and may grow there (hot add) until the machine starts anew; the VGA window
 * 0xa0000..0xbffff is never RAM. Slots outlive a partition: reset makes a new one and guest_memory_attach() maps everything
 * again. Pages come into being when somebody touches them, also again after their release.
 */
#include "vmwp/machine.h"
#include "vmwp/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096ull
#define LARGE_PAGE	0x200000ull
#define GROW_SLACK	(4ull << 30)	/* of addresses: guests want what is added aligned, and may lose some of it */
#define VGA_WINDOW	0xa0000ull
#define VGA_WINDOW_END	0xc0000ull

struct memory_slot {
	struct memory_slot *next;
	struct machine *machine;
	uint64_t gpa, size;
	void *host;
	bool writable;
	bool mapped;			/* in the present partition */
};

struct guest_memory_map {
	int fd;				/* a memfd: what backs `ram`, from its first byte on */
	uint8_t *ram;			/* low RAM, then high RAM */
	uint64_t low, high;
	uint64_t high_start, high_max;	/* as the firmware tells it; what there is room for */
	void *reservation;
	uint64_t reservation_size;
	struct memory_slot *slots;
};

/* Large pages of the partition need GPA and host address to agree modulo 2 MiB, so RAM is placed on such a boundary. */
static int ram_map(struct guest_memory_map *map, int fd, uint64_t bytes)
{
	uint64_t start;

	map->reservation_size = bytes + LARGE_PAGE;
	map->reservation = mmap(NULL, map->reservation_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map->reservation == MAP_FAILED)
		return -errno;
	start = ((uintptr_t)map->reservation + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
	map->ram = mmap((void *)start, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	if (map->ram == MAP_FAILED)
		return -errno;
	(void)madvise(map->ram, bytes, MADV_HUGEPAGE);		/* an optimisation; a kernel without it is fine */
	(void)madvise(map->ram, bytes, MADV_DONTFORK);
	(void)madvise(map->ram, bytes, MADV_DONTDUMP);
	return 0;
}

int guest_memory_create(struct machine *m, uint64_t bytes)
{
	struct guest_memory_map *map = calloc(1, sizeof(*map));
	uint64_t max = guest_ram_max(m);

	if (!map)
		return -ENOMEM;
	map->low = bytes < RAM_LOW_MAX ? bytes : RAM_LOW_MAX;
	map->high = map->high_start = map->high_max = bytes - map->low;
	if (max > bytes)
		map->high_max += max - bytes + GROW_SLACK;
	m->memory = map;
	map->fd = memfd_create("guest-ram", MFD_CLOEXEC);
	if (map->fd < 0 || ftruncate(map->fd, (off_t)(map->low + map->high_max)) < 0)
		return -errno;
	return ram_map(map, map->fd, map->low + map->high_max);
}

int guest_memory_backing(struct machine *m, uint8_t **ram, uint64_t *bytes)
{
	*ram = m->memory->ram;
	*bytes = m->memory->low + m->memory->high;
	return m->memory->fd;
}

/* How much there is; its content is saved_memory.c's. What was added to a running guest is added again. */
void guest_memory_state(struct machine *m, struct state *s)
{
	uint64_t low = m->memory->low, start = m->memory->high_start, high = m->memory->high;

	state_u64(s, &low);
	state_u64(s, &start);
	state_u64(s, &high);
	if (low != m->memory->low || start != m->memory->high_start)
		state_refuse(s);
	if (state_loading(s) && !state_error(s) && guest_memory_grow(m, high) < 0)
		state_refuse(s);
}

void guest_memory_destroy(struct machine *m)
{
	struct guest_memory_map *map = m->memory;

	if (!map)
		return;
	while (map->slots)
		memory_unmap(map->slots);
	if (map->reservation && map->reservation != MAP_FAILED)
		munmap(map->reservation, map->reservation_size);
	if (map->fd >= 0)
		close(map->fd);
	free(map);
	m->memory = NULL;
}

uint64_t guest_ram_low(const struct machine *m)
{
	return m->memory->low;
}

uint64_t guest_ram_high(const struct machine *m)
{
	return m->memory->high;
}

uint64_t guest_ram_max(const struct machine *m)
{
	return m->config.memory_maximum_bytes > m->config.memory_bytes ? m->config.memory_maximum_bytes : m->config.memory_bytes;
}

uint64_t guest_ram_space(const struct machine *m)
{
	return m->memory->low + m->memory->high_max;
}

int guest_memory_grow(struct machine *m, uint64_t high)
{
	struct guest_memory_map *map = m->memory;
	int r = 0;

	if (high <= map->high)
		return 0;
	if (high > map->high_max)
		return -ENOSPC;
	if (m->partition)
		r = hv_partition_map(m->partition, RAM_HIGH_BASE + map->high, high - map->high, map->ram + map->low + map->high, true);
	if (r == 0)
		map->high = high;
	return r;
}

/* The mshv driver takes the pages away from the partition when they leave our mapping. */
int guest_memory_release(struct machine *m, uint64_t gpa, uint64_t size)
{
	void *memory = guest_memory(m, gpa, size);

	if (!memory)
		return -EFAULT;
	return madvise(memory, size, MADV_REMOVE) < 0 ? -errno : 0;
}

/* What was added is not told by the firmware: a machine that starts anew does not have it. */
static void guest_memory_shrink(struct guest_memory_map *map)
{
	if (map->high > map->high_start)
		(void)madvise(map->ram + map->low + map->high_start, map->high - map->high_start, MADV_REMOVE);
	map->high = map->high_start;
}

/* Ranges of RAM as the partition gets them. Cut at 2 MiB so that what follows can use large pages from its first one. */
static int ram_attach(struct machine *m)
{
	struct guest_memory_map *map = m->memory;
	struct { uint64_t gpa, end, offset; } ranges[] = {
		{ 0, VGA_WINDOW, 0 },
		{ VGA_WINDOW_END, LARGE_PAGE, VGA_WINDOW_END },
		{ LARGE_PAGE, map->low, LARGE_PAGE },
		{ RAM_HIGH_BASE, RAM_HIGH_BASE + map->high, map->low },
	};
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (ranges[i].end > ranges[i].gpa)
			r = hv_partition_map(m->partition, ranges[i].gpa, ranges[i].end - ranges[i].gpa,
					     map->ram + ranges[i].offset, true);
	return r;
}

static int slot_attach(struct memory_slot *s)
{
	int r = hv_partition_map(s->machine->partition, s->gpa, s->size, s->host, s->writable);

	s->mapped = r == 0;
	return r;
}

int guest_memory_attach(struct machine *m)
{
	int r;

	guest_memory_shrink(m->memory);
	r = ram_attach(m);

	for (struct memory_slot *s = m->memory->slots; r == 0 && s; s = s->next)
		r = slot_attach(s);
	return r;
}

struct memory_slot *memory_map(struct machine *m, uint64_t gpa, uint64_t size, int fd, uint64_t offset, bool writable)
{
	struct memory_slot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct memory_slot){ .machine = m, .gpa = gpa, .size = size, .writable = writable };
	/* Writable here also for ROM: the mshv driver faults pages in for writing whatever the guest may do with them. */
	s->host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (s->host == MAP_FAILED)
		goto free_slot;
	if (m->partition && slot_attach(s) < 0)
		goto unmap_host;
	s->next = m->memory->slots;
	m->memory->slots = s;
	return s;
unmap_host:
	munmap(s->host, size);
free_slot:
	free(s);
	return NULL;
}

void memory_unmap(struct memory_slot *s)
{
	struct memory_slot **link;

	if (!s)
		return;
	for (link = &s->machine->memory->slots; *link != s; link = &(*link)->next)
		;
	*link = s->next;
	if (s->mapped && s->machine->partition)
		(void)hv_partition_unmap(s->machine->partition, s->gpa, s->size, s->host);
	munmap(s->host, s->size);
	free(s);
}

int memory_dirty_pages(struct memory_slot *s, uint64_t *bitmap, size_t bits)
{
	if (bits < s->size / PAGE)
		return -EINVAL;
	if (!s->mapped || !s->machine->partition)
		return -ENXIO;
	return hv_partition_take_dirty(s->machine->partition, s->gpa, s->size / PAGE, bitmap);
}

static bool range_within(uint64_t gpa, uint64_t size, uint64_t start, uint64_t end)
{
	return gpa >= start && gpa < end && size <= end - gpa;
}

void *guest_memory(struct machine *m, uint64_t gpa, uint64_t size)
{
	struct guest_memory_map *map = m->memory;

	if (range_within(gpa, size, 0, VGA_WINDOW) || range_within(gpa, size, VGA_WINDOW_END, map->low))
		return map->ram + gpa;
	if (range_within(gpa, size, RAM_HIGH_BASE, RAM_HIGH_BASE + map->high))
		return map->ram + map->low + (gpa - RAM_HIGH_BASE);
	return NULL;
}

/* ROM and frame buffers are read like RAM by the instruction emulator and by DMA, which may cross from one to the other. */
static void *slot_memory(struct machine *m, uint64_t gpa, uint64_t size, bool write)
{
	for (struct memory_slot *s = m->memory->slots; s; s = s->next)
		if (range_within(gpa, size, s->gpa, s->gpa + s->size) && (s->writable || !write))
			return (uint8_t *)s->host + (gpa - s->gpa);
	return NULL;
}

int guest_read(struct machine *m, uint64_t gpa, void *to, size_t size)
{
	void *from = guest_memory(m, gpa, size);

	if (!from)
		from = slot_memory(m, gpa, size, false);
	if (!from)
		return -EFAULT;
	memcpy(to, from, size);
	return 0;
}

int guest_write(struct machine *m, uint64_t gpa, const void *from, size_t size)
{
	void *to = guest_memory(m, gpa, size);

	if (!to)
		to = slot_memory(m, gpa, size, true);
	if (!to)
		return -EFAULT;
	memcpy(to, from, size);
	return 0;
}
