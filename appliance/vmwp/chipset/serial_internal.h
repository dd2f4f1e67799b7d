/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by serial.c (the UARTs) and serial_stream.c (the streams of viewers and the scrollback).
 */
#ifndef VMWP_CHIPSET_SERIAL_INTERNAL_H
#define VMWP_CHIPSET_SERIAL_INTERNAL_H

#include "vmwp/chipset/serial.h"

#define SERIAL_PORTS		2u
#define SERIAL_STREAMS		4u
#define SERIAL_SCROLLBACK	65536u
#define SERIAL_FIFO		16u

struct serial_stream {
	int fd;				/* -1: free */
	uint32_t watched;		/* epoll events */
	uint64_t sent;			/* of serial_port.written */
};

struct serial_port {
	struct serial *serial;
	unsigned int irq;
	uint8_t ier, lcr, mcr, scratch, fcr, lsr_errors, msr_changes;
	uint16_t divisor;
	bool transmit_interrupt;	/* the holding register became empty and nobody was told */
	uint8_t fifo[SERIAL_FIFO];
	uint32_t fifo_head, fifo_count;

	struct serial_stream stream[SERIAL_STREAMS];
	uint8_t scrollback[SERIAL_SCROLLBACK];
	uint64_t written;		/* bytes ever; the last SERIAL_SCROLLBACK of them are kept */
};

struct serial {
	struct device *device;
	struct serial_port port[SERIAL_PORTS];
};

/* serial.c */
uint32_t serial_room(const struct serial_port *p);
void serial_receive(struct serial_port *p, const uint8_t *bytes, uint32_t count);	/* count <= serial_room() */

/* serial_stream.c */
void serial_streams_init(struct serial_port *p);
void serial_streams_close(struct serial_port *p);
void serial_streams_put(struct serial_port *p, uint8_t byte);
void serial_streams_room(struct serial_port *p);	/* the guest took a byte: there is room again */

#endif
