/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's accesses to the ports, memory and PCI configuration of emulated devices, in a whole machine of either generation: any
 * order, any size, blocks, with descriptors for DMA in its memory, while time passes. FUZZ_TARGET names the row of devices.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmwp/fake_hv.h"

#include "partita/log.h"
#include "vmwp/chipset/board.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY		(64ull << 20)
#define DISK_BYTES	(1u << 20)
#define CODE_BYTES	0x10000u
#define VARS_BYTES	0x4000u
#define SCRATCH		0x10000u		/* guest memory that addresses are likely to point to */
#define PORTS_MAX	256u
#define BLOCK_MAX	1024u

static const struct {
	const char *target;
	unsigned int generation;
	const char *devices[4];
	uint64_t mmio, mmio_size;
	uint8_t slot, function;			/* on the PCI bus */
} rows[] = {
	{ "ide", 1, { "ide" }, 0, 0, 1, 1 },
	{ "vga", 1, { "vga" }, 0xa0000, 0x20000, 2, 0 },
	{ "timers", 1, { "pit", "rtc", "pm" }, 0, 0, 1, 3 },
	{ "interrupts", 1, { "pic", "ioapic", "dma" }, 0xfec00000, 0x1000, 1, 0 },
	{ "serial_ps2", 1, { "serial", "ps2", "debug-port" }, 0, 0, 1, 0 },
	{ "fw_cfg", 2, { "fw_cfg" }, 0, 0, 0x1f, 0 },
	{ "flash", 2, { "pci-host" }, 0x100000000ull - CODE_BYTES - VARS_BYTES, CODE_BYTES + VARS_BYTES, 0, 0 },
	{ "pci", 2, { "pci-host", "uefi-rom", "q35-lpc" }, 0xe0000000, 0x100000, 0, 0 },
};

static struct machine *m;
static unsigned int row;
static uint16_t ports[PORTS_MAX];
static unsigned int port_count;
static bool moved;				/* ports[] may not be as after a reset */

/* --- the machine --- */

