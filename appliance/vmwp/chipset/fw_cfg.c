/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fw_cfg (QEMU docs/specs/fw_cfg.rst): how the machine hands data to the firmware. Selector port 0x510, data port 0x511
 * and the DMA interface at 0x514. Items are added before the VM starts; few may be written, and only by DMA.
 */
#include "vmwp/chipset/board.h"
#include "vmwp/machine.h"
#include "vmwp/state.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT_SELECT	0x510
#define PORT_DATA	0x511
#define PORT_DMA	0x514
#define KEY_SIGNATURE	0x00
#define KEY_ID		0x01
#define KEY_DIRECTORY	0x19
#define KEY_FILES	0x20
#define ID_TRADITIONAL	1
#define ID_DMA		2
#define DMA_SIGNATURE	0x51454d5520434647ull	/* "QEMU CFG" */
#define DMA_ERROR	1
#define DMA_READ	2
#define DMA_SKIP	4
#define DMA_SELECT	8
#define DMA_WRITE	16
#define DMA_CHUNK	4096u

#define FILES_MAX	32
#define NAME_SIZE	56

struct fw_cfg_item {
	uint16_t key;
	uint32_t size;
	uint8_t *data;
	struct device *writer;		/* whom a write is told; NULL: read-only */
	void (*written)(struct device *dev, const void *data);
};

struct fw_cfg_file {		/* an entry of the directory, big-endian */
	uint32_t size;
	uint16_t key, reserved;
	char name[NAME_SIZE];
};

struct fw_cfg {
	struct fw_cfg_item items[FILES_MAX + 16];
	unsigned int count, files;
	struct { uint32_t count; struct fw_cfg_file files[FILES_MAX]; } directory;
	const struct fw_cfg_item *selected;
	uint32_t offset;
	uint32_t dma_high;
};

struct fw_cfg_dma { uint32_t control, length; uint64_t address; };	/* big-endian, in guest memory */

_Static_assert(sizeof(struct fw_cfg_file) == 64, "directory entry");
_Static_assert(sizeof(struct fw_cfg_dma) == 16, "DMA control block");

static void fw_cfg_select(struct fw_cfg *cfg, uint16_t key)
{
	cfg->selected = NULL;
	cfg->offset = 0;
	for (unsigned int i = 0; i < cfg->count; i++)
		if (cfg->items[i].key == key)
			cfg->selected = &cfg->items[i];
}

/* Bytes beyond an item's end read as zero. */
static void fw_cfg_take(struct fw_cfg *cfg, void *to, uint32_t size)
{
	uint32_t left = cfg->selected && cfg->offset < cfg->selected->size ? cfg->selected->size - cfg->offset : 0;
	uint32_t copied = size < left ? size : left;

	if (to) {
		if (copied)
			memcpy(to, cfg->selected->data + cfg->offset, copied);
		memset((uint8_t *)to + copied, 0, size - copied);
	}
	cfg->offset += copied;
}

static int fw_cfg_add(struct fw_cfg *cfg, uint16_t key, const void *data, size_t size)
{
	struct fw_cfg_item *item = &cfg->items[cfg->count];

	if (cfg->count == sizeof(cfg->items) / sizeof(cfg->items[0]) || size > UINT32_MAX)
		return -ENOSPC;
	item->data = malloc(size ? size : 1);
	if (!item->data)
		return -ENOMEM;
	memcpy(item->data, data, size);
	item->key = key;
	item->size = (uint32_t)size;
	cfg->count++;
	return 0;
}

/* The directory item is rewritten with every file: all of this happens before the VM runs. */
static int fw_cfg_publish_directory(struct fw_cfg *cfg)
{
	for (unsigned int i = 0; i < cfg->count; i++)
		if (cfg->items[i].key == KEY_DIRECTORY)
			memcpy(cfg->items[i].data, &cfg->directory, sizeof(cfg->directory));
	return 0;
}

