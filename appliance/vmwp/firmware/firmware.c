/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both firmwares are told: memory, processors and boot order through fw_cfg and CMOS, the ACPI and SMBIOS tables; and
 * which steps each generation takes. UEFI itself is flash, which is a device (chipset/flash.c).
 */
#include "vmwp/chipset/board.h"
#include "vmwp/firmware/firmware.h"
#include "vmwp/vsp/storage.h"

#include "partita/log.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define E820_RAM	1u
#define CMOS_EXTENDED	0x30		/* and 0x17: KiB above 1 MiB, up to 64 MiB */
#define CMOS_ABOVE_16M	0x34		/* 64 KiB units */
#define CMOS_HIGH	0x5b		/* 64 KiB units above 4 GiB */
#define CMOS_CPUS	0x5f
#define CMOS_FLOPPIES	0x10
#define CMOS_EQUIPMENT	0x14

struct e820_entry { uint64_t address, length; uint32_t type; } __attribute__((packed));

int firmware_read(int fd, size_t max, uint8_t **out, size_t *size)
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

/* --- boot order: lines of OpenFirmware-like paths, as SeaBIOS builds them for what it finds (seabios: src/boot.c). OVMF
 * translates them, and takes our driver's function for a SCSI controller whose targets are the VM's controllers
 * (firmware/uefi/storage.h). Made anew at each reset: drives come and go. --- */

#define BOOT_LINES_MAX	64u
struct boot_order { char text[BOOT_LINES_MAX * 48]; size_t length; unsigned int lines; };

static void boot_order_add(struct boot_order *o, const char *format, unsigned int controller, unsigned int location)
{
	if (o->lines++ < BOOT_LINES_MAX)
		o->length += (size_t)snprintf(o->text + o->length, sizeof(o->text) - o->length, format, controller, location);
}

static void boot_order_add_ide(struct boot_order *o, struct machine *m, bool cd)
{
	for (unsigned int i = 0; i < m->config.disk_count; i++)
		if (!m->config.disks[i].place.scsi && m->config.disks[i].cd == cd)
			boot_order_add(o, "/pci@i0cf8/ide@1,1/drive@%u/disk@%u\n", m->config.disks[i].place.controller,
				       m->config.disks[i].place.location);
}

static void boot_order_add_scsi(struct boot_order *o, struct machine *m, bool cd)
{
	struct device *storage = machine_device(m, &storage_model);

	for (unsigned int i = 0; storage && i < STORAGE_CONTROLLERS * STORAGE_LOCATIONS; i++) {
		struct storage_place place = { i / STORAGE_LOCATIONS, i % STORAGE_LOCATIONS };

		if (storage_has_unit(storage, place, cd))
			boot_order_add(o, "/pci@i0cf8/scsi@1/channel@0/disk@%x,%x\n", place.controller, place.location);
	}
}

static int boot_order_publish(struct machine *m)
{
	struct boot_order o = { .length = 0 };

	for (unsigned int i = 0; i < VM_BOOT_MAX; i++) {
		if (m->config.boot[i] == VM_BOOT_NONE)
			continue;
		boot_order_add_ide(&o, m, m->config.boot[i] == VM_BOOT_CD);
		if (m->config.generation == 2)
			boot_order_add_scsi(&o, m, m->config.boot[i] == VM_BOOT_CD);
	}
	return o.length ? fw_cfg_replace_file(m, "bootorder", o.text, o.length + 1) : 0;
}

static int settings_publish(struct machine *m)
{
	uint16_t menu_wait_ms = htole16(0);
	int r = fw_cfg_add_file(m, "etc/boot-menu-wait", &menu_wait_ms, sizeof(menu_wait_ms));

	fw_cfg_set_u16(m, FW_CFG_NB_CPUS, (uint16_t)m->config.processors);
	fw_cfg_set_u16(m, FW_CFG_MAX_CPUS, (uint16_t)m->config.processors);
	return r;
}

typedef int firmware_step(struct machine *m);

static firmware_step *const bios_steps[] = {
	seabios_map, seabios_vga_rom_publish, e820_publish, settings_publish, acpi_publish, smbios_publish, NULL,
};
static firmware_step *const uefi_steps[] = { e820_publish, settings_publish, acpi_publish, smbios_publish, NULL };

int firmware_load(struct machine *m)
{
	firmware_step *const *step = m->config.generation == 2 ? uefi_steps : bios_steps;
	int r = 0;

	while (r == 0 && *step)
		r = (*step++)(m);
	if (r == 0)
		cmos_publish(m);
	return r;
}

void firmware_reset(struct machine *m)
{
	int r = boot_order_publish(m);

	if (r < 0)
		log_warning("the firmware is not told the boot order: errno %d", -r);
	if (m->config.generation != 2)
		seabios_reset(m);
}
