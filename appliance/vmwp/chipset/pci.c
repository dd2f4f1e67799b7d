/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI bus 0: configuration mechanism #1 (PCI 3.0, 3.2.2.3.2), the functions on it, their BARs and INTx lines. The Q35 adds
 * the memory-mapped way to configuration space (q35.c).
 */
#include "vmwp/chipset/board.h"
#include "vmwp/machine.h"
#include "vmwp/state.h"

#include <string.h>

#define PORT_ADDRESS	0xcf8
#define PORT_DATA	0xcfc
#define ADDRESS_ENABLE	0x80000000u
#define FUNCTIONS_MAX	16u

#define CFG_COMMAND	0x04
#define CFG_STATUS	0x06
#define CFG_BAR0	0x10
#define CFG_SUBSYSTEM	0x2c
#define CFG_ROM		0x30
#define CFG_IRQ_LINE	0x3c
#define CFG_IRQ_PIN	0x3d
#define COMMAND_IO	0x0001
#define COMMAND_MEMORY	0x0002
#define COMMAND_INTX_OFF 0x0400
#define COMMAND_WRITABLE 0x0507
#define STATUS_INTERRUPT 0x08
#define BAR_IO		1u
#define BAR_PREFETCH	8u
#define ROM_ENABLE	1u
#define BARS		(PCI_ROM_BAR + 1)	/* six and the expansion ROM, whose register is elsewhere */

struct pci_function {
	struct device *dev;
	const struct pci_function_model *model;
	uint8_t config[256];
	bool level;				/* as the device drives INTx */
	bool bar_enabled[BARS];
	uint32_t bar_address[BARS];
};

struct pci_host {
	uint32_t address;
	struct pci_function functions[FUNCTIONS_MAX];
	unsigned int count;
	uint8_t route[PCI_PIRQS];		/* PIIX: bit 7 = not routed, 3:0 = ISA IRQ */
	uint16_t driven;			/* ISA lines that PIRQs hold up now */
};

static uint32_t config_get(const struct pci_function *f, unsigned int offset, unsigned int size)
{
	uint32_t value = 0;

	memcpy(&value, f->config + offset, size);
	return value;
}

static void config_put(struct pci_function *f, unsigned int offset, unsigned int size, uint32_t value)
{
	memcpy(f->config + offset, &value, size);
}

uint8_t *pci_config(struct pci_function *f)
{
	return f->config;
}

/* --- INTx: slot and pin → PIRQ A-D → ISA line; firmware/dsdt.asl's _PRT says the same --- */

static unsigned int function_pirq(const struct pci_function *f)
{
	return (f->model->slot - 1u + f->model->interrupt_pin - 1u) % PCI_PIRQS;
}

static uint16_t pirq_lines(const struct pci_host *host)
{
	uint16_t lines = 0;

	for (unsigned int i = 0; i < host->count; i++) {
		const struct pci_function *f = &host->functions[i];
		uint8_t route;

		if (!f->level || config_get(f, CFG_COMMAND, 2) & COMMAND_INTX_OFF)
			continue;
		route = host->route[function_pirq(f)];
		if (!(route & 0x80))
			lines |= (uint16_t)(1u << (route & 15));
	}
	return lines;
}

static void pirqs_update(struct machine *m)
{
	struct pci_host *host = device_state(m->pci_host);
	uint16_t lines = pirq_lines(host), changed = lines ^ host->driven;

	host->driven = lines;
	for (unsigned int line = 0; line < 16; line++)
		if (changed & (1u << line))
			irq_set(m, line, lines & (1u << line));
}

void pci_route_pirqs(struct machine *m, const uint8_t route[PCI_PIRQS])
{
	struct pci_host *host = device_state(m->pci_host);

	memcpy(host->route, route, sizeof(host->route));
	pirqs_update(m);
}

void pci_set_irq(struct pci_function *f, bool level)
{
	if (!f->model->interrupt_pin || f->level == level)
		return;
	f->level = level;
	f->config[CFG_STATUS] = level ? f->config[CFG_STATUS] | STATUS_INTERRUPT : f->config[CFG_STATUS] & ~STATUS_INTERRUPT;
	pirqs_update(f->dev->machine);
}

/* --- BARs --- */

static unsigned int bar_register(unsigned int bar)
{
	return bar == PCI_ROM_BAR ? CFG_ROM : CFG_BAR0 + 4 * bar;
}

