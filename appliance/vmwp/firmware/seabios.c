/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SeaBIOS: its image as ROM below 4 GiB, the last 128 KiB also in RAM at 0xe0000 (the host bridge's PAM registers are only
 * stored, so that RAM is what runs), and memory size, processor count, VGA ROM and boot order where it looks for them.
 */
#include "vmwp/chipset/board.h"
#include "vmwp/chipset/vga.h"
#include "vmwp/firmware/firmware.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIOS_MAX	0x100000u
#define SHADOW_SIZE	0x20000u
#define SHADOW_GPA	0xe0000u
#define FOUR_GIB	0x100000000ull
#define E820_RAM	1u
#define ROM_CHECKSUM	6
#define ROM_PCIR_POINTER 0x18
#define ROM_HEADER_SIZE	0x1a
#define ROM_PCIR_SIZE	0x18

#define CMOS_EXTENDED	0x30		/* and 0x17: KiB above 1 MiB, up to 64 MiB */
#define CMOS_ABOVE_16M	0x34		/* 64 KiB units */
#define CMOS_HIGH	0x5b		/* 64 KiB units above 4 GiB */
#define CMOS_CPUS	0x5f
#define CMOS_FLOPPIES	0x10
#define CMOS_EQUIPMENT	0x14

struct e820_entry { uint64_t address, length; uint32_t type; } __attribute__((packed));

static int read_whole(int fd, size_t max, uint8_t **out, size_t *size)
{
	struct stat st;
	uint8_t *data;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || (uint64_t)st.st_size > max)
		return -EFBIG;
	data = malloc((size_t)st.st_size);
	if (!data)
		return -ENOMEM;
	if (pread(fd, data, (size_t)st.st_size, 0) != st.st_size) {
		free(data);
		return -EIO;
	}
	*out = data;
	*size = (size_t)st.st_size;
	return 0;
}

static int bios_map(struct machine *m)
{
	uint8_t *image = NULL;
	size_t size = 0;
	int rom = -1, r = read_whole(m->config.bios_fd, BIOS_MAX, &image, &size);

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

void firmware_reset(struct machine *m)
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

static int vga_rom_publish(struct machine *m)
{
	uint8_t *image = NULL;
	size_t size = 0;
	int r;

	if (m->config.vga_bios_fd < 0)
		return 0;
	r = read_whole(m->config.vga_bios_fd, BIOS_MAX, &image, &size);
	if (r == 0) {
		vga_rom_set_ids(image, size);
		r = fw_cfg_add_file(m, VGA_ROM_FILE, image, size);
	}
	free(image);
	return r;
}

static void cmos_set16(struct device *rtc, uint8_t reg, uint64_t value)
{
	if (value > 0xffff)
		value = 0xffff;
	rtc_set_cmos(rtc, reg, (uint8_t)value);
	rtc_set_cmos(rtc, reg + 1, (uint8_t)(value >> 8));
}

static void cmos_publish(struct machine *m)
{
	struct device *rtc = machine_device(m, &rtc_model);
	uint64_t low = guest_ram_low(m), high = guest_ram_high(m) >> 16;

	cmos_set16(rtc, 0x15, 640);
	cmos_set16(rtc, 0x17, (low >> 10) - 1024);
	cmos_set16(rtc, CMOS_EXTENDED, (low >> 10) - 1024);
	cmos_set16(rtc, CMOS_ABOVE_16M, low > 0x1000000 ? (low - 0x1000000) >> 16 : 0);
	cmos_set16(rtc, CMOS_HIGH, high & 0xffff);
	rtc_set_cmos(rtc, CMOS_HIGH + 2, (uint8_t)(high >> 16));
	rtc_set_cmos(rtc, CMOS_CPUS, (uint8_t)(m->config.processors - 1));
	rtc_set_cmos(rtc, CMOS_FLOPPIES, 0);
	rtc_set_cmos(rtc, CMOS_EQUIPMENT, 0x06);	/* FPU, PS/2 mouse, no floppy */
}

static int e820_publish(struct machine *m)
{
	struct e820_entry map[2] = {
		{ 0, htole64(guest_ram_low(m)), htole32(E820_RAM) },
		{ htole64(RAM_HIGH_BASE), htole64(guest_ram_high(m)), htole32(E820_RAM) },
	};

	return fw_cfg_add_file(m, "etc/e820", map, sizeof(map[0]) * (guest_ram_high(m) ? 2 : 1));
}

/* OpenFirmware-like paths, as SeaBIOS builds them for what it finds (seabios: src/boot.c). */
static size_t boot_path(const struct vm_disk *d, char *line, size_t size)
{
	return (size_t)snprintf(line, size, "/pci@i0cf8/ide@1,1/drive@%u/disk@%u\n", d->location / 2, d->location % 2);
}

static int bootorder_publish(struct machine *m)
{
	char text[VM_BOOT_MAX * VM_DISKS_MAX * 64];
	size_t length = 0;

	for (unsigned int i = 0; i < VM_BOOT_MAX; i++)
		for (unsigned int d = 0; d < m->config.disk_count; d++)
			if (m->config.boot[i] == (m->config.disks[d].cd ? VM_BOOT_CD : VM_BOOT_DISK))
				length += boot_path(&m->config.disks[d], text + length, sizeof(text) - length);
	return length ? fw_cfg_add_file(m, "bootorder", text, length + 1) : 0;
}

static int settings_publish(struct machine *m)
{
	uint16_t menu_wait_ms = htole16(0);
	int r = fw_cfg_add_file(m, "etc/boot-menu-wait", &menu_wait_ms, sizeof(menu_wait_ms));

	fw_cfg_set_u16(m, FW_CFG_NB_CPUS, (uint16_t)m->config.processors);
	fw_cfg_set_u16(m, FW_CFG_MAX_CPUS, (uint16_t)m->config.processors);
	return r;
}

int firmware_load(struct machine *m)
{
	static int (*const steps[])(struct machine *m) = {
		bios_map, vga_rom_publish, e820_publish, bootorder_publish, settings_publish, acpi_publish, smbios_publish,
	};
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		r = steps[i](m);
	if (r == 0)
		cmos_publish(m);
	return r;
}
