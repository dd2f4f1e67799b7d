/* SPDX-License-Identifier: Apache-2.0 */
/* What a generation-2 machine has and the other does not: Q35 configuration, flash, ramfb, the option ROM. */
#include "fake_hv.h"
#include "vmwp/chipset/board.h"
#include "vmwp/chipset/display.h"
#include "vmwp/firmware/firmware.h"
#include "vmwp/vsp/storage.h"

#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CODE_BYTES	0x10000u
#define VARS_BYTES	0x4000u
#define ROM_BYTES	5000u
#define VARS		(0x100000000ull - CODE_BYTES - VARS_BYTES)
#define ECAM		0xe0000000u

static struct machine *m;
static int vars_fd;

static void devices_reset_all(void)
{
	pci_reset(m);
	for (unsigned int i = 0; i < m->device_count; i++)
		if (m->devices[i].model->reset)
			m->devices[i].model->reset(&m->devices[i]);
	firmware_reset(m);
}

static void machine_make(void)
{
	struct vm_config config;
	sd_event *loop = NULL;

	memset(&fake, 0, sizeof(fake));
	vm_config_init(&config);
	strcpy(config.id, "00112233-4455-6677-8899-aabbccddeeff");
	config.generation = 2;
	config.memory_bytes = 64 << 20;
	config.processors = 2;
	config.boot[0] = VM_BOOT_CD;
	config.disks[0] = (struct vm_disk){ .fd = -1, .cd = true, .place = { .scsi = true, .controller = 0, .location = 17 } };
	config.disk_count = 1;
	config.code_fd = fake_file("code", 0x90, CODE_BYTES);
	config.vars_fd = dup(vars_fd);
	config.driver_fd = fake_file("rom", 0x55, ROM_BYTES);
	assert_int_equal(sd_event_new(&loop), 0);
	assert_int_equal(machine_create(loop, -1, &m), 0);
	assert_int_equal(machine_configure(m, &config), 0);
	devices_reset_all();
}

static int setup(void **state)
{
	(void)state;
	vars_fd = fake_file("vars", 0x11, VARS_BYTES);
	machine_make();
	return 0;
}

static int teardown(void **state)
{
	sd_event *loop = m->loop;

	(void)state;
	machine_destroy(m);
	sd_event_unref(loop);
	close(vars_fd);
	return 0;
}

/* --- Q35 --- */

static uint32_t config_read(uint32_t slot, uint32_t reg)
{
	machine_port_write(m, 0xcf8, 4, 0x80000000u | slot << 11 | reg);
	return machine_port_read(m, 0xcfc, 4);
}

static void config_write(uint32_t slot, uint32_t reg, uint32_t value)
{
	machine_port_write(m, 0xcf8, 4, 0x80000000u | slot << 11 | reg);
	machine_port_write(m, 0xcfc, 4, value);
}

static void configuration_space_is_in_memory_while_pciexbar_says_so(void **state)
{
	(void)state;
	assert_int_equal(config_read(0, 0), 0x29c08086);
	assert_int_equal(machine_mmio_read(m, ECAM, 4), ~0ull);
	config_write(0, 0x64, 0);
	config_write(0, 0x60, ECAM | 1);
	assert_int_equal(machine_mmio_read(m, ECAM, 4), 0x29c08086);
	assert_int_equal(machine_mmio_read(m, ECAM + (0x1fu << 15) + 2, 2), 0x2918);
	assert_int_equal(machine_mmio_read(m, ECAM + (5u << 15), 4), 0xffffffff);	/* nobody there */
	assert_int_equal(machine_mmio_read(m, ECAM + (1u << 20), 4), 0xffffffff);	/* another bus */
	assert_int_equal(machine_mmio_read(m, ECAM + 0x100, 4), 0);			/* no extended capabilities */
	assert_int_equal(machine_mmio_read(m, ECAM + 3, 4), 0xffffffff);		/* crosses a dword */
	machine_mmio_write(m, ECAM + 0x3c, 1, 0x5a);
	assert_int_equal(config_read(0, 0x3c) & 0xff, 0x5a);
	config_write(0, 0x60, ECAM);
	assert_int_equal(machine_mmio_read(m, ECAM, 4), ~0ull);
}

static void acpi_registers_are_where_the_lpc_bridge_puts_them(void **state)
{
	(void)state;
	config_write(0x1f, 0x40, 0x601);
	assert_int_equal(machine_port_read(m, 0x604, 2), 0xffff);
	config_write(0x1f, 0x44, 0x80);
	assert_int_equal(machine_port_read(m, 0x604, 2), 1);
	assert_int_equal(config_read(0x1f, 0x40), 0x601);
	config_write(0x1f, 0x40, 0xb000);
	assert_int_equal(machine_port_read(m, 0x604, 2), 0xffff);
	assert_int_equal(machine_port_read(m, 0xb004, 2), 1);
}