int fw_cfg_add_file(struct machine *m, const char *name, const void *data, size_t size)
{
	struct fw_cfg *cfg = device_state(m->fw_cfg);
	struct fw_cfg_file *file = &cfg->directory.files[cfg->files];
	int r;

	if (cfg->files == FILES_MAX || strlen(name) >= NAME_SIZE)
		return -ENOSPC;
	r = fw_cfg_add(cfg, (uint16_t)(KEY_FILES + cfg->files), data, size);
	if (r < 0)
		return r;
	file->size = htobe32((uint32_t)size);
	file->key = htobe16((uint16_t)(KEY_FILES + cfg->files));
	memcpy(file->name, name, strlen(name) + 1);
	cfg->files++;
	cfg->directory.count = htobe32(cfg->files);
	return fw_cfg_publish_directory(cfg);
}

int fw_cfg_replace_file(struct machine *m, const char *name, const void *data, size_t size)
{
	struct fw_cfg *cfg = device_state(m->fw_cfg);
	uint8_t *copy;

	for (unsigned int i = 0; i < cfg->count; i++) {
		unsigned int file = cfg->items[i].key - KEY_FILES;

		if (cfg->items[i].key < KEY_FILES || strcmp(cfg->directory.files[file].name, name) != 0)
			continue;
		copy = malloc(size ? size : 1);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, data, size);
		free(cfg->items[i].data);
		cfg->items[i].data = copy;
		cfg->items[i].size = (uint32_t)size;
		cfg->directory.files[file].size = htobe32((uint32_t)size);
		return fw_cfg_publish_directory(cfg);
	}
	return fw_cfg_add_file(m, name, data, size);
}

int fw_cfg_add_writable(struct device *dev, const char *name, size_t size, void (*written)(struct device *dev, const void *data))
{
	struct fw_cfg *cfg = device_state(dev->machine->fw_cfg);
	uint8_t *zeros = calloc(1, size);
	int r = zeros ? fw_cfg_add_file(dev->machine, name, zeros, size) : -ENOMEM;

	free(zeros);
	if (r < 0)
		return r;
	cfg->items[cfg->count - 1].writer = dev;
	cfg->items[cfg->count - 1].written = written;
	return 0;
}

void fw_cfg_set_u16(struct machine *m, uint16_t key, uint16_t value)
{
	uint16_t little = htole16(value);

	(void)fw_cfg_add(device_state(m->fw_cfg), key, &little, sizeof(little));
}

/* --- DMA: one control block, carried out at once --- */

static uint32_t dma_read_item(struct machine *m, struct fw_cfg *cfg, uint64_t address, uint32_t length)
{
	uint8_t chunk[DMA_CHUNK];

	while (length) {
		uint32_t size = length < DMA_CHUNK ? length : DMA_CHUNK;

		if (!cfg->selected || cfg->offset >= cfg->selected->size)	/* the rest is zeros: still bounded by RAM */
			memset(chunk, 0, size);
		else
			fw_cfg_take(cfg, chunk, size);
		if (guest_write(m, address, chunk, size) < 0)
			return DMA_ERROR;
		address += size;
		length -= size;
	}
	return 0;
}

static uint32_t dma_write_item(struct machine *m, struct fw_cfg *cfg, uint64_t address, uint32_t length)
{
	const struct fw_cfg_item *item = cfg->selected;

	if (!item || !item->writer || cfg->offset > item->size || length > item->size - cfg->offset)
		return DMA_ERROR;
	if (guest_read(m, address, item->data + cfg->offset, length) < 0)
		return DMA_ERROR;
	cfg->offset += length;
	item->written(item->writer, item->data);
	return 0;
}

static uint32_t dma_perform(struct machine *m, struct fw_cfg *cfg, uint32_t control, uint64_t address, uint32_t length)
{
	if (control & DMA_SELECT)
		fw_cfg_select(cfg, (uint16_t)(control >> 16));
	if (control & DMA_READ)
		return dma_read_item(m, cfg, address, length);
	if (control & DMA_SKIP)
		fw_cfg_take(cfg, NULL, length);
	return control & DMA_WRITE ? dma_write_item(m, cfg, address, length) : 0;
}

