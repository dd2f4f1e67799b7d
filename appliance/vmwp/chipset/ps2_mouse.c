/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PS/2 mouse with the IntelliMouse wheel. A viewer's absolute position becomes movement; what the guest
 * has not fetched yet is added up, so a slow guest gets few large packets instead of an overflow.
 */
#include "vmwp/chipset/ps2_internal.h"

#define ACK		0xfau
#define RESEND		0xfeu
#define POINTER_RANGE	32767u
enum viewer_buttons { VIEWER_LEFT = 1, VIEWER_MIDDLE = 2, VIEWER_RIGHT = 4, VIEWER_WHEEL_UP = 8, VIEWER_WHEEL_DOWN = 16 };

static void answer(struct ps2_mouse *m, uint8_t byte)
{
	ps2_queue_put(&m->out, byte);
}

static void set_defaults(struct ps2_mouse *m)
{
	m->rate = 100;
	m->resolution = 2;
	m->scaling = m->remote = m->reporting = false;
	m->pending_command = 0;
	m->dx = m->dy = m->dz = 0;
}

void mouse_reset(struct ps2_mouse *m)
{
	ps2_queue_clear(&m->out);
	set_defaults(m);
	m->wheel = m->known = false;
	m->rates[0] = m->rates[1] = m->rates[2] = 0;
	m->buttons = m->buttons_told = 0;
	m->wheel_buttons = 0;
}

/* --- packets --- */

static int32_t take(int32_t *sum, int32_t low, int32_t high)
{
	int32_t n = *sum < low ? low : *sum > high ? high : *sum;

	*sum -= n;
	return n;
}

static void send_packet(struct ps2_mouse *m)
{
	int32_t dx = take(&m->dx, -255, 255), dy = take(&m->dy, -255, 255), dz = take(&m->dz, -8, 7);

	answer(m, (uint8_t)(0x08 | m->buttons | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0)));
	answer(m, (uint8_t)dx);
	answer(m, (uint8_t)dy);
	if (m->wheel)
		answer(m, (uint8_t)dz);
	m->buttons_told = m->buttons;
}

void mouse_pump(struct ps2_mouse *m)
{
	bool news = m->dx || m->dy || (m->dz && m->wheel) || m->buttons != m->buttons_told;

	if (m->reporting && !m->remote && news && m->out.count == 0)
		send_packet(m);
}

/* --- commands --- */

static void set_rate(struct ps2_mouse *m, uint8_t rate)
{
	m->rate = rate;
	m->rates[0] = m->rates[1];
	m->rates[1] = m->rates[2];
	m->rates[2] = rate;
	if (m->rates[0] == 200 && m->rates[1] == 100 && rate == 80)
		m->wheel = true;
}

static void send_status(struct ps2_mouse *m)
{
	uint8_t buttons = (uint8_t)((m->buttons & 1) << 2 | (m->buttons & 4) >> 1 | (m->buttons & 2) >> 1);

	answer(m, (uint8_t)((m->remote ? 0x40 : 0) | (m->reporting ? 0x20 : 0) | (m->scaling ? 0x10 : 0) | buttons));
	answer(m, m->resolution);
	answer(m, m->rate);
}

static void reset_command(struct ps2_mouse *m)
{
	mouse_reset(m);
	answer(m, ACK);
	answer(m, 0xaa);
	answer(m, 0x00);
}

static void parameter_write(struct ps2_mouse *m, uint8_t command, uint8_t value)
{
	if (command == 0xf3)
		set_rate(m, value);
	else
		m->resolution = value & 3;
	answer(m, ACK);
}

void mouse_write(struct ps2_mouse *m, uint8_t byte)
{
	uint8_t command = m->pending_command;

	m->pending_command = 0;
	if (command) {
		parameter_write(m, command, byte);
		return;
	}
	ps2_queue_clear(&m->out);		/* a command ends what was being said */
	if (byte == 0xff) {
		reset_command(m);
		return;
	}
	answer(m, byte < 0xe6 ? RESEND : ACK);
	switch (byte) {
	case 0xe6: m->scaling = false; break;
	case 0xe7: m->scaling = true; break;
	case 0xe8: case 0xf3: m->pending_command = byte; break;
	case 0xe9: send_status(m); break;
	case 0xea: m->remote = false; break;
	case 0xeb: send_packet(m); break;
	case 0xf0: m->remote = true; break;
	case 0xf2: answer(m, m->wheel ? 3 : 0); break;
	case 0xf4: m->reporting = true; m->dx = m->dy = m->dz = 0; break;
	case 0xf5: m->reporting = false; break;
	case 0xf6: set_defaults(m); break;
	default: break;
	}
}

/* --- what the viewer does --- */

static uint8_t packet_buttons(uint32_t buttons)
{
	return (uint8_t)((buttons & VIEWER_LEFT ? 1 : 0) | (buttons & VIEWER_RIGHT ? 2 : 0)
			 | (buttons & VIEWER_MIDDLE ? 4 : 0));
}

/*
 * At an edge the guest's pointer is pushed against it: what its acceleration made of earlier movement is
 * corrected there.
 */
static int32_t movement(int32_t from, int32_t to, int32_t size)
{
	if (to <= 0)
		return -size;
	return to >= size - 1 ? size : to - from;
}

void mouse_move(struct ps2_mouse *m, uint16_t x, uint16_t y, uint32_t buttons, unsigned int width, unsigned int height)
{
	int32_t px = (int32_t)((uint64_t)x * (width ? width - 1 : 0) / POINTER_RANGE);
	int32_t py = (int32_t)((uint64_t)y * (height ? height - 1 : 0) / POINTER_RANGE);
	uint32_t wheel = buttons & (VIEWER_WHEEL_UP | VIEWER_WHEEL_DOWN), pressed = wheel & ~m->wheel_buttons;

	if (m->known && px != m->last_x)
		m->dx += movement(m->last_x, px, (int32_t)width);
	if (m->known && py != m->last_y)
		m->dy -= movement(m->last_y, py, (int32_t)height);
	m->dz += (pressed & VIEWER_WHEEL_DOWN ? 1 : 0) - (pressed & VIEWER_WHEEL_UP ? 1 : 0);
	m->wheel_buttons = wheel;
	m->buttons = packet_buttons(buttons);
	m->last_x = px;
	m->last_y = py;
	m->known = true;
	if (!m->reporting)
		m->dx = m->dy = m->dz = 0;
}