static int file_of(size_t size)
{
	int fd = memfd_create("fuzz", MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		abort();
	return fd;
}

static void machine_make(void)
{
	struct vm_config config;

	vm_config_init(&config);
	config.generation = rows[row].generation;
	config.memory_bytes = MEMORY;
	config.processors = 2;
	if (config.generation == 1) {
		config.bios_fd = fake_bios();
		config.disks[0] = (struct vm_disk){ .fd = file_of(DISK_BYTES), .format = "raw" };
		config.disks[1] = (struct vm_disk){ .fd = file_of(DISK_BYTES), .cd = true, .place = { .controller = 1 }, .format = "iso" };
		config.disk_count = 2;
	} else {
		config.code_fd = file_of(CODE_BYTES);
		config.vars_fd = file_of(VARS_BYTES);
		config.driver_fd = file_of(5000);
	}
	m = fake_machine_configured(&config, true);
}

static bool is_wanted(const struct device *dev)
{
	for (unsigned int i = 0; i < 4 && rows[row].devices[i]; i++)
		if (!strcmp(dev->model->name, rows[row].devices[i]))
			return true;
	return false;
}

static void ports_list(void)
{
	port_count = 0;
	for (uint32_t port = 0; port < 0x10000; port++) {
		const struct port_claim *c = io_map_port(m, (uint16_t)port);

		if (c && is_wanted(c->dev) && port_count < PORTS_MAX)
			ports[port_count++] = (uint16_t)port;
	}
}

static void config_write(uint8_t offset, unsigned int size, uint32_t value)
{
	machine_port_write(m, 0xcf8, 4, 1u << 31 | (uint32_t)rows[row].slot << 11 | (uint32_t)rows[row].function << 8 | (offset & 0xfc));
	machine_port_write(m, (uint16_t)(0xcfc + (offset & 3)), size, value);
}

static uint32_t config_read(uint8_t offset, unsigned int size)
{
	machine_port_write(m, 0xcf8, 4, 1u << 31 | (uint32_t)rows[row].slot << 11 | (uint32_t)rows[row].function << 8 | (offset & 0xfc));
	return machine_port_read(m, (uint16_t)(0xcfc + (offset & 3)), size);
}

/* As after a reset; what has a place of the guest's choice gets one. */
static void begin(void)
{
	static const uint8_t zeros[SCRATCH];

	if (!m) {
		while (strcmp(rows[row].target, FUZZ_TARGET))
			row++;
		log_threshold(LOG_LEVEL_ERROR);
		machine_make();
	}
	machine_lock(m);
	pci_reset(m);
	for (unsigned int i = 0; i < m->device_count; i++)
		if (m->devices[i].model->reset && is_wanted(&m->devices[i]))
			m->devices[i].model->reset(&m->devices[i]);
	guest_write(m, SCRATCH, zeros, sizeof(zeros));
	config_write(0x20, 4, 0xc000);
	config_write(0x10, 4, 0xf0000000);
	config_write(0x04, 2, 7);
	if (!port_count || moved)
		ports_list();
	moved = false;
	machine_unlock(m);
}

/* --- what the guest does --- */

static uint32_t value(void)
{
	switch (below(4)) {
	case 0:
		return SCRATCH + 8 * below(64);
	case 1:
		return any();
	default:
		return (uint32_t)input_number(1);
	}
}

static uint16_t any_port(void)
{
	return port_count && !once_in(32) ? ports[below(port_count)] : (uint16_t)input_number(2);
}

static void block_access(uint16_t port, unsigned int size)
{
	const struct port_claim *c = io_map_port(m, port);
	uint32_t count = below(BLOCK_MAX / size) + 1;
	uint8_t *bytes = calloc(count, size);		/* exactly so much, for the sanitizer */

	input_take(bytes, 16 < count * size ? 16 : count * size);
	if (c && c->range.read_block && below(2))
		c->range.read_block(c->dev, port, size, bytes, count);
	else if (c && c->range.write_block)
		c->range.write_block(c->dev, port, size, bytes, count);
	free(bytes);
}

static void memory_write(void)
{
	uint8_t bytes[64];
	size_t size = below(sizeof(bytes)) + 1;

	input_take(bytes, size);
	guest_write(m, SCRATCH + 8 * below(64), bytes, size);
}

static void mmio_access(void)
{
	uint64_t gpa = rows[row].mmio + input_number(4) % (rows[row].mmio_size ? rows[row].mmio_size : 4096);
	unsigned int size = 1u << below(4);

	gpa &= ~(uint64_t)(size - 1);
	if (below(2))
		machine_mmio_write(m, gpa, size, input_number(size));
	else
		(void)machine_mmio_read(m, gpa, size);
}

static void config_access(void)
{
	unsigned int size = 1u << below(3);
	uint8_t offset = (uint8_t)(input_number(1) & ~(size - 1));

	if (below(2))
		config_write(offset, size, value());
	else
		(void)config_read(offset, size);
	if (once_in(16)) {			/* a BAR may have moved */
		ports_list();
		moved = true;
	}
}

static void act(void)
{
	unsigned int size = 1u << below(3);
	uint16_t port;

	switch (below(16)) {
	case 0: case 1:
		mmio_access();
		break;
	case 2:
		config_access();
		break;
	case 3:
		memory_write();
		break;
	case 4:
		block_access(any_port(), size);
		break;
	case 5: case 6: case 7: case 8:
		(void)machine_port_read(m, any_port(), size);
		break;
	default:
		port = any_port();
		machine_port_write(m, port, once_in(3) ? size : 1, value());
	}
}

static void events_run(void)
{
	machine_unlock(m);
	while (sd_event_run(m->loop, 0) > 0)
		;
	machine_lock(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input_begin(data, size);
	begin();
	machine_lock(m);
	while (input_left()) {
		act();
		if (once_in(8))
			events_run();
	}
	memset(&m->request, 0, sizeof(m->request));	/* reset, power-off: nobody carries them out here */
	events_run();
	machine_unlock(m);
	return 0;
}
