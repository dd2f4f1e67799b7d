/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine for one device under test: vmwp/device.h without a hypervisor. Guest memory is an array,
 * interrupts are counted, time moves only when the test says so, descriptors are polled by fake_pump().
 */
#ifndef TESTS_FAKE_MACHINE_H
#define TESTS_FAKE_MACHINE_H

#include "vmwp/device.h"

#define FAKE_RAM	(4u << 20)
#define FAKE_SLOTS	12

struct fake_irq { bool level; unsigned int raised; };
struct memory_slot { uint64_t gpa, size, offset; int fd; bool used; };

struct machine {
	struct device device[4];
	size_t devices;
	uint8_t ram[FAKE_RAM];
	struct fake_irq irq[16];
	uint64_t now;
	bool reset_requested;
	unsigned int pauses_requested;
	char pause_reason[256];
	unsigned int maps;
	struct memory_slot slot[FAKE_SLOTS];
	bool dirty_unknown;		/* memory_dirty_pages() fails, as without hypervisor support */
	uint64_t dirty[4096 / 64];	/* pages of what memory_dirty_pages() is asked for, by their offset in the memfd */
	struct pci_function_model pci;
};

struct device *fake_add(struct machine *m, const struct device_model *model);	/* init and reset */
void fake_clear(struct machine *m);						/* fini of all */
bool fake_pump(struct machine *m, int timeout_ms);	/* calls what is ready; false: nothing was */
void fake_advance(struct machine *m, uint64_t ns);	/* moves time and fires timers */

uint32_t fake_in(struct machine *m, uint16_t port, unsigned int size);
void fake_out(struct machine *m, uint16_t port, unsigned int size, uint32_t value);
uint32_t fake_ins(struct machine *m, uint16_t port, unsigned int size, void *to, uint32_t count);	/* as REP INS: all of count */
void fake_outs(struct machine *m, uint16_t port, unsigned int size, const void *from, uint32_t count);
/* By mapping when there is one, else by handler; returns whether it was trapped. */
bool fake_mmio_write(struct machine *m, uint64_t gpa, unsigned int size, uint64_t value);
uint64_t fake_mmio_read(struct machine *m, uint64_t gpa, unsigned int size);

#endif
