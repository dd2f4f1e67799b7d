/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PCI function at 00:01.0 that is only the carrier of an option ROM: our UEFI driver for VMBus storage (firmware/uefi),
 * which the firmware loads from here and binds to this function. The driver hides the function when the operating system
 * takes over, so that no guest looks for a driver of its own. The ids are Red Hat's for experiments.
 */
#include "vmwp/chipset/board.h"
#include "vmwp/machine.h"
#include "vmwp/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROM_MAX		(1u << 20)
#define CFG_HIDE	0x40		/* bit 0: gone until reset */

struct uefi_rom {
	struct pci_function *function;
	struct pci_function_model model;	/* the size of the ROM is known only now */
	int fd;
	struct memory_slot *slot;
	bool hidden;
};

static void rom_moved(struct device *dev, unsigned int bar, uint64_t address, bool enabled)
{
	struct uefi_rom *u = device_state(dev);

	(void)bar;
	memory_unmap(u->slot);
	u->slot = enabled ? memory_map(dev->machine, address, u->model.bars[PCI_ROM_BAR].size, u->fd, 0, false) : NULL;
}

static bool rom_config_read(struct device *dev, unsigned int offset, unsigned int size, uint32_t *value)
{
	struct uefi_rom *u = device_state(dev);

	(void)offset;
	*value = port_float(size);
	return u->hidden;
}

static bool rom_config_write(struct device *dev, unsigned int offset, unsigned int size, uint32_t value)
{
	struct uefi_rom *u = device_state(dev);

	(void)size;
	if (offset == CFG_HIDE && value & 1)
		u->hidden = true;
	return u->hidden || offset >= CFG_HIDE;
}

static const struct pci_function_model carrier = {
	.slot = 1, .vendor = 0x1af4, .device = 0x10f0, .class = 0x08, .subclass = 0x80,
	.config_read = rom_config_read, .config_write = rom_config_write,
};

/* BARs have sizes of a power of two; the rest of the memfd is zero. */
static int rom_load(struct uefi_rom *u, int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	uint64_t rounded = 4096;
	char *image;
	int r = -EIO;

	if (size <= 0 || size > ROM_MAX)
		return -EINVAL;
	while (rounded < (uint64_t)size)
		rounded *= 2;
	image = malloc((size_t)size);
	u->fd = memfd_create("option-rom", MFD_CLOEXEC);
	if (image && u->fd >= 0 && ftruncate(u->fd, (off_t)rounded) == 0 && pread(fd, image, (size_t)size, 0) == size &&
	    pwrite(u->fd, image, (size_t)size, 0) == size)
		r = 0;
	free(image);
	u->model.bars[PCI_ROM_BAR] = (struct pci_bar) { .size = rounded, .moved = rom_moved };
	return r;
}

static int rom_init(struct device *dev)
{
	struct uefi_rom *u = device_state(dev);
	int fd = dev->machine->config.driver_fd, r;

	u->fd = -1;
	u->model = carrier;
	r = fd >= 0 ? rom_load(u, fd) : 0;
	if (r < 0)
		return r;
	u->function = pci_register(dev, &u->model);
	return u->function ? 0 : -ENOSPC;
}

static void rom_reset(struct device *dev)
{
	struct uefi_rom *u = device_state(dev);

	u->hidden = false;
}

static void rom_state(struct device *dev, struct state *s)
{
	struct uefi_rom *u = device_state(dev);

	state_bool(s, &u->hidden);
}

static void rom_fini(struct device *dev)
{
	struct uefi_rom *u = device_state(dev);

	memory_unmap(u->slot);
	u->slot = NULL;
	if (u->fd >= 0)
		close(u->fd);
}

const struct device_model uefi_rom_model = {
	.name = "uefi-rom", .state_size = sizeof(struct uefi_rom), .state_version = 1,
	.init = rom_init, .reset = rom_reset, .fini = rom_fini, .state = rom_state,
};
