/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two 16550A UARTs (National Semiconductor PC16550D data sheet). Sending takes no time; the divisor is
 * stored without effect.
 */
#include "vmwp/chipset/serial_internal.h"
#include "vmwp/state.h"

#include <string.h>

enum serial_register { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCRATCH };
enum ier_bits { IER_RECEIVED = 0x01, IER_TRANSMIT = 0x02, IER_LINE = 0x04, IER_MODEM = 0x08 };
enum iir_values {
	IIR_NONE = 0x01, IIR_MODEM = 0x00, IIR_TRANSMIT = 0x02, IIR_RECEIVED = 0x04, IIR_LINE = 0x06, IIR_TIMEOUT = 0x0c,
};
enum fcr_bits { FCR_ENABLE = 0x01, FCR_CLEAR_RECEIVE = 0x02 };
enum lsr_bits { LSR_READY = 0x01, LSR_OVERRUN = 0x02, LSR_HOLDING_EMPTY = 0x20, LSR_EMPTY = 0x40 };
enum mcr_bits { MCR_DTR = 0x01, MCR_RTS = 0x02, MCR_OUT1 = 0x04, MCR_OUT2 = 0x08, MCR_LOOP = 0x10 };
enum msr_bits { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };
#define LCR_DLAB	0x80u
#define IIR_FIFO	0xc0u

static uint32_t trigger_level(const struct serial_port *p)
{
	static const uint8_t levels[4] = { 1, 4, 8, 14 };

	return p->fcr & FCR_ENABLE ? levels[p->fcr >> 6] : 1;
}

/* What is most urgent (data sheet, table IV). */
static uint8_t pending_interrupt(const struct serial_port *p)
{
	if ((p->ier & IER_LINE) && p->lsr_errors)
		return IIR_LINE;
	if ((p->ier & IER_RECEIVED) && p->fifo_count)
		return p->fifo_count >= trigger_level(p) ? IIR_RECEIVED : IIR_TIMEOUT;
	if ((p->ier & IER_TRANSMIT) && p->transmit_interrupt)
		return IIR_TRANSMIT;
	if ((p->ier & IER_MODEM) && p->msr_changes)
		return IIR_MODEM;
	return IIR_NONE;
}

static void irq_update(struct serial_port *p)
{
	bool gated = (p->mcr & MCR_OUT2) && !(p->mcr & MCR_LOOP);	/* on a PC, OUT2 connects the line */

	irq_set(p->serial->device->machine, p->irq, gated && pending_interrupt(p) != IIR_NONE);
}

/* --- receiving --- */

uint32_t serial_room(const struct serial_port *p)
{
	uint32_t size = p->fcr & FCR_ENABLE ? SERIAL_FIFO : 1;

	return (p->mcr & MCR_LOOP) || p->fifo_count >= size ? 0 : size - p->fifo_count;
}

static void fifo_put(struct serial_port *p, uint8_t byte)
{
	if (p->fifo_count == SERIAL_FIFO)
		p->lsr_errors |= LSR_OVERRUN;
	else
		p->fifo[(p->fifo_head + p->fifo_count++) % SERIAL_FIFO] = byte;
}

void serial_receive(struct serial_port *p, const uint8_t *bytes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		fifo_put(p, bytes[i]);
	irq_update(p);
}

static uint8_t data_read(struct serial_port *p)
{
	uint8_t byte;

	if (p->lcr & LCR_DLAB)
		return (uint8_t)p->divisor;
	if (!p->fifo_count)
		return 0;
	byte = p->fifo[p->fifo_head];
	p->fifo_head = (p->fifo_head + 1) % SERIAL_FIFO;
	p->fifo_count--;
	serial_streams_room(p);
	return byte;
}

/* --- sending and control --- */

static void data_write(struct serial_port *p, uint8_t byte)
{
	if (p->lcr & LCR_DLAB) {
		p->divisor = (uint16_t)((p->divisor & 0xff00) | byte);
		return;
	}
	p->transmit_interrupt = true;
	if (p->mcr & MCR_LOOP)
		fifo_put(p, byte);
	else
		serial_streams_put(p, byte);
}

static void ier_write(struct serial_port *p, uint8_t value)
{
	if (p->lcr & LCR_DLAB) {
		p->divisor = (uint16_t)((p->divisor & 0x00ff) | value << 8);
		return;
	}
	if ((value & IER_TRANSMIT) && !(p->ier & IER_TRANSMIT))
		p->transmit_interrupt = true;		/* empty already: told at once */
	p->ier = value & 0x0f;
}

static void fcr_write(struct serial_port *p, uint8_t value)
{
	if ((value & FCR_CLEAR_RECEIVE) || ((value ^ p->fcr) & FCR_ENABLE))
		p->fifo_count = 0;
	p->fcr = value & FCR_ENABLE ? value & 0xc9 : 0;
	serial_streams_room(p);
}

