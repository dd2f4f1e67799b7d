/* SPDX-License-Identifier: Apache-2.0 */
/* A machine saved by one process and restored by another: nothing the guest could see has changed; damaged files are refused. */
#include "fake_hv.h"
#include "vmwp/chipset/board.h"
#include "vmwp/chipset/vga.h"
#include "vmwp/firmware/firmware.h"
#include "vmwp/state.h"
#include "vmwp/vp/vp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY		(64u << 20)
#define CODE_BYTES	0x10000u
#define VARS_BYTES	0x4000u
#define VARS		(0x100000000ull - CODE_BYTES - VARS_BYTES)
#define ECAM		0xe0000000u
#define LFB		0xe8000000u

static struct machine *m;
static int saved = -1, vars = -1;
static void *records;
static size_t records_size;

static void machine_make(unsigned int generation, unsigned int processors)
{
	struct vm_config config;
	sd_event *loop = NULL;

	memset(&fake, 0, sizeof(fake));
	vm_config_init(&config);
	strcpy(config.id, "00112233-4455-6677-8899-aabbccddeeff");
	config.generation = generation;
	config.memory_bytes = MEMORY;
	config.processors = processors;
	config.disks[0] = (struct vm_disk){ .fd = fake_file("disk", 7, 1 << 20), .place = { .scsi = generation == 2 }, .format = "raw" };
	config.disk_count = 1;
	if (generation == 2) {
		config.code_fd = fake_file("code", 0x90, CODE_BYTES);
		config.vars_fd = dup(vars);
		config.driver_fd = fake_file("rom", 0x55, 5000);
	} else {
		config.bios_fd = fake_file("bios", 0x90, 0x40000);
	}
	assert_int_equal(sd_event_new(&loop), 0);
	assert_int_equal(machine_create(loop, -1, &m), 0);
	assert_int_equal(machine_configure(m, &config), 0);
}

static void machine_drop(void)
{
	sd_event *loop = m->loop;

	machine_turn_off(m, "test");
	machine_destroy(m);
	sd_event_unref(loop);
	m = NULL;
}