static void bar_update(struct pci_function *f, unsigned int bar)
{
	const struct pci_bar *b = &f->model->bars[bar];
	uint32_t value = config_get(f, bar_register(bar), 4), address = value & (uint32_t)~(b->size - 1);
	bool enabled = config_get(f, CFG_COMMAND, 2) & (b->io ? COMMAND_IO : COMMAND_MEMORY) && address;

	if (bar == PCI_ROM_BAR && !(value & ROM_ENABLE))
		enabled = false;
	if (!b->size || (enabled == f->bar_enabled[bar] && (!enabled || address == f->bar_address[bar])))
		return;
	if (f->bar_enabled[bar] && enabled && b->moved)		/* leave the old place before taking the new one */
		b->moved(f->dev, bar, f->bar_address[bar], false);
	f->bar_enabled[bar] = enabled;
	f->bar_address[bar] = address;
	if (b->moved)
		b->moved(f->dev, bar, address, enabled);
}

static void bar_write(struct pci_function *f, unsigned int bar, uint32_t value)
{
	const struct pci_bar *b = &f->model->bars[bar];

	if (!b->size)
		return;
	if (bar == PCI_ROM_BAR)
		value &= (uint32_t)~(b->size - 1) | ROM_ENABLE;
	else
		value = (value & (uint32_t)~(b->size - 1)) | (b->io ? BAR_IO : b->prefetchable ? BAR_PREFETCH : 0);
	config_put(f, bar_register(bar), 4, value);
	bar_update(f, bar);
}

/* --- the default behaviour of config space --- */

static void command_write(struct pci_function *f, uint16_t value)
{
	config_put(f, CFG_COMMAND, 2, value & COMMAND_WRITABLE);
	for (unsigned int bar = 0; bar < BARS; bar++)
		bar_update(f, bar);
	pirqs_update(f->dev->machine);
}

static bool is_bar(unsigned int offset)
{
	return offset >= CFG_BAR0 && offset < CFG_BAR0 + 24;
}

static void config_write_default(struct pci_function *f, unsigned int offset, unsigned int size, uint32_t value)
{
	unsigned int base = offset & ~3u, shift = 8 * (offset & 3);
	uint32_t mask = port_float(size) << shift, merged = (config_get(f, base, 4) & ~mask) | (value << shift & mask);

	if (is_bar(offset))
		bar_write(f, (base - CFG_BAR0) / 4, merged);
	else if (base == CFG_ROM)
		bar_write(f, PCI_ROM_BAR, merged);
	else if (base == CFG_COMMAND && offset < CFG_STATUS)
		command_write(f, (uint16_t)merged);
	else if (offset == 0x0c || offset == 0x0d || offset == CFG_IRQ_LINE)
		f->config[offset] = (uint8_t)value;
	else if (offset >= 0x40)
		config_put(f, offset, size, value);
}

static struct pci_function *function_at(struct pci_host *host, uint32_t bus_device_function)
{
	for (unsigned int i = 0; i < host->count; i++)
		if ((host->functions[i].model->slot * 8u | host->functions[i].model->function) == bus_device_function)
			return &host->functions[i];
	return NULL;
}

/* `address` as the memory-mapped way has it: bus 27:20, device and function 19:12, register 11:0. */
uint32_t pci_config_read(struct machine *m, uint32_t address, unsigned int size)
{
	struct pci_function *f = function_at(device_state(m->pci_host), address >> 12);
	unsigned int offset = address & 0xfff;
	uint32_t value;

	if (!f || (offset & 3) + size > 4)
		return port_float(size);
	if (offset >= sizeof(f->config))
		return 0;			/* no extended capabilities */
	if (f->model->config_read && f->model->config_read(f->dev, offset, size, &value))
		return value;
	return config_get(f, offset, size);
}

void pci_config_write(struct machine *m, uint32_t address, unsigned int size, uint32_t value)
{
	struct pci_function *f = function_at(device_state(m->pci_host), address >> 12);
	unsigned int offset = address & 0xfff;

	if (!f || (offset & 3) + size > 4 || offset >= sizeof(f->config))
		return;
	if (f->model->config_write && f->model->config_write(f->dev, offset, size, value))
		return;
	config_write_default(f, offset, size, value);
}

/* The same address from that of mechanism #1; an access that crosses a dword cannot come this way. */
static uint32_t data_address(const struct pci_host *host, uint16_t port)
{
	return (host->address & 0xffff00) << 4 | ((host->address & 0xfc) + (port - PORT_DATA));
}

static uint32_t pci_data_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct pci_host *host = device_state(dev);

	if (!(host->address & ADDRESS_ENABLE))
		return port_float(size);
	return pci_config_read(dev->machine, data_address(host, port), size);
}

static void pci_data_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct pci_host *host = device_state(dev);

	if (host->address & ADDRESS_ENABLE)
		pci_config_write(dev->machine, data_address(host, port), size, value);
}

static uint32_t pci_address_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct pci_host *host = device_state(dev);

	(void)port;
	return size == 4 ? host->address : port_float(size);
}

