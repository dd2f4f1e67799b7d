/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SeaBIOS: its image as ROM below 4 GiB, the last 128 KiB also in RAM at 0xe0000 (the host bridge's PAM registers are only
 * stored, so that RAM is what runs), and the VGA ROM where it looks for it.
 */
#include "vmwp/chipset/vga.h"
#include "vmwp/firmware/firmware.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BIOS_MAX	0x100000u
#define SHADOW_SIZE	0x20000u
#define SHADOW_GPA	0xe0000u
#define FOUR_GIB	0x100000000ull
#define ROM_CHECKSUM	6
#define ROM_PCIR_POINTER 0x18
#define ROM_HEADER_SIZE	0x1a
#define ROM_PCIR_SIZE	0x18

int seabios_map(struct machine *m)
{
	uint8_t *image = NULL;
	size_t size = 0;
	int rom = -1, r = firmware_read(m->config.bios_fd, BIOS_MAX, &image, &size);

	if (r < 0)
		return r;
	r = size % 0x10000 || size < SHADOW_SIZE ? -EINVAL : 0;
	if (r == 0) {
		rom = memfd_create("bios", MFD_CLOEXEC);
		r = rom < 0 || write(rom, image, size) != (ssize_t)size ? -EIO : 0;
	}
	if (r == 0 && !memory_map(m, FOUR_GIB - size, size, rom, 0, false))
		r = -ENOMEM;
	if (rom >= 0)
		close(rom);
	free(image);
	return r;
}

void seabios_reset(struct machine *m)
{
	void *shadow = guest_memory(m, SHADOW_GPA, SHADOW_SIZE);

	if (shadow)
		(void)guest_read(m, FOUR_GIB - SHADOW_SIZE, shadow, SHADOW_SIZE);
}

/*
 * The VGA BIOS asks the PCI function for its frame buffer only if that has the ids of its own header, which are those of
 * QEMU's card (PCI firmware specification 3.3, 5.1.2). Byte 6 is where SeaBIOS' images keep what makes them sum to zero.
 */
static void vga_rom_set_ids(uint8_t *image, size_t size)
{
	static const uint8_t ids[4] = { 0x14, 0x14, 0x53, 0x53 };	/* 1414:5353, chipset/vga.c */
	size_t pcir = size >= ROM_HEADER_SIZE ? image[ROM_PCIR_POINTER] | (size_t)image[ROM_PCIR_POINTER + 1] << 8 : size;

	if (pcir + ROM_PCIR_SIZE > size || memcmp(image + pcir, "PCIR", 4) != 0)
		return;
	for (unsigned int i = 0; i < sizeof(ids); i++) {
		image[ROM_CHECKSUM] = (uint8_t)(image[ROM_CHECKSUM] + image[pcir + 4 + i] - ids[i]);
		image[pcir + 4 + i] = ids[i];
	}
}

int seabios_vga_rom_publish(struct machine *m)
{
	uint8_t *image = NULL;
	size_t size = 0;
	int r;

	if (m->config.vga_bios_fd < 0)
		return 0;
	r = firmware_read(m->config.vga_bios_fd, BIOS_MAX, &image, &size);
	if (r == 0) {
		vga_rom_set_ids(image, size);
		r = fw_cfg_add_file(m, VGA_ROM_FILE, image, size);
	}
	free(image);
	return r;
}
