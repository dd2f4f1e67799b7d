/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One synthetic device under test, with everything around it made up: a bus with as many channels as devices offer, whose
 * guest is the test; time that moves when the test says so; a display that notes what it is told. What the host sends waits
 * in a queue per channel until the test takes it. Rings, relids and GPADLs are tested in tests/unit/vmbus.
 */
#ifndef TESTS_FAKE_BUS_H
#define TESTS_FAKE_BUS_H

#include "vmwp/chipset/display.h"
#include "vmwp/vsp/vsp.h"

#define FAKE_DEVICES	16u
#define FAKE_QUEUE	64u

struct fake_sent { size_t size; bool completion; uint64_t transaction_id; uint8_t *bytes; };

struct vmbus_channel {
	const struct vmbus_device *kind;
	struct vmbus_offer offer;
	struct machine *machine;
	void *data;
	bool open, withdrawn, faulted, full, resumed;	/* full: the ring has no room */
	const char *fault;
	struct fake_sent queue[FAKE_QUEUE];
	unsigned int head, count;
	struct vmbus_channel *next;
};

struct memory_slot { uint64_t gpa, size; bool mapped; };

struct machine {
	struct device device[FAKE_DEVICES];
	unsigned int devices;
	struct vmbus_channel *channels;
	uint64_t now, reference_time;
	void (*on_connect)(struct vmbus *bus, const struct vmbus_connect *connect, void *context);
	void *connect_context;
	unsigned int connects_failed;
	/* display */
	struct display_source *source;
	struct { uint32_t first, count; } rows[64];
	unsigned int rows_count;
	const struct display_input_ops *input[DISPLAY_INPUTS];
	void *input_context[DISPLAY_INPUTS];
	/* memory */
	struct memory_slot slot[4];
	uint64_t ram_low, ram_high, ram_max;	/* bytes of RAM below and from 4 GiB on, and at most; one page backs it all */
	uint64_t released;			/* bytes given back to the host, in all */
	uint64_t vga_gpa;			/* where the VGA's frame buffer is; 0 nowhere */
	bool vga_covered;
};

struct device *fake_add(struct machine *m, const struct device_model *model);
void fake_clear(struct machine *m);
struct vmbus_channel *fake_channel(struct device *dev);		/* its newest offer that stands; NULL none */
int fake_open(struct vmbus_channel *c);
void fake_close(struct vmbus_channel *c);
bool fake_send(struct vmbus_channel *c, const void *payload, size_t size);	/* in-band, wants no completion */
bool fake_pipe_send(struct vmbus_channel *c, const void *message, size_t size);
/* The next packet from the host: its size, and a copy of at most `max` bytes; -1 there is none. */
int fake_take(struct vmbus_channel *c, void *to, size_t max);
int fake_pipe_take(struct vmbus_channel *c, void *to, size_t max);		/* without the pipe header */
void fake_advance(struct machine *m, uint64_t ns);
void fake_pump(void);			/* calls what is ready, until nothing is */

#endif