static void pci_address_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct pci_host *host = device_state(dev);

	(void)port;
	if (size == 4)
		host->address = value;
}

/* --- functions --- */

static void function_reset(struct pci_function *f, bool multifunction)
{
	const struct pci_function_model *model = f->model;

	config_put(f, CFG_COMMAND, 2, 0);
	for (unsigned int bar = 0; bar < BARS; bar++)
		bar_update(f, bar);			/* disabled now */
	memset(f->config, 0, sizeof(f->config));
	config_put(f, 0x00, 2, model->vendor);
	config_put(f, 0x02, 2, model->device);
	f->config[0x08] = model->revision;
	f->config[0x09] = model->prog_if;
	f->config[0x0a] = model->subclass;
	f->config[0x0b] = model->class;
	f->config[0x0e] = multifunction ? 0x80 : 0;
	config_put(f, CFG_SUBSYSTEM, 2, model->subsystem_vendor);
	config_put(f, CFG_SUBSYSTEM + 2, 2, model->subsystem);
	f->config[CFG_IRQ_PIN] = model->interrupt_pin;
	f->level = false;
	for (unsigned int bar = 0; bar < BARS; bar++)
		bar_write(f, bar, 0);
}

static bool slot_has_more(const struct pci_host *host, const struct pci_function *f)
{
	for (unsigned int i = 0; i < host->count; i++)
		if (host->functions[i].model->slot == f->model->slot && host->functions[i].model->function != f->model->function)
			return true;
	return false;
}

void pci_reset(struct machine *m)
{
	struct pci_host *host = device_state(m->pci_host);

	host->address = 0;
	memset(host->route, 0x80, sizeof(host->route));
	for (unsigned int i = 0; i < host->count; i++)
		function_reset(&host->functions[i], slot_has_more(host, &host->functions[i]));
	pirqs_update(m);
}

struct pci_function *pci_register(struct device *dev, const struct pci_function_model *model)
{
	struct pci_host *host = device_state(dev->machine->pci_host);
	struct pci_function *f;

	if (host->count == FUNCTIONS_MAX)
		return NULL;
	f = &host->functions[host->count++];
	f->dev = dev;
	f->model = model;
	function_reset(f, false);
	return f;
}

/* --- state: lines are as their controllers' records say, so nothing is raised here --- */

static void function_load(struct pci_function *f, const uint8_t config[256])
{
	for (unsigned int bar = 0; bar < BARS; bar++) {
		uint32_t value;

		memcpy(&value, config + bar_register(bar), sizeof(value));
		bar_write(f, bar, le32toh(value));		/* still disabled */
	}
	for (unsigned int i = 0; i < 256; i++)		/* not what a function is, nor its BARs */
		if (i >= 0x40 || i == 0x06 || i == 0x07 || i == 0x0c || i == 0x0d || i == CFG_IRQ_LINE)
			f->config[i] = config[i];
	config_put(f, CFG_COMMAND, 2, (config[CFG_COMMAND] | (uint32_t)config[CFG_COMMAND + 1] << 8) & COMMAND_WRITABLE);
	for (unsigned int bar = 0; bar < BARS; bar++)
		bar_update(f, bar);
}

static void function_state(struct pci_function *f, struct state *s)
{
	uint8_t config[256];

	memcpy(config, f->config, sizeof(config));
	state_bytes(s, config, sizeof(config));
	state_bool(s, &f->level);
	if (!state_loading(s) || state_error(s))
		return;
	if (memcmp(config, f->config, 4) != 0)		/* another device was in this place */
		state_refuse(s);
	else
		function_load(f, config);
}

static void pci_host_state(struct device *dev, struct state *s)
{
	struct pci_host *host = device_state(dev);
	uint32_t count = host->count;

	state_u32(s, &host->address);
	state_bytes(s, host->route, sizeof(host->route));
	state_u16(s, &host->driven);
	state_u32(s, &count);
	if (count != host->count)
		state_refuse(s);
	for (unsigned int i = 0; i < host->count && !state_error(s); i++)
		function_state(&host->functions[i], s);
}

static int pci_host_init(struct device *dev)
{
	struct pci_host *host = device_state(dev);

	dev->machine->pci_host = dev;
	memset(host->route, 0x80, sizeof(host->route));
	return 0;
}

const struct device_model pci_host_model = {
	.name = "pci-host", .state_size = sizeof(struct pci_host), .state_version = 1,
	.ports = {
		{ PORT_ADDRESS, 1, pci_address_read, pci_address_write, NULL, NULL },
		{ PORT_DATA, 4, pci_data_read, pci_data_write, NULL, NULL },
	},
	.init = pci_host_init, .state = pci_host_state,
};