/* --- flash --- */

static void flash_out(uint64_t offset, uint8_t value) { machine_mmio_write(m, VARS + offset, 1, value); }

/* As the guest reads it: memory while there is some, else by exit. */
static uint8_t flash_in(uint64_t offset)
{
	uint8_t byte;

	return guest_read(m, VARS + offset, &byte, 1) == 0 ? byte : (uint8_t)machine_mmio_read(m, VARS + offset, 1);
}

static void program(uint64_t offset, const char *text)
{
	for (size_t i = 0; text[i]; i++) {
		flash_out(offset + i, 0x10);
		flash_out(offset + i, (uint8_t)text[i]);
	}
}

static uint8_t in_file(off_t offset)
{
	uint8_t byte = 0;

	assert_int_equal(pread(vars_fd, &byte, 1, offset), 1);
	return byte;
}

static void firmware_finds_that_it_is_flash(void **state)
{
	uint8_t byte;

	(void)state;
	assert_int_equal(guest_read(m, 0xffffffff, &byte, 1), 0);
	assert_int_equal(byte, 0x90);
	assert_int_equal(flash_in(0), 0x11);
	flash_out(0, 0x50);
	assert_int_equal(flash_in(0), 0x11);		/* not 0x50: RAM would say that */
	flash_out(0, 0x70);
	assert_int_equal(flash_in(0), 0x00);
	program(0, "\x11");
	flash_out(0, 0x70);
	assert_int_equal(flash_in(0) & 0x10, 0);	/* no programming error */
	flash_out(0, 0xff);
	assert_int_equal(flash_in(0), 0x11);
}

static void what_was_programmed_is_in_the_file_once_the_array_shows(void **state)
{
	(void)state;
	program(0x123, "Boot0001");
	program(0x10, "x");
	flash_out(0x10, 0xff);
	assert_int_equal(flash_in(0x123), 'B');
	assert_int_equal(in_file(0x123), 'B');
	assert_int_equal(in_file(0x12a), '1');
	assert_int_equal(in_file(0x12b), 0x11);
	assert_int_equal(in_file(0x10), 'x');
}

static void an_erased_block_is_all_ones_and_no_other_is(void **state)
{
	(void)state;
	flash_out(0x1800, 0x20);
	flash_out(0x1800, 0xd0);
	assert_int_equal(flash_in(0x1800), 0x80);	/* status: ready, no error */
	flash_out(0x1800, 0xff);
	assert_int_equal(flash_in(0x1000), 0xff);
	assert_int_equal(in_file(0x1fff), 0xff);
	assert_int_equal(in_file(0x0fff), 0x11);
	assert_int_equal(in_file(0x2000), 0x11);
}

static void an_erase_that_is_not_confirmed_erases_nothing(void **state)
{
	(void)state;
	flash_out(0x1000, 0x20);
	flash_out(0x1000, 0xff);
	assert_int_equal(flash_in(0x1000), 0xb0);	/* ready, erase and program error: a command sequence error */
	flash_out(0x1000, 0x50);
	assert_int_equal(flash_in(0x1000), 0x11);
	assert_int_equal(in_file(0x1000), 0x11);
}

static void a_write_that_is_no_command_changes_nothing(void **state)
{
	(void)state;
	for (unsigned int code = 0; code < 256; code++) {
		if (code == 0x10 || code == 0x40 || code == 0x20)
			continue;
		flash_out(0x40, (uint8_t)code);
		flash_out(0x40, 0xff);
		assert_int_equal(flash_in(0x40), 0x11);
	}
}

static void code_is_never_written(void **state)
{
	uint8_t byte;

	(void)state;
	machine_mmio_write(m, 0xfffffff0, 1, 0x10);
	machine_mmio_write(m, 0xfffffff0, 1, 0);
	assert_int_equal(guest_read(m, 0xfffffff0, &byte, 1), 0);
	assert_int_equal(byte, 0x90);
}

