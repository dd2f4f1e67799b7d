/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UEFI firmware's flash below 4 GiB: its code as ROM, and under it the variables as a part with the Intel command set
 * (Intel 297848, CFI 0001h) that is written byte by byte and erased in blocks of 4 KiB. While the part shows its array the
 * guest reads it as memory; only commands come here. What a guest wrote is in the VM's own file, in the order in which it
 * was written, before the guest sees the part's array or status again, so that a worker may die at any time.
 */
#include "vmwp/chipset/board.h"
#include "vmwp/machine.h"
#include "vmwp/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOUR_GIB	0x100000000ull
#define CODE_MAX	(8u << 20)
#define VARS_MAX	(4u << 20)
#define BLOCK		4096u

enum flash_command {
	FLASH_PROGRAM = 0x10, FLASH_ERASE = 0x20, FLASH_PROGRAM_ALTERNATE = 0x40, FLASH_CLEAR_STATUS = 0x50, FLASH_READ_STATUS = 0x70,
	FLASH_ERASE_CONFIRM = 0xd0, FLASH_READ_ARRAY = 0xff,
};
enum flash_status { STATUS_READY = 0x80, STATUS_ERASE_ERROR = 0x20, STATUS_PROGRAM_ERROR = 0x10 };

struct flash {
	uint64_t base;			/* of the variables */
	uint32_t size;
	int fd, memory_fd;		/* the VM's file, and what the guest reads */
	uint8_t *bytes;			/* memory_fd */
	struct memory_slot *slot;	/* while the array is shown */
	uint8_t command;		/* what the next write completes, or what reads show; FLASH_READ_ARRAY at rest */
	uint8_t status;
	uint32_t dirty, dirty_end;	/* programmed and not yet in the file */
	bool unsynced;			/* in the file and not yet on the disk */
};

/* --- the file --- */

static int file_write(struct flash *f, uint32_t from, uint32_t end)
{
	f->unsynced = true;
	while (from < end) {
		ssize_t n = pwrite(f->fd, f->bytes + from, end - from, from);

		if (n <= 0)
			return n < 0 && errno == EINTR ? file_write(f, from, end) : -EIO;
		from += (uint32_t)n;
	}
	return 0;
}

/* Programming is collected: a variable is some hundred bytes. It is written before anything else happens to the part. */
static void flash_settle(struct flash *f)
{
	if (f->dirty < f->dirty_end && file_write(f, f->dirty, f->dirty_end) < 0)
		f->status |= STATUS_PROGRAM_ERROR;
	f->dirty = f->dirty_end = 0;
}

/* A variable is acknowledged once its flash shows the array again. This blocks the VP that asked, as a flash part does. */
static void flash_sync(struct flash *f)
{
	flash_settle(f);
	if (f->unsynced && fdatasync(f->fd) == 0)
		f->unsynced = false;
}

/* --- commands --- */

static void array_show(struct device *dev, bool show)
{
	struct flash *f = device_state(dev);

	if (show == !!f->slot)
		return;
	if (show) {
		f->slot = memory_map(dev->machine, f->base, f->size, f->memory_fd, 0, false);
		return;
	}
	memory_unmap(f->slot);
	f->slot = NULL;
}

static void program(struct flash *f, uint32_t offset, unsigned int size, uint64_t value)
{
	uint8_t bytes[8];

	if (f->dirty_end != offset || f->dirty == f->dirty_end) {	/* not the continuation */
		flash_settle(f);
		f->dirty = offset;
	}
	memcpy(bytes, &value, sizeof(bytes));
	memcpy(f->bytes + offset, bytes, size);
	f->dirty_end = offset + size;
	f->status |= STATUS_READY;
	f->command = FLASH_READ_STATUS;
}

static void erase(struct flash *f, uint32_t offset, uint8_t confirm)
{
	uint32_t block = offset & ~(BLOCK - 1);

	f->command = FLASH_READ_STATUS;
	f->status |= STATUS_READY;
	if (confirm != FLASH_ERASE_CONFIRM) {
		f->status |= STATUS_ERASE_ERROR | STATUS_PROGRAM_ERROR;
		return;
	}
	memset(f->bytes + block, 0xff, BLOCK);
	if (file_write(f, block, block + BLOCK) < 0)
		f->status |= STATUS_ERASE_ERROR;
}

