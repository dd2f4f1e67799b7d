/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine behind device.h: what the worker's own parts (control, VPs, memory, interrupt routing) share.
 * Devices include device.h only. Fields are guarded by `lock` unless they say otherwise.
 */
#ifndef VMWP_MACHINE_H
#define VMWP_MACHINE_H

#include "hvclient/hvclient.h"
#include "vmwp/config.h"
#include "vmwp/device.h"

#include <pthread.h>
#include <stdatomic.h>
#include <systemd/sd-event.h>

#define MACHINE_DEVICES_MAX	48
#define MACHINE_VPS_MAX		64
#define RAM_LOW_MAX		0xc0000000ull	/* RAM below 4 GiB; the rest starts at 4 GiB */
#define RAM_HIGH_BASE		0x100000000ull

enum machine_state { MACHINE_CREATED, MACHINE_RUNNING, MACHINE_PAUSED, MACHINE_OFF, MACHINE_FAILED };
enum machine_gate { GATE_PARK, GATE_RUN, GATE_EXIT };	/* what VP threads may do */

struct disk;
struct vp;
struct io_map;
struct guest_memory_map;
struct clockwork;
struct fd_watches;
struct net_adapter;
struct vmbus;
struct state;

struct machine {
	pthread_mutex_t lock;
	sd_event *loop;				/* used by the event loop's thread only */
	int mshv_fd;
	struct vm_config config;		/* constant once configured */
	struct hv_partition *partition;		/* replaced on reset while every VP is parked */

	struct device devices[MACHINE_DEVICES_MAX];
	unsigned int device_count;
	struct io_map *io;
	struct guest_memory_map *memory;
	struct clockwork *clock;
	struct fd_watches *watches;
	struct net_adapter *adapters;		/* vsp/net.c */
	struct vmbus *vmbus;			/* its calls for VP threads need no lock (vmbus/server.h) */
	struct device *pic, *ioapic, *pci_host, *fw_cfg, *pm;	/* set by their init */

	enum machine_state state;		/* changed by the event loop's thread only */
	char reason[256];
	uint64_t started_ns;			/* CLOCK_MONOTONIC at Start */
	void (*state_changed)(struct machine *m, void *context);
	void *state_context;

	struct vp *vps[MACHINE_VPS_MAX];
	unsigned int vp_count;
	_Atomic int gate;			/* enum machine_gate; read by VP threads without a lock */
	pthread_mutex_t gate_lock;		/* guards parked; below `lock` in order */
	pthread_cond_t gate_opened, vp_parked;
	unsigned int parked;

	struct {				/* asked by a handler, carried out by the event loop */
		bool reset, power_off, fail, pause;
		char fail_reason[256], pause_reason[256];
	} request;
	int request_fd;				/* eventfd */
};

/* machine.c; all on the event loop's thread and without the lock */
int machine_create(sd_event *loop, int mshv_fd, struct machine **out);
void machine_destroy(struct machine *m);			/* accepts NULL */
int machine_configure(struct machine *m, struct vm_config *config);	/* takes the descriptors of *config on success */
/* The disk of a configured drive, with its parents, whose descriptors leave *d on success. */
int vm_disk_open(struct vm_disk *d, struct disk **out);
const char *machine_state_name(enum machine_state state);

/* lifecycle.c; same rules. 0, -EBUSY in the wrong state, or what failed */
int machine_power_on(struct machine *m);		/* a partition with VPs as after RESET; parked, lock held */
void machine_run_time(struct machine *m, bool run);	/* lock held */
void machine_devices_reset(struct machine *m);		/* lock held */
void machine_set_state(struct machine *m, enum machine_state state, const char *reason);
void machine_stop(struct machine *m, enum machine_state state, const char *reason);
int machine_watch_requests(struct machine *m);
int machine_start(struct machine *m);
int machine_pause(struct machine *m);
int machine_resume(struct machine *m);
int machine_reset(struct machine *m, const char *reason);
int machine_turn_off(struct machine *m, const char *reason);
int machine_press_power_button(struct machine *m);

/* From any thread: stops the VM as failed; the first reason wins. */
void machine_fail(struct machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
void machine_stop_triple_fault(struct machine *m);

/* io_map.c: lock held */
int io_map_create(struct io_map **out);
void io_map_destroy(struct io_map *io);
int io_map_add_device(struct machine *m, struct device *dev);
struct port_claim { struct device *dev; struct port_range range; };
struct mmio_claim { struct device *dev; struct mmio_range range; };
const struct port_claim *io_map_port(const struct machine *m, uint16_t port);	/* NULL: nobody */
const struct mmio_claim *io_map_mmio(const struct machine *m, uint64_t gpa);
uint32_t machine_port_read(struct machine *m, uint16_t port, unsigned int size);
void machine_port_write(struct machine *m, uint16_t port, unsigned int size, uint32_t value);
uint64_t machine_mmio_read(struct machine *m, uint64_t gpa, unsigned int size);
void machine_mmio_write(struct machine *m, uint64_t gpa, unsigned int size, uint64_t value);

/* memory.c */
int guest_memory_create(struct machine *m, uint64_t bytes);
void guest_memory_destroy(struct machine *m);
int guest_memory_attach(struct machine *m);			/* maps everything into a new partition */
/* The descriptor whose bytes all of RAM is, in the order of *ram: below 4 GiB, then above. */
int guest_memory_backing(struct machine *m, uint8_t **ram, uint64_t *bytes);
void guest_memory_state(struct machine *m, struct state *s);

/* saved_memory.c: the content of RAM in a file from `offset` on; *offset is behind it then. 0 or negative errno */
int guest_memory_save(struct machine *m, int fd, uint64_t *offset);
int guest_memory_load(struct machine *m, int fd, uint64_t *offset);	/* into RAM that nobody has touched */

/* saved_state.c: the rules of lifecycle.c. Nothing else is answered meanwhile: whatever ran would change what is saved. */
int machine_save(struct machine *m, int fd);		/* a paused machine, which stays so; -EBUSY else, or when it cannot now */
int machine_restore(struct machine *m, int fd);		/* a created one, which is paused then, or failed: -EBADMSG */
void machine_state(struct machine *m, struct state *s);	/* all but the content of RAM; lock held */

/* clock.c: machine time and device timers */
int clockwork_create(struct machine *m);
void clockwork_destroy(struct machine *m);
void clockwork_run(struct machine *m, bool run);		/* lock held; starts and stops machine time */
void clockwork_state(struct machine *m, struct state *s);	/* while it stands still */

/* watch.c */
int fd_watches_create(struct machine *m);
void fd_watches_destroy(struct machine *m);

/* irq.c: lock held */
void irq_pic_output(struct machine *m, bool asserted, uint8_t vector);	/* the PIC's INTR line, or its vector, changed */
bool irq_pic_was_taken(struct machine *m);	/* the guest took the vector offered last; the caller acknowledges it */
void irq_apic_eoi(struct machine *m, uint8_t vector);

/* chipset/pci.c: lock held */
void pci_reset(struct machine *m);

#endif
