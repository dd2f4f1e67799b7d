/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The i8042 keyboard controller: ports 0x60 and 0x64, one output byte at a time from its own replies, the
 * keyboard and the mouse, interrupts 1 and 12, and the translation of scan code set 2 to set 1 (IBM PS/2
 * "Keyboard and Auxiliary Device Controller").
 */
#include "vmwp/chipset/ps2_internal.h"
#include "vmwp/state.h"

#include <string.h>

enum status_bits {
	STATUS_OUTPUT = 0x01, STATUS_SYSTEM = 0x04, STATUS_COMMAND = 0x08, STATUS_UNLOCKED = 0x10, STATUS_MOUSE = 0x20,
};
enum mode_bits {
	MODE_KEYBOARD_IRQ = 0x01, MODE_MOUSE_IRQ = 0x02, MODE_SYSTEM = 0x04, MODE_KEYBOARD_OFF = 0x10, MODE_MOUSE_OFF = 0x20,
	MODE_TRANSLATE = 0x40,
};
#define OUTPUT_PORT_RUNNING	0x03u	/* no reset, A20 on */

static void irq_update(struct ps2 *p)
{
	bool output = p->status & STATUS_OUTPUT, mouse = p->status & STATUS_MOUSE;

	irq_set(p->device->machine, 1, output && !mouse && (p->mode & MODE_KEYBOARD_IRQ));
	irq_set(p->device->machine, 12, output && mouse && (p->mode & MODE_MOUSE_IRQ));
}

static void output(struct ps2 *p, uint8_t byte, bool mouse)
{
	p->data = byte;
	p->status = (uint8_t)((p->status & ~STATUS_MOUSE) | STATUS_OUTPUT | (mouse ? STATUS_MOUSE : 0));
	irq_update(p);
}

static uint8_t translate(struct ps2 *p, uint8_t byte);

void ps2_deliver(struct ps2 *p)
{
	mouse_pump(&p->mouse);
	while (!(p->status & STATUS_OUTPUT)) {
		bool keyboard = p->keyboard.out.count && !(p->mode & MODE_KEYBOARD_OFF);

		if (keyboard) {
			uint8_t byte = ps2_queue_take(&p->keyboard.out);

			if (p->mode & MODE_TRANSLATE)
				byte = translate(p, byte);
			if (byte)	/* 0: a break prefix, merged into what follows */
				output(p, byte, false);
		} else if (p->mouse.out.count && !(p->mode & MODE_MOUSE_OFF)) {
			output(p, ps2_queue_take(&p->mouse.out), true);
		} else {
			return;
		}
	}
}

/* --- port 0x60 --- */

static uint8_t data_read(struct ps2 *p)
{
	uint8_t byte = p->data;

	p->status &= (uint8_t)~(STATUS_OUTPUT | STATUS_MOUSE);
	irq_update(p);
	ps2_deliver(p);
	return byte;
}

static void output_port_write(struct ps2 *p, uint8_t byte)
{
	if (!(byte & 0x01))
		machine_request_reset(p->device->machine);
	p->output_port = byte | 0x01;
}

/* The parameter of the controller's command, or a byte for the keyboard. */
static void data_write(struct ps2 *p, uint8_t byte)
{
	uint8_t command = p->command;

	p->command = 0;
	if (command == 0x60) {
		p->mode = byte;
		irq_update(p);
	} else if (command > 0x60 && command <= 0x7f) {
		p->ram[command & 0x1f] = byte;
	} else if (command == 0xd1) {
		output_port_write(p, byte);
	} else if (command == 0xd2 || command == 0xd3) {
		output(p, byte, command == 0xd3);
	} else if (command == 0xd4) {
		mouse_write(&p->mouse, byte);
	} else {
		p->mode &= (uint8_t)~MODE_KEYBOARD_OFF;		/* talking to the keyboard turns its clock on */
		keyboard_write(&p->keyboard, byte);
	}
	ps2_deliver(p);
}

/* --- port 0x64 --- */

static void self_test(struct ps2 *p)
{
	p->mode = (uint8_t)((p->mode & ~(MODE_KEYBOARD_IRQ | MODE_MOUSE_IRQ)) | MODE_SYSTEM);
	p->status |= STATUS_SYSTEM;
	output(p, 0x55, false);
}

static void command_write(struct ps2 *p, uint8_t command)
{
	p->command = 0;
	switch (command) {
	case 0xa7: p->mode |= MODE_MOUSE_OFF; break;
	case 0xa8: p->mode &= (uint8_t)~MODE_MOUSE_OFF; break;
	case 0xa9: case 0xab: output(p, 0x00, false); break;		/* both lines test well */
	case 0xaa: self_test(p); break;
	case 0xad: p->mode |= MODE_KEYBOARD_OFF; break;
	case 0xae: p->mode &= (uint8_t)~MODE_KEYBOARD_OFF; break;
	case 0xc0: output(p, 0x80, false); break;			/* keyboard not locked */
	case 0xd0: output(p, p->output_port, false); break;
	case 0xd1: case 0xd2: case 0xd3: case 0xd4: p->command = command; break;
	case 0xfe: machine_request_reset(p->device->machine); break;
	default:
		if (command == 0x20)
			output(p, p->mode, false);
		else if (command > 0x20 && command <= 0x3f)
			output(p, p->ram[command & 0x1f], false);
		else if (command >= 0x60 && command <= 0x7f)
			p->command = command;
		break;
	}
	ps2_deliver(p);
}