/* The worker writes variables for ever and says of each when it was acknowledged; then it is killed. */
static void variables_for_ever(int acknowledge_fd)
{
	for (uint32_t n = 1;; n++) {
		uint32_t at = n % 64 * 8;

		flash_out(at & ~0xfffu, 0x50);
		for (unsigned int i = 0; i < 4; i++) {
			flash_out(at + i, 0x10);
			flash_out(at + i, (uint8_t)(n >> (8 * i)));
		}
		flash_out(at, 0xff);
		if (write(acknowledge_fd, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

static void acknowledged_variables_survive_the_death_of_the_worker(void **state)
{
	uint32_t latest[64] = { 0 }, n, stored;
	int ends[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0)
		variables_for_ever(ends[1]);
	close(ends[1]);
	for (unsigned int i = 0; i < 5000 && read(ends[0], &n, sizeof(n)) == sizeof(n); i++)
		latest[n % 64] = n;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	while (read(ends[0], &n, sizeof(n)) == sizeof(n))
		latest[n % 64] = n;
	close(ends[0]);
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(pread(vars_fd, &stored, sizeof(stored), i * 8), sizeof(stored));
		/* The one being written when it died may be there, or its first bytes. */
		if (stored != latest[i])
			assert_int_equal((n + 1) % 64, i);
	}
}

/* --- ramfb --- */

struct picture { uint64_t address; uint32_t fourcc, flags, width, height, stride; } __attribute__((packed));

static uint16_t file_key(const char *wanted)
{
	uint8_t entry[64];
	uint32_t count = 0;

	machine_port_write(m, 0x510, 2, 0x19);
	for (int i = 0; i < 4; i++)
		count = count << 8 | machine_port_read(m, 0x511, 1);
	while (count--) {
		for (unsigned int i = 0; i < sizeof(entry); i++)
			entry[i] = (uint8_t)machine_port_read(m, 0x511, 1);
		if (strcmp((char *)entry + 8, wanted) == 0)
			return (uint16_t)(entry[4] << 8 | entry[5]);
	}
	return 0;
}

static uint32_t dma(uint32_t control, uint64_t address, uint32_t length)
{
	struct { uint32_t control, length; uint64_t address; } block = { htobe32(control), htobe32(length), htobe64(address) };

	guest_write(m, 0x5000, &block, sizeof(block));
	machine_port_write(m, 0x514, 4, 0);
	machine_port_write(m, 0x518, 4, htobe32(0x5000));
	guest_read(m, 0x5000, &block, sizeof(block));
	return be32toh(block.control);
}

static void announce(const struct picture *p)
{
	struct picture big = {
		htobe64(p->address), htobe32(p->fourcc), htobe32(p->flags), htobe32(p->width), htobe32(p->height), htobe32(p->stride),
	};

	guest_write(m, 0x6000, &big, sizeof(big));
	assert_int_equal(dma((uint32_t)file_key("etc/ramfb") << 16 | 8 | 16, 0x6000, sizeof(big)), 0);
}

/* The mode a new viewer is told, and its first pixel. */
static struct display_mode shown(uint32_t *pixel)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control;
	struct display_mode mode;
	struct iovec iov = { &mode, sizeof(mode) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	int viewer = -1, fd;

	assert_int_equal(display_open(m, &viewer), 0);
	assert_int_equal(recvmsg(viewer, &msg, 0), sizeof(mode));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	assert_int_equal(pread(fd, pixel, sizeof(*pixel), (off_t)mode.offset), sizeof(*pixel));
	close(fd);
	close(viewer);
	sd_event_run(m->loop, 0);
	return mode;
}

#define XR24	0x34325258u
#define RAM	(64ull << 20)
static const struct { const char *what; struct picture p; } hostile[] = {
	{ "no width", { 0x100000, XR24, 0, 0, 600, 3200 } },
	{ "no height", { 0x100000, XR24, 0, 800, 0, 3200 } },
	{ "wider than any screen", { 0x100000, XR24, 0, 2561, 600, 2561 * 4 } },
	{ "higher than any screen", { 0x100000, XR24, 0, 800, 1601, 3200 } },
	{ "lines that overlap", { 0x100000, XR24, 0, 800, 600, 3196 } },
	{ "a stride whose product overflows", { 0x100000, XR24, 0, 800, 600, 0xffffffff } },
	{ "a width whose bytes overflow", { 0x100000, XR24, 0, 0x40000001, 600, 0 } },
	{ "the last row outside RAM", { RAM - 3200 * 599, XR24, 0, 800, 600, 3200 } },
	{ "an address that wraps", { 0xfffffffffffff000, XR24, 0, 800, 600, 3200 } },
	{ "in ROM", { VARS, XR24, 0, 16, 16, 64 } },
	{ "another format", { 0x100000, 0x34324742, 0, 800, 600, 3200 } },
};

static void a_picture_in_guest_memory_is_shown(void **state)
{
	static const struct picture p = { 0x100000, XR24, 0, 640, 480, 4096 };
	uint32_t pixel = 0x123456, seen = 0;
	struct display_mode mode;

	(void)state;
	guest_write(m, p.address, &pixel, sizeof(pixel));
	announce(&p);
	mode = shown(&seen);
	assert_int_equal(mode.width, 640);
	assert_int_equal(mode.height, 480);
	assert_int_equal(mode.stride, 640 * 4);
	assert_int_equal(seen, 0x123456);
}

static void an_impossible_picture_is_a_blank_screen(void **state)
{
	static const struct picture good = { 0x100000, XR24, 0, 640, 480, 0 };
	uint32_t pixel = 0x123456, seen;

	(void)state;
	guest_write(m, good.address, &pixel, sizeof(pixel));
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct display_mode mode;

		announce(&good);
		announce(&hostile[i].p);
		mode = shown(&seen);
		if (mode.width != 800 || mode.height != 600 || seen != 0)
			fail_msg("%s: %ux%u, first pixel %x", hostile[i].what, mode.width, mode.height, seen);
	}
}

static void a_write_beyond_a_file_or_to_one_that_is_not_to_be_written_is_refused(void **state)
{
	uint32_t ramfb = (uint32_t)file_key("etc/ramfb") << 16 | 8, e820 = (uint32_t)file_key("etc/e820") << 16 | 8;

	(void)state;
	assert_int_equal(dma(ramfb | 16, 0x6000, 29), 1);
	assert_int_equal(dma(ramfb | 16, 0xffffffffffff0000, 28), 1);
	assert_int_equal(dma(e820 | 16, 0x6000, 4), 1);
}

/* --- the option ROM and the boot order --- */

static void the_option_rom_appears_where_firmware_puts_it_and_hides_when_told(void **state)
{
	uint8_t byte = 0;

	(void)state;
	assert_int_equal(config_read(1, 0), 0x10f01af4);
	config_write(1, 0x30, 0xfffffffe);
	assert_int_equal(config_read(1, 0x30), 0xffffe000);	/* 8 KiB */
	config_write(1, 0x30, 0xc0000001);
	assert_int_equal(guest_read(m, 0xc0000000, &byte, 1), -EFAULT);	/* memory decoding is off */
	config_write(1, 0x04, 2);
	assert_int_equal(guest_read(m, 0xc0000000, &byte, 1), 0);
	assert_int_equal(byte, 0x55);
	assert_int_equal(guest_read(m, 0xc0000000 + ROM_BYTES, &byte, 1), 0);
	assert_int_equal(byte, 0);
	assert_int_equal(guest_write(m, 0xc0000000, &byte, 1), -EFAULT);
	config_write(1, 0x40, 1);
	assert_int_equal(config_read(1, 0), 0xffffffff);
	devices_reset_all();
	assert_int_equal(config_read(1, 0), 0x10f01af4);
	assert_int_equal(guest_read(m, 0xc0000000, &byte, 1), -EFAULT);
}

static const char *boot_order(void)
{
	static char text[256];

	memset(text, 0, sizeof(text));
	assert_int_equal(dma((uint32_t)file_key("bootorder") << 16 | 8 | 2, 0x7000, sizeof(text) - 1), 0);
	guest_read(m, 0x7000, text, sizeof(text) - 1);
	return text;
}

static void the_boot_order_names_places_on_the_scsi_controller(void **state)
{
	(void)state;
	assert_string_equal(boot_order(), "/pci@i0cf8/scsi@1/channel@0/disk@0,11\n");
}

static void a_drive_that_came_meanwhile_is_in_the_boot_order_after_a_reset(void **state)
{
	struct device *storage = machine_device(m, &storage_model);

	(void)state;
	assert_int_equal(storage_attach(storage, (struct storage_place){ 2, 63 }, true, NULL, ""), 0);
	assert_string_equal(boot_order(), "/pci@i0cf8/scsi@1/channel@0/disk@0,11\n");
	devices_reset_all();
	assert_string_equal(boot_order(), "/pci@i0cf8/scsi@1/channel@0/disk@0,11\n/pci@i0cf8/scsi@1/channel@0/disk@2,3f\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(configuration_space_is_in_memory_while_pciexbar_says_so),
		T(acpi_registers_are_where_the_lpc_bridge_puts_them),
		T(firmware_finds_that_it_is_flash),
		T(what_was_programmed_is_in_the_file_once_the_array_shows),
		T(an_erased_block_is_all_ones_and_no_other_is),
		T(an_erase_that_is_not_confirmed_erases_nothing),
		T(a_write_that_is_no_command_changes_nothing),
		T(code_is_never_written),
		T(acknowledged_variables_survive_the_death_of_the_worker),
		T(a_picture_in_guest_memory_is_shown),
		T(an_impossible_picture_is_a_blank_screen),
		T(a_write_beyond_a_file_or_to_one_that_is_not_to_be_written_is_refused),
		T(the_option_rom_appears_where_firmware_puts_it_and_hides_when_told),
		T(the_boot_order_names_places_on_the_scsi_controller),
		T(a_drive_that_came_meanwhile_is_in_the_boot_order_after_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
