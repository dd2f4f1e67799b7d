/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VGA as a device: its memory, PCI function, ranges, power-on and reset.
 */
#include "vmwp/chipset/vga_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SURFACE_BYTES	((size_t)DISPLAY_MAX_WIDTH * DISPLAY_MAX_HEIGHT * 4)

/* Sealed against resizing: a viewer that maps it must not be able to make us fault, nor we it. */
static int memory_create(const char *name, size_t bytes, void **mapping)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	*mapping = MAP_FAILED;
	if (ftruncate(fd, (off_t)bytes) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		*mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*mapping == MAP_FAILED) {
		int error = errno;

		*mapping = NULL;
		close(fd);
		return -error;
	}
	return fd;
}

static void lfb_unmap(struct vga *v)
{
	for (unsigned int i = 0; i < VGA_LFB_SLOTS; i++) {
		memory_unmap(v->lfb[i]);
		v->lfb[i] = NULL;
	}
}

static void lfb_map(struct vga *v)
{
	for (unsigned int i = 0; v->lfb_gpa && !v->lfb_covered && i < VGA_LFB_SLOTS; i++) {
		uint64_t offset = (uint64_t)i * VGA_LFB_SLOT_BYTES;

		v->lfb[i] = memory_map(v->device->machine, v->lfb_gpa + offset, VGA_LFB_SLOT_BYTES, v->vram_fd, offset, true);
	}
	v->all_changed = true;
}

static void lfb_moved(struct device *dev, unsigned int bar, uint64_t address, bool enabled)
{
	struct vga *v = device_state(dev);

	if (bar != 0)
		return;
	lfb_unmap(v);
	v->lfb_gpa = enabled ? address : 0;
	lfb_map(v);
}

bool vga_cover(struct machine *m, uint64_t gpa, uint64_t size)
{
	struct device *dev = machine_device(m, &vga_model);
	struct vga *v = dev ? device_state(dev) : NULL;

	if (!v || !v->lfb_gpa || gpa < v->lfb_gpa || gpa - v->lfb_gpa > VGA_VRAM_BYTES ||
	    size > VGA_VRAM_BYTES - (gpa - v->lfb_gpa))
		return false;
	v->lfb_covered = true;
	lfb_unmap(v);
	return true;
}

void vga_uncover(struct machine *m)
{
	struct device *dev = machine_device(m, &vga_model);
	struct vga *v = dev ? device_state(dev) : NULL;

	if (!v || !v->lfb_covered)
		return;
	v->lfb_covered = false;
	lfb_map(v);
}

static const struct pci_function_model vga_function = {
	.slot = 2, .vendor = 0x1414, .device = 0x5353, .class = 0x03,
	.bars[0] = { .size = VGA_VRAM_BYTES, .prefetchable = true, .moved = lfb_moved },
	.rom_fw_cfg_name = VGA_ROM_FILE,
};

static int vga_init(struct device *dev)
{
	struct vga *v = device_state(dev);
	void *memory;

	v->device = dev;
	v->surface_fd = -1;
	v->vram_fd = memory_create("vram", VGA_VRAM_BYTES + VGA_SCRATCH_BYTES, &memory);
	if (v->vram_fd < 0)
		return v->vram_fd;
	v->vram = memory;
	v->scratch = v->vram + VGA_VRAM_BYTES;
	v->surface_fd = memory_create("surface", SURFACE_BYTES, &memory);
	if (v->surface_fd < 0)
		return v->surface_fd;
	v->surface = memory;
	if (!pci_register(dev, &vga_function))
		return -ENOMEM;
	v->source.refresh = vga_refresh;
	v->source.rank = DISPLAY_RANK_FIRMWARE;
	if (display_source_add(dev->machine, &v->source) < 0)
		return -ENODEV;
	display_source_set_active(&v->source, true);
	return 0;
}

static void vga_reset(struct device *dev)
{
	struct vga *v = device_state(dev);

	vga_window_unmap(v);
	memset(v->vram, 0, VGA_PLANAR_BYTES);
	vga_regs_reset(v);
	dispi_reset(v);
	v->all_changed = true;
}

static void vga_fini(struct device *dev)
{
	struct vga *v = device_state(dev);

	display_source_remove(&v->source);
	memory_unmap(v->window);
	lfb_unmap(v);
	if (v->vram)
		munmap(v->vram, VGA_VRAM_BYTES + VGA_SCRATCH_BYTES);
	if (v->surface)
		munmap(v->surface, SURFACE_BYTES);
	if (v->vram_fd > 0)
		close(v->vram_fd);
	if (v->surface_fd > 0)
		close(v->surface_fd);
}

const struct device_model vga_model = {
	.name = "vga", .state_size = sizeof(struct vga), .state_version = 1,
	.ports = {
		{ 0x3b0, 0x30, vga_port_read, vga_port_write, NULL, NULL },
		{ 0x1ce, 3, dispi_port_read, dispi_port_write, NULL, NULL },
	},
	.mmio = { { 0xa0000, 0x20000, vga_window_read, vga_window_write } },
	.init = vga_init, .reset = vga_reset, .fini = vga_fini, .settle = vga_settle, .state = vga_state,
};
