/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an emulated device is: a table of ranges and handlers plus its state. board.c lists the devices in power-on order.
 * Every handler runs with the machine lock held, on a VP thread or on the event loop's thread; it must not block.
 */
#ifndef VMWP_DEVICE_H
#define VMWP_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;
struct device;
struct state;

struct port_range {
	uint16_t base, count;
	uint32_t (*read)(struct device *dev, uint16_t port, unsigned int size);		/* size 1, 2, 4; port is absolute */
	void (*write)(struct device *dev, uint16_t port, unsigned int size, uint32_t value);
	/* Optional, for REP INS/OUTS of whole blocks (IDE data port); return elements done, 0 = do them one by one. */
	uint32_t (*read_block)(struct device *dev, uint16_t port, unsigned int size, void *to, uint32_t count);
	uint32_t (*write_block)(struct device *dev, uint16_t port, unsigned int size, const void *from, uint32_t count);
};

struct mmio_range {
	uint64_t base, size;
	uint64_t (*read)(struct device *dev, uint64_t offset, unsigned int size);	/* size 1, 2, 4, 8 */
	void (*write)(struct device *dev, uint64_t offset, unsigned int size, uint64_t value);
};

#define DEVICE_RANGES_MAX 6
struct device_model {
	const char *name;
	size_t state_size;			/* zeroed at power-on, before init */
	struct port_range ports[DEVICE_RANGES_MAX];	/* unused rows are zero */
	struct mmio_range mmio[DEVICE_RANGES_MAX];
	int (*init)(struct device *dev);	/* once; may be NULL; claims what is not fixed (PCI function, ROM, descriptors) */
	void (*reset)(struct device *dev);	/* power-on and guest reset */
	void (*resumed)(struct device *dev);	/* the machine runs again after a pause; may be NULL */
	void (*fini)(struct device *dev);
	void (*settle)(struct device *dev);	/* parked, about to be saved: ends what is on its way; may be NULL */
	void (*state)(struct device *dev, struct state *s);	/* the record's fields, both ways (state.h); NULL: it has none */
	uint32_t state_version;			/* of the saved record */
};

struct device {
	const struct device_model *model;
	struct machine *machine;
	void *state;
};

static inline void *device_state(struct device *dev) { return dev->state; }
static inline uint32_t port_float(unsigned int size) { return size >= 4 ? ~0u : (1u << (8 * size)) - 1; }	/* an empty bus reads as all ones */

/* --- what a device may ask of the machine (machine.c, irq.c, pci.c, memory.c) --- */
/* Ports and MMIO whose place the guest chooses (I/O and memory BARs). The range is copied; later claims win while they
 * last. -ENOSPC when there are too many. Unclaiming what is not claimed does nothing. */
int port_claim(struct device *dev, const struct port_range *range);
void port_unclaim(struct device *dev, uint16_t base);
int mmio_claim(struct device *dev, const struct mmio_range *range);
void mmio_unclaim(struct device *dev, uint64_t base);

struct device *machine_device(struct machine *m, const struct device_model *model);
void machine_lock(struct machine *m);
void machine_unlock(struct machine *m);

/* ISA interrupt lines 0..15 and PCI INTx: level as the device drives it; the PIC and the IOAPIC see both edges. */
void irq_set(struct machine *m, unsigned int line, bool level);

/* Timers of a device, on the event loop; time is CLOCK_MONOTONIC nanoseconds and stops while the VM is paused. */
struct device_timer;
struct device_timer *device_timer_new(struct device *dev, void (*fire)(struct device *dev));
void device_timer_arm(struct device_timer *t, uint64_t deadline_ns);	/* 0 disarms */
bool device_timer_armed(const struct device_timer *t);
void device_timer_free(struct device_timer *t);
uint64_t machine_now_ns(struct machine *m);

/* Calls `ready` on the event loop (machine lock held) when fd is readable/writable; events as in epoll. */
int device_watch_fd(struct device *dev, int fd, uint32_t events, void (*ready)(struct device *dev, int fd, uint32_t events));
void device_unwatch_fd(struct device *dev, int fd);

/* Guest RAM by GPA: NULL when any byte of the range is not RAM. Hostile: guests change it while we look. */
void *guest_memory(struct machine *m, uint64_t gpa, uint64_t size);
int guest_read(struct machine *m, uint64_t gpa, void *to, size_t size);		/* 0 or -EFAULT */
int guest_write(struct machine *m, uint64_t gpa, const void *from, size_t size);

/* How much RAM there is: bytes below and above 4 GiB now, in all at most, and the room for it (with what alignment loses). */
uint64_t guest_ram_low(const struct machine *m), guest_ram_high(const struct machine *m);
uint64_t guest_ram_max(const struct machine *m), guest_ram_space(const struct machine *m);
int guest_memory_grow(struct machine *m, uint64_t high);	/* RAM above 4 GiB becomes so long, until the next reset */
/* Gives whole pages of RAM back to the host. They read as zeros afterwards, and cost memory again once touched. */
int guest_memory_release(struct machine *m, uint64_t gpa, uint64_t size);

/* Power. Safe from any handler: carried out after it returns. */
void machine_request_reset(struct machine *m);
void machine_request_power_off(struct machine *m);
/* The machine pauses with this reason, until somebody resumes it. One that is paused already stays as it is. */
void machine_request_pause(struct machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A PCI function on bus 0. Config space behaviour is pci.c's; BARs call back when the guest moves or enables them. */
struct pci_function;
#define PCI_ROM_BAR 6
struct pci_bar { uint64_t size; bool io; bool prefetchable; void (*moved)(struct device *dev, unsigned int bar, uint64_t address, bool enabled); };
struct pci_function_model {
	uint8_t slot, function;
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint8_t revision, prog_if, subclass, class;
	uint8_t interrupt_pin;				/* 0 none, 1 INTA */
	struct pci_bar bars[7];				/* [PCI_ROM_BAR]: the expansion ROM */
	const char *rom_fw_cfg_name;			/* informational */
	/* Device-specific config bytes; return false for the default behaviour. */
	bool (*config_read)(struct device *dev, unsigned int offset, unsigned int size, uint32_t *value);
	bool (*config_write)(struct device *dev, unsigned int offset, unsigned int size, uint32_t value);
};
struct pci_function *pci_register(struct device *dev, const struct pci_function_model *model);
void pci_set_irq(struct pci_function *f, bool level);

/* Maps `size` bytes of memfd `fd` at `offset` as guest memory at `gpa` (frame buffers, ROM windows). Slots are the caller's
 * handle for unmapping. With track_dirty, machine_dirty_pages() tells which 4 KiB pages the guest wrote since last asked. */
struct memory_slot;
struct memory_slot *memory_map(struct machine *m, uint64_t gpa, uint64_t size, int fd, uint64_t offset, bool writable);
void memory_unmap(struct memory_slot *s);	/* accepts NULL */
int memory_dirty_pages(struct memory_slot *s, uint64_t *bitmap, size_t bits);	/* fills and clears; 0 or negative errno */

/* fw_cfg file for the firmware ("etc/…"); data is copied. */
int fw_cfg_add_file(struct machine *m, const char *name, const void *data, size_t size);

#endif