static uint8_t msr_lines(const struct serial_port *p)
{
	if (!(p->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (uint8_t)((p->mcr & MCR_RTS ? MSR_CTS : 0) | (p->mcr & MCR_DTR ? MSR_DSR : 0)
			 | (p->mcr & MCR_OUT1 ? MSR_RI : 0) | (p->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static void mcr_write(struct serial_port *p, uint8_t value)
{
	uint8_t before = msr_lines(p);

	p->mcr = value & 0x1f;
	p->msr_changes |= (uint8_t)((before ^ msr_lines(p)) >> 4);
	serial_streams_room(p);
}

static uint8_t iir_read(struct serial_port *p)
{
	uint8_t iir = pending_interrupt(p);

	if (iir == IIR_TRANSMIT)
		p->transmit_interrupt = false;
	return iir | (p->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t lsr_read(struct serial_port *p)
{
	uint8_t lsr = LSR_EMPTY | LSR_HOLDING_EMPTY | p->lsr_errors | (p->fifo_count ? LSR_READY : 0);

	p->lsr_errors = 0;
	return lsr;
}

static uint8_t msr_read(struct serial_port *p)
{
	uint8_t msr = msr_lines(p) | p->msr_changes;

	p->msr_changes = 0;
	return msr;
}

static uint8_t register_read(struct serial_port *p, enum serial_register reg)
{
	switch (reg) {
	case REG_DATA:	  return data_read(p);
	case REG_IER:	  return p->lcr & LCR_DLAB ? (uint8_t)(p->divisor >> 8) : p->ier;
	case REG_IIR_FCR: return iir_read(p);
	case REG_LCR:	  return p->lcr;
	case REG_MCR:	  return p->mcr;
	case REG_LSR:	  return lsr_read(p);
	case REG_MSR:	  return msr_read(p);
	default:	  return p->scratch;
	}
}

static void register_write(struct serial_port *p, enum serial_register reg, uint8_t value)
{
	switch (reg) {
	case REG_DATA:	  data_write(p, value); break;
	case REG_IER:	  ier_write(p, value); break;
	case REG_IIR_FCR: fcr_write(p, value); break;
	case REG_LCR:	  p->lcr = value; break;
	case REG_MCR:	  mcr_write(p, value); break;
	case REG_SCRATCH: p->scratch = value; break;
	default:	  break;
	}
}

static struct serial_port *port_of(struct device *dev, uint16_t port)
{
	struct serial *s = device_state(dev);

	return &s->port[(port & 0x100) ? 0 : 1];	/* 3f8, 2f8 */
}

static uint32_t serial_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct serial_port *p = port_of(dev, port);
	uint8_t value;

	if (size != 1)
		return port_float(size);
	value = register_read(p, port & 7);
	irq_update(p);
	return value;
}

static void serial_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct serial_port *p = port_of(dev, port);

	if (size != 1)
		return;
	register_write(p, port & 7, (uint8_t)value);
	irq_update(p);
}

static int serial_init(struct device *dev)
{
	struct serial *s = device_state(dev);

	s->device = dev;
	for (unsigned int i = 0; i < SERIAL_PORTS; i++) {
		s->port[i].serial = s;
		s->port[i].irq = i == 0 ? 4 : 3;
		serial_streams_init(&s->port[i]);
	}
	return 0;
}

/* Streams and scrollback outlive a guest's reset: who watches sees it boot again. */
static void serial_reset(struct device *dev)
{
	struct serial *s = device_state(dev);

	for (unsigned int i = 0; i < SERIAL_PORTS; i++) {
		struct serial_port *p = &s->port[i];

		p->ier = p->lcr = p->mcr = p->scratch = p->fcr = p->lsr_errors = p->msr_changes = 0;
		p->divisor = 12;
		p->transmit_interrupt = false;
		p->fifo_count = 0;
		irq_update(p);
		serial_streams_room(p);
	}
}

static void serial_fini(struct device *dev)
{
	struct serial *s = device_state(dev);

	for (unsigned int i = 0; s->device && i < SERIAL_PORTS; i++)
		serial_streams_close(&s->port[i]);
}

static void port_state(struct serial_port *p, struct state *s)
{
	uint8_t *const bytes[] = { &p->ier, &p->lcr, &p->mcr, &p->scratch, &p->fcr, &p->lsr_errors, &p->msr_changes };

	for (unsigned int i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
		state_u8(s, bytes[i]);
	state_u16(s, &p->divisor);
	state_bool(s, &p->transmit_interrupt);
	state_bytes(s, p->fifo, sizeof(p->fifo));
	state_u32(s, &p->fifo_head);
	state_u32(s, &p->fifo_count);
	if (p->fifo_head >= SERIAL_FIFO || p->fifo_count > SERIAL_FIFO)
		state_refuse(s);
	p->fifo_head %= SERIAL_FIFO;
	p->fifo_count %= SERIAL_FIFO + 1;
}

/* With what a viewer finds when it opens the port. Streams are connections and do not outlive the process. */
static void serial_state(struct device *dev, struct state *s)
{
	struct serial *serial = device_state(dev);

	for (unsigned int i = 0; i < SERIAL_PORTS; i++) {
		port_state(&serial->port[i], s);
		state_bytes(s, serial->port[i].scrollback, SERIAL_SCROLLBACK);
		state_u64(s, &serial->port[i].written);
	}
}

const struct device_model serial_model = {
	.name = "serial", .state_size = sizeof(struct serial), .state_version = 1,
	.ports = {
		{ 0x3f8, 8, serial_port_read, serial_port_write, NULL, NULL },
		{ 0x2f8, 8, serial_port_read, serial_port_write, NULL, NULL },
	},
	.init = serial_init, .reset = serial_reset, .fini = serial_fini, .state = serial_state,
};