static int setup(void **state)
{
	(void)state;
	vars = fake_file("vars", 0x11, VARS_BYTES);
	saved = memfd_create("saved", 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (m) {
		(void)pthread_mutex_trylock(&m->lock);	/* a check that failed left it locked */
		machine_unlock(m);
		machine_drop();
	}
	close(vars);
	close(saved);
	free(records);
	records = NULL;
	return 0;
}

/* --- a guest's traces in every device --- */

static void out8(uint16_t port, uint8_t value)
{
	machine_port_write(m, port, 1, value);
}

static void config_write(uint32_t function, uint32_t reg, uint32_t value)
{
	machine_port_write(m, 0xcf8, 4, 0x80000000u | function << 8 | reg);
	machine_port_write(m, 0xcfc, 4, value);
}

static void common_traces(void)
{
	out8(0x70, 0x55);
	out8(0x71, 0xa7);				/* CMOS */
	out8(0x3ff, 0x5a);				/* scratch of COM1 */
	out8(0x3f8, 'x');				/* into the scrollback */
	machine_port_write(m, 0x510, 2, 0x19);		/* fw_cfg's directory */
	(void)machine_port_read(m, 0x511, 1);
	machine_mmio_write(m, 0xfec00000, 4, 0x10 + 2 * 4);
	machine_mmio_write(m, 0xfec00010, 4, 0x10234);	/* an IOAPIC pin */
	memset(guest_memory(m, 0x5000, 4096), 0x77, 4096);
	memset(guest_memory(m, 0x2345000, 8192), 0x78, 8192);
	memset(guest_memory(m, MEMORY - 4096, 4096), 0x79, 4096);
}

static void pc_traces(void)
{
	static const uint8_t pic[] = { 0x11, 0x20, 0x04, 0x01 };

	for (unsigned int i = 0; i < 4; i++)
		out8(i ? 0x21 : 0x20, pic[i]);
	out8(0x21, 0xfe);
	out8(0x43, 0x34);				/* PIT channel 0 every 10 ms */
	out8(0x40, 0x9b);
	out8(0x40, 0x2e);
	out8(0x64, 0xd4);				/* a command to the mouse */
	out8(0x60, 0xf4);
	out8(0x1f2, 3);					/* IDE: sector count, then IDENTIFY: a buffer in use */
	out8(0x1f7, 0xec);
	(void)machine_port_read(m, 0x1f0, 2);
	config_write(0x08 + 1, 0x20, 0xc001);		/* IDE's bus master */
	config_write(0x08 + 1, 0x04, 5);
	config_write(0x10, 0x10, LFB);			/* the VGA's frame buffer */
	config_write(0x10, 0x04, 2);
	config_write(0x08 + 3, 0x40, 0x601);		/* the power registers */
	config_write(0x08 + 3, 0x80, 1);
	for (unsigned int i = 0; i < 5; i++) {
		static const uint16_t mode[5][2] = { { 1, 640 }, { 2, 480 }, { 3, 32 }, { 4, 0x41 }, { 9, 16 } };

		machine_port_write(m, 0x1ce, 2, mode[i][0]);
		machine_port_write(m, 0x1cf, 2, mode[i][1]);
	}
	out8(0x3c8, 9);
	out8(0x3c9, 33);				/* a colour, one of its three bytes */
	assert_int_equal(guest_write(m, LFB + 5000, "picture", 7), 0);
	out8(0x05, 0x12);				/* a DMA count */
}

static void uefi_traces(void)
{
	config_write(0x00, 0x60, ECAM | 1);
	config_write(0x00, 0x64, 0);
	config_write(0xf8, 0x40, 0x601);
	config_write(0xf8, 0x44, 0x80);
	config_write(0x08, 0x40, 1);			/* the option ROM goes away */
	machine_mmio_write(m, VARS, 1, 0x70);		/* flash: show the status */
}

static void guest_runs(unsigned int generation)
{
	machine_lock(m);
	common_traces();
	if (generation == 2)
		uefi_traces();
	else
		pc_traces();
	machine_unlock(m);
}

/* --- saving --- */

static void records_take(void **to, size_t *size)
{
	struct state *s = state_save_begin();

	machine_lock(m);
	machine_state(m, s);
	machine_unlock(m);
	assert_int_equal(state_save_end(s, to, size), 0);
}

/* VPs stand still in the fake's reset state but for what is set here, in each another value. */
static void save(unsigned int generation, unsigned int processors)
{
	machine_make(generation, processors);
	assert_int_equal(machine_save(m, saved), -EBUSY);
	assert_int_equal(machine_start(m), 0);
	assert_int_equal(machine_save(m, saved), -EBUSY);
	assert_int_equal(machine_pause(m), 0);
	guest_runs(generation);
	fake.reference_time = 0x123456789;
	assert_int_equal(machine_save(m, saved), 0);
	records_take(&records, &records_size);
	machine_drop();
}

static void check_common(void)
{
	static const uint8_t zeros[4096];
	uint8_t *page = guest_memory(m, 0x5000, 4096);

	assert_int_equal(page[0], 0x77);
	assert_int_equal(page[4095], 0x77);
	assert_int_equal(*(uint8_t *)guest_memory(m, 0x2345000 + 8191, 1), 0x78);
	assert_int_equal(*(uint8_t *)guest_memory(m, MEMORY - 1, 1), 0x79);
	assert_memory_equal(guest_memory(m, 0x6000, 4096), zeros, 4096);
	assert_int_equal(machine_port_read(m, 0x71, 1), 0xa7);
	assert_int_equal(machine_port_read(m, 0x3ff, 1), 0x5a);
	assert_int_equal(machine_mmio_read(m, 0xfec00010, 4), 0x10234);
	assert_int_equal(fake.reference_time, 0x123456789);
}

static void check_pc(void)
{
	char text[7];

	assert_int_equal(machine_port_read(m, 0x21, 1), 0xfe);
	assert_int_equal(guest_read(m, LFB + 5000, text, 7), 0);
	assert_memory_equal(text, "picture", 7);
	assert_int_equal(machine_port_read(m, 0x1f7, 1) & 0x88, 0x08);		/* the rest of IDENTIFY is waiting */
	assert_int_equal(machine_port_read(m, 0xc002, 1) & 0x60, 0);		/* the bus master answers there */
	machine_port_write(m, 0x1ce, 2, 1);
	assert_int_equal(machine_port_read(m, 0x1cf, 2), 640);
}

static void check_uefi(void)
{
	assert_int_equal(machine_mmio_read(m, ECAM, 4), 0x29c08086);
	assert_int_equal(machine_mmio_read(m, ECAM + (1 << 15), 4), 0xffffffff);	/* hidden */
	assert_int_equal(machine_mmio_read(m, VARS, 1), 0);
	machine_mmio_write(m, VARS, 1, 0xff);
	assert_int_equal(machine_mmio_read(m, VARS, 1), 0x11);
}

static void comes_back(unsigned int generation)
{
	void *again = NULL;
	size_t size = 0;

	save(generation, 2);
	machine_make(generation, 2);
	assert_int_equal(machine_restore(m, saved), 0);
	assert_int_equal(m->state, MACHINE_PAUSED);
	records_take(&again, &size);
	assert_int_equal(size, records_size);
	assert_memory_equal(again, records, size);
	free(again);
	machine_lock(m);
	check_common();
	if (generation == 2)
		check_uefi();
	else
		check_pc();
	machine_unlock(m);
	assert_int_equal(machine_restore(m, saved), -EBUSY);
	assert_int_equal(machine_resume(m), 0);
	assert_int_equal(m->state, MACHINE_RUNNING);
}

static void a_pc_comes_back_as_it_was(void **state)
{
	(void)state;
	comes_back(1);
}

static void a_uefi_machine_comes_back_as_it_was(void **state)
{
	(void)state;
	comes_back(2);
}

static void registers_and_blobs_of_each_vp_come_back(void **state)
{
	struct hv_register_assoc r = { .name = HV_X64_REGISTER_LSTAR };
	uint8_t blob[HV_VP_BLOB_BYTES];

	(void)state;
	machine_make(2, 2);
	assert_int_equal(machine_start(m), 0);
	assert_int_equal(machine_pause(m), 0);
	for (unsigned int i = 0; i < 2; i++) {
		r.value.reg64 = 0xffffffff81000000 + i;
		memset(blob, 0x40 + (int)i, sizeof(blob));
		hv_vp_set_registers(m->vps[i]->hv, &r, 1);
		hv_vp_set_blob(m->vps[i]->hv, HV_VP_BLOB_XSAVE, blob);
	}
	assert_int_equal(machine_save(m, saved), 0);
	machine_drop();
	machine_make(2, 2);
	assert_int_equal(machine_restore(m, saved), 0);
	for (unsigned int i = 0; i < 2; i++) {
		hv_vp_get_registers(m->vps[i]->hv, &r, 1);
		assert_int_equal(r.value.reg64, 0xffffffff81000000 + i);
		hv_vp_get_blob(m->vps[i]->hv, HV_VP_BLOB_XSAVE, blob);
		assert_int_equal(blob[100], 0x40 + i);
	}
}

/* Untouched memory costs nothing: four pages, the frame buffer's one, and the records. */
static void a_saved_file_holds_only_what_is_there(void **state)
{
	struct stat st;

	(void)state;
	save(2, 1);
	assert_int_equal(fstat(saved, &st), 0);
	assert_true((size_t)st.st_size < records_size + 32 * 4096);
}

static void what_belongs_to_another_machine_is_refused(void **state)
{
	(void)state;
	save(2, 2);
	machine_make(2, 1);
	assert_int_equal(machine_restore(m, saved), -EBADMSG);
	assert_int_equal(m->state, MACHINE_FAILED);
	machine_drop();
	machine_make(1, 2);
	assert_int_equal(machine_restore(m, saved), -EBADMSG);
}

static void a_file_that_was_cut_is_refused(void **state)
{
	struct stat st;

	(void)state;
	save(1, 1);
	assert_int_equal(fstat(saved, &st), 0);
	for (unsigned int i = 1; i <= 8; i++) {
		off_t size = i == 1 ? st.st_size - 1 : st.st_size - st.st_size / 8 * (i - 1) - 3;

		assert_int_equal(ftruncate(saved, size), 0);
		machine_make(1, 1);
		assert_int_equal(machine_restore(m, saved), -EBADMSG);
		assert_int_equal(m->state, MACHINE_FAILED);
		machine_drop();
	}
}

/* Refused or taken for what it says: it must only never harm the process. */
static void damaged_records_do_no_harm(void **state)
{
	unsigned int refused = 0;

	(void)state;
	save(2, 1);
	srand(1);
	for (unsigned int i = 0; i < 200; i++) {
		struct state *s;
		uint8_t *copy = malloc(records_size);

		memcpy(copy, records, records_size);
		for (unsigned int n = 0; n < 8; n++)
			copy[(size_t)rand() % (n < 4 ? 24000 : records_size)] ^= (uint8_t)(1 << (rand() % 8));
		machine_make(2, 1);
		assert_int_equal(machine_start(m), 0);
		assert_int_equal(machine_pause(m), 0);
		s = state_load_begin(copy, records_size);
		machine_lock(m);
		machine_state(m, s);
		machine_unlock(m);
		refused += state_load_end(s) < 0;
		machine_drop();
		free(copy);
	}
	assert_true(refused > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pc_comes_back_as_it_was), TEST(a_uefi_machine_comes_back_as_it_was), TEST(registers_and_blobs_of_each_vp_come_back),
		TEST(a_saved_file_holds_only_what_is_there), TEST(what_belongs_to_another_machine_is_refused),
		TEST(a_file_that_was_cut_is_refused), TEST(damaged_records_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