static void fw_cfg_dma_start(struct device *dev, uint64_t gpa)
{
	struct fw_cfg *cfg = device_state(dev);
	struct fw_cfg_dma block;
	uint32_t result;

	if (guest_read(dev->machine, gpa, &block, sizeof(block)) < 0)
		return;
	result = htobe32(dma_perform(dev->machine, cfg, be32toh(block.control), be64toh(block.address), be32toh(block.length)));
	(void)guest_write(dev->machine, gpa, &result, sizeof(result));
}

static uint32_t fw_cfg_dma_read(struct device *dev, uint16_t port, unsigned int size)
{
	unsigned int byte = port - PORT_DMA;
	uint32_t value = 0;

	(void)dev;
	for (unsigned int i = 0; i < size && byte + i < 8; i++)		/* big-endian register of 8 bytes */
		value |= (uint32_t)(DMA_SIGNATURE >> (8 * (7 - byte - i)) & 0xff) << (8 * i);
	return value;
}

static void fw_cfg_dma_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct fw_cfg *cfg = device_state(dev);
	uint64_t gpa;

	if (size != 4)
		return;
	if (port == PORT_DMA) {
		cfg->dma_high = be32toh(value);
	} else if (port == PORT_DMA + 4) {
		gpa = (uint64_t)cfg->dma_high << 32 | be32toh(value);
		cfg->dma_high = 0;
		fw_cfg_dma_start(dev, gpa);
	}
}

/* --- the port interface --- */

static uint32_t fw_cfg_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	uint8_t byte = 0;

	if (port != PORT_DATA || size != 1)
		return port_float(size);
	fw_cfg_take(device_state(dev), &byte, 1);
	return byte;
}

static uint32_t fw_cfg_read_block(struct device *dev, uint16_t port, unsigned int size, void *to, uint32_t count)
{
	if (port != PORT_DATA || size != 1)
		return 0;
	fw_cfg_take(device_state(dev), to, count);
	return count;
}

static void fw_cfg_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	if (port == PORT_SELECT && size == 2)
		fw_cfg_select(device_state(dev), (uint16_t)value);
}

static int fw_cfg_init(struct device *dev)
{
	struct fw_cfg *cfg = device_state(dev);
	uint32_t id = htole32(ID_TRADITIONAL | ID_DMA);
	int r;

	dev->machine->fw_cfg = dev;
	r = fw_cfg_add(cfg, KEY_SIGNATURE, "QEMU", 4);
	if (r == 0)
		r = fw_cfg_add(cfg, KEY_ID, &id, sizeof(id));
	if (r == 0)
		r = fw_cfg_add(cfg, KEY_DIRECTORY, &cfg->directory, sizeof(cfg->directory));
	return r;
}

static void fw_cfg_reset(struct device *dev)
{
	struct fw_cfg *cfg = device_state(dev);

	cfg->selected = NULL;
	cfg->offset = cfg->dma_high = 0;
}

/* The items are this VM's configuration, made again before a restore; the guest's place in them is the state. */
static void fw_cfg_state(struct device *dev, struct state *s)
{
	struct fw_cfg *cfg = device_state(dev);
	bool selected = cfg->selected != NULL;
	uint16_t key = selected ? cfg->selected->key : 0;
	uint32_t offset = cfg->offset;

	state_bool(s, &selected);
	state_u16(s, &key);
	state_u32(s, &offset);
	state_u32(s, &cfg->dma_high);
	if (!state_loading(s))
		return;
	if (selected)
		fw_cfg_select(cfg, key);
	cfg->offset = offset;
}

static void fw_cfg_fini(struct device *dev)
{
	struct fw_cfg *cfg = device_state(dev);

	for (unsigned int i = 0; i < cfg->count; i++)
		free(cfg->items[i].data);
}

const struct device_model fw_cfg_model = {
	.name = "fw_cfg", .state_size = sizeof(struct fw_cfg), .state_version = 1,
	.ports = {
		{ PORT_SELECT, 2, fw_cfg_port_read, fw_cfg_port_write, fw_cfg_read_block, NULL },
		{ PORT_DMA, 8, fw_cfg_dma_read, fw_cfg_dma_write, NULL, NULL },
	},
	.init = fw_cfg_init, .reset = fw_cfg_reset, .fini = fw_cfg_fini, .state = fw_cfg_state,
};