static void command(struct device *dev, uint8_t code)
{
	struct flash *f = device_state(dev);

	switch (code) {
	case FLASH_PROGRAM:
	case FLASH_PROGRAM_ALTERNATE:
		f->command = FLASH_PROGRAM;
		break;
	case FLASH_ERASE:
	case FLASH_READ_STATUS:
		flash_settle(f);
		f->command = code;
		break;
	case FLASH_CLEAR_STATUS:
		f->status = 0;
		/* fall through */
	default:			/* also what this part does not have */
		flash_sync(f);
		f->command = FLASH_READ_ARRAY;
	}
	array_show(dev, f->command == FLASH_READ_ARRAY);
}

static void flash_write(struct device *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct flash *f = device_state(dev);

	if (f->command == FLASH_PROGRAM)
		program(f, (uint32_t)offset, size, value);
	else if (f->command == FLASH_ERASE)
		erase(f, (uint32_t)offset, (uint8_t)value);
	else
		command(dev, (uint8_t)value);
}

static uint64_t flash_read(struct device *dev, uint64_t offset, unsigned int size)
{
	struct flash *f = device_state(dev);
	uint64_t value = 0;

	if (f->command != FLASH_READ_ARRAY)
		return f->status;
	memcpy(&value, f->bytes + offset, size);	/* the mapping failed: slower, not different */
	return value;
}

/* --- the parts --- */

static int file_size(int fd, uint32_t max, uint32_t *size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || st.st_size > max || st.st_size % BLOCK)
		return -EINVAL;
	*size = (uint32_t)st.st_size;
	return 0;
}

/* A copy of the file that may be mapped into the guest. The descriptor, or negative errno. */
static int file_load(const char *name, int fd, uint32_t size, uint8_t **bytes)
{
	int memory = memfd_create(name, MFD_CLOEXEC), r = -EIO;
	void *mapping;

	if (memory < 0)
		return -errno;
	if (ftruncate(memory, size) < 0)
		goto fail;
	mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (mapping == MAP_FAILED)
		goto fail;
	if (pread(fd, mapping, size, 0) == (ssize_t)size) {
		*bytes = mapping;
		return memory;
	}
	munmap(mapping, size);
fail:
	close(memory);
	return r;
}

static int code_map(struct machine *m, int fd, uint32_t size)
{
	uint8_t *bytes = NULL;
	int memory = file_load("firmware", fd, size, &bytes), r;

	if (memory < 0)
		return memory;
	r = memory_map(m, FOUR_GIB - size, size, memory, 0, false) ? 0 : -ENOMEM;
	munmap(bytes, size);
	close(memory);
	return r;
}

static int flash_init(struct device *dev)
{
	struct flash *f = device_state(dev);
	struct vm_config *config = &dev->machine->config;
	uint32_t code_size = 0;
	struct mmio_range range = { .read = flash_read, .write = flash_write };
	int r = file_size(config->code_fd, CODE_MAX, &code_size);

	f->memory_fd = -1;
	f->fd = config->vars_fd;
	if (r == 0)
		r = file_size(f->fd, VARS_MAX, &f->size);
	if (r == 0)
		r = code_map(dev->machine, config->code_fd, code_size);
	if (r < 0)
		return r;
	f->memory_fd = file_load("variables", f->fd, f->size, &f->bytes);
	if (f->memory_fd < 0)
		return f->memory_fd;
	f->base = FOUR_GIB - code_size - f->size;
	range.base = f->base;
	range.size = f->size;
	return mmio_claim(dev, &range);
}

static void flash_reset(struct device *dev)
{
	struct flash *f = device_state(dev);

	flash_sync(f);
	f->command = FLASH_READ_ARRAY;
	f->status = 0;
	array_show(dev, true);
}

static void flash_settle_file(struct device *dev)
{
	flash_sync(device_state(dev));
}

/* The variables themselves are in the VM's file. */
static void flash_state(struct device *dev, struct state *s)
{
	struct flash *f = device_state(dev);
	uint64_t base = f->base;
	uint32_t size = f->size;

	state_u64(s, &base);
	state_u32(s, &size);
	state_u8(s, &f->command);
	state_u8(s, &f->status);
	if (base != f->base || size != f->size)		/* saved with another firmware */
		state_refuse(s);
	if (state_loading(s) && !state_error(s))
		array_show(dev, f->command == FLASH_READ_ARRAY);
}

static void flash_fini(struct device *dev)
{
	struct flash *f = device_state(dev);

	if (!f->bytes)
		return;
	flash_sync(f);
	array_show(dev, false);
	munmap(f->bytes, f->size);
	close(f->memory_fd);
}

const struct device_model flash_model = {
	.name = "flash", .state_size = sizeof(struct flash), .state_version = 1,
	.init = flash_init, .reset = flash_reset, .fini = flash_fini,
	.settle = flash_settle_file, .state = flash_state,
};