static uint32_t ps2_port_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct ps2 *p = device_state(dev);

	if (size != 1)
		return port_float(size);
	return port == 0x60 ? data_read(p) : p->status;
}

static void ps2_port_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct ps2 *p = device_state(dev);

	if (size != 1)
		return;
	if (port == 0x60) {
		p->status &= (uint8_t)~STATUS_COMMAND;
		data_write(p, (uint8_t)value);
	} else {
		p->status |= STATUS_COMMAND;
		command_write(p, (uint8_t)value);
	}
}

/* Codes from 0x85 on stay as they are. */
static const uint8_t set1_of_set2[0x85] = {
	0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
	0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
	0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
	0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
	0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
	0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
	0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
	0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
	0x80, 0x81, 0x82, 0x41, 0x54,
};

/* Set 2's break prefix becomes bit 7 of the code after it. */
static uint8_t translate(struct ps2 *p, uint8_t byte)
{
	uint8_t code = byte < sizeof(set1_of_set2) ? set1_of_set2[byte] : byte;

	if (byte == 0xf0) {
		p->break_prefix = true;
		return 0;
	}
	if (p->break_prefix && code < 0x80)
		code |= 0x80;
	p->break_prefix = false;
	return code;
}

uint8_t ps2_set2_of_set1(uint8_t set1)
{
	/* downwards: F7 and SysRq are the last of two */
	for (unsigned int code = sizeof(set1_of_set2) - 1; code > 0; code--)
		if (set1_of_set2[code] == set1)
			return (uint8_t)code;
	return 0;
}

/* --- the device --- */

void ps2_key(struct device *dev, uint16_t scancode, bool down)
{
	struct ps2 *p = device_state(dev);

	keyboard_key(&p->keyboard, scancode, down);
	ps2_deliver(p);
}

void ps2_pointer(struct device *dev, uint16_t x, uint16_t y, uint32_t buttons, unsigned int width, unsigned int height)
{
	struct ps2 *p = device_state(dev);

	mouse_move(&p->mouse, x, y, buttons, width, height);
	ps2_deliver(p);
}

static int ps2_init(struct device *dev)
{
	struct ps2 *p = device_state(dev);

	p->device = dev;
	return 0;
}

static void ps2_reset(struct device *dev)
{
	struct ps2 *p = device_state(dev);

	p->mode = MODE_TRANSLATE | MODE_KEYBOARD_IRQ | MODE_MOUSE_IRQ;
	p->status = STATUS_UNLOCKED | STATUS_COMMAND;
	p->output_port = OUTPUT_PORT_RUNNING;
	p->command = p->data = 0;
	p->break_prefix = false;
	memset(p->ram, 0, sizeof(p->ram));
	keyboard_reset(&p->keyboard);
	mouse_reset(&p->mouse);
	irq_update(p);
}

static void queue_state(struct ps2_queue *q, struct state *s)
{
	state_bytes(s, q->bytes, sizeof(q->bytes));
	state_u32(s, &q->head);
	state_u32(s, &q->count);
	if (q->head >= PS2_QUEUE || q->count > PS2_QUEUE)
		state_refuse(s);
	q->head %= PS2_QUEUE;
	q->count %= PS2_QUEUE + 1;
}

static void keyboard_state(struct ps2_keyboard *k, struct state *s)
{
	queue_state(&k->out, s);
	state_u8(s, &k->pending_command);
	state_u8(s, &k->scancode_set);
	state_u8(s, &k->leds);
	state_u8(s, &k->rate);
	state_bool(s, &k->scanning);
}

/* Movement that was not told is dropped: a viewer's next one says where the pointer is. */
static void mouse_state(struct ps2_mouse *m, struct state *s)
{
	bool *const flags[] = { &m->reporting, &m->remote, &m->scaling, &m->wheel };

	queue_state(&m->out, s);
	state_u8(s, &m->pending_command);
	state_u8(s, &m->resolution);
	state_u8(s, &m->rate);
	state_bytes(s, m->rates, sizeof(m->rates));
	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		state_bool(s, flags[i]);
	state_u8(s, &m->buttons);
	state_u8(s, &m->buttons_told);
}

static void ps2_state(struct device *dev, struct state *s)
{
	struct ps2 *p = device_state(dev);

	keyboard_state(&p->keyboard, s);
	mouse_state(&p->mouse, s);
	state_u8(s, &p->mode);
	state_u8(s, &p->command);
	state_u8(s, &p->status);
	state_u8(s, &p->data);
	state_u8(s, &p->output_port);
	state_bool(s, &p->break_prefix);
	state_bytes(s, p->ram, sizeof(p->ram));
}

const struct device_model ps2_model = {
	.name = "ps2", .state_size = sizeof(struct ps2), .state_version = 1,
	.ports = {
		{ 0x60, 1, ps2_port_read, ps2_port_write, NULL, NULL },
		{ 0x64, 1, ps2_port_read, ps2_port_write, NULL, NULL },
	},
	.init = ps2_init, .reset = ps2_reset, .state = ps2_state,
};
