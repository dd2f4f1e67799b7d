/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers a port or an MMIO address. Ports are an index per port number, so a port exit costs one look-up; MMIO ranges
 * are a short list. What nobody claims reads as all ones, and writes to it vanish, as on a real bus.
 */
#include "vmwp/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT_CLAIMS_MAX	96
#define MMIO_CLAIMS_MAX	32
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct io_map {
	struct port_claim ports[PORT_CLAIMS_MAX];	/* row 0 stays empty: nobody */
	struct mmio_claim mmio[MMIO_CLAIMS_MAX];
	uint8_t owner[0x10000];				/* port → row of `ports` */
};

int io_map_create(struct io_map **out)
{
	struct io_map *io = calloc(1, sizeof(*io));

	if (!io)
		return -ENOMEM;
	*out = io;
	return 0;
}

void io_map_destroy(struct io_map *io)
{
	free(io);
}

/* A later row wins while it is there, so an unclaimed BAR gives its ports back to whoever had them. */
static void io_map_index_ports(struct io_map *io)
{
	memset(io->owner, 0, sizeof(io->owner));
	for (unsigned int row = 1; row < PORT_CLAIMS_MAX; row++)
		for (uint32_t i = 0; io->ports[row].dev && i < io->ports[row].range.count; i++)
			io->owner[(uint16_t)(io->ports[row].range.base + i)] = (uint8_t)row;
}

int port_claim(struct device *dev, const struct port_range *range)
{
	struct io_map *io = dev->machine->io;

	for (unsigned int row = 1; row < PORT_CLAIMS_MAX; row++) {
		if (io->ports[row].dev)
			continue;
		io->ports[row] = (struct port_claim){ dev, *range };
		io_map_index_ports(io);
		return 0;
	}
	return -ENOSPC;
}

void port_unclaim(struct device *dev, uint16_t base)
{
	struct io_map *io = dev->machine->io;

	for (unsigned int row = 1; row < PORT_CLAIMS_MAX; row++)
		if (io->ports[row].dev == dev && io->ports[row].range.base == base)
			memset(&io->ports[row], 0, sizeof(io->ports[row]));
	io_map_index_ports(io);
}

int mmio_claim(struct device *dev, const struct mmio_range *range)
{
	struct io_map *io = dev->machine->io;

	for (unsigned int row = 0; row < MMIO_CLAIMS_MAX; row++) {
		if (io->mmio[row].dev)
			continue;
		io->mmio[row] = (struct mmio_claim){ dev, *range };
		return 0;
	}
	return -ENOSPC;
}

void mmio_unclaim(struct device *dev, uint64_t base)
{
	struct io_map *io = dev->machine->io;

	for (unsigned int row = 0; row < MMIO_CLAIMS_MAX; row++)
		if (io->mmio[row].dev == dev && io->mmio[row].range.base == base)
			memset(&io->mmio[row], 0, sizeof(io->mmio[row]));
}

int io_map_add_device(struct machine *m, struct device *dev)
{
	const struct device_model *model = dev->model;
	int r = 0;

	(void)m;
	for (unsigned int i = 0; r == 0 && i < DEVICE_RANGES_MAX; i++)
		if (model->ports[i].count)
			r = port_claim(dev, &model->ports[i]);
	for (unsigned int i = 0; r == 0 && i < DEVICE_RANGES_MAX; i++)
		if (model->mmio[i].size)
			r = mmio_claim(dev, &model->mmio[i]);
	return r;
}

const struct port_claim *io_map_port(const struct machine *m, uint16_t port)
{
	unsigned int row = m->io->owner[port];

	return row ? &m->io->ports[row] : NULL;
}

const struct mmio_claim *io_map_mmio(const struct machine *m, uint64_t gpa)
{
	for (unsigned int row = MMIO_CLAIMS_MAX; row-- > 0;) {
		const struct mmio_claim *c = &m->io->mmio[row];

		if (c->dev && gpa >= c->range.base && gpa - c->range.base < c->range.size)
			return c;
	}
	return NULL;
}

uint32_t machine_port_read(struct machine *m, uint16_t port, unsigned int size)
{
	const struct port_claim *c = io_map_port(m, port);

	return c && c->range.read ? c->range.read(c->dev, port, size) & port_float(size) : port_float(size);
}

void machine_port_write(struct machine *m, uint16_t port, unsigned int size, uint32_t value)
{
	const struct port_claim *c = io_map_port(m, port);

	if (c && c->range.write)
		c->range.write(c->dev, port, size, value & port_float(size));
}

static bool mmio_fits(const struct mmio_claim *c, uint64_t gpa, unsigned int size)
{
	return gpa - c->range.base <= c->range.size - size;
}

uint64_t machine_mmio_read(struct machine *m, uint64_t gpa, unsigned int size)
{
	const struct mmio_claim *c = io_map_mmio(m, gpa);

	if (!c || !c->range.read || c->range.size < size || !mmio_fits(c, gpa, size))
		return ~0ull;
	return c->range.read(c->dev, gpa - c->range.base, size);
}

void machine_mmio_write(struct machine *m, uint64_t gpa, unsigned int size, uint64_t value)
{
	const struct mmio_claim *c = io_map_mmio(m, gpa);

	if (c && c->range.write && c->range.size >= size && mmio_fits(c, gpa, size))
		c->range.write(c->dev, gpa - c->range.base, size, value);
}
