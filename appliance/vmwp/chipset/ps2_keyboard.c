/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PS/2 keyboard: commands and keys in scan code set 2 (or 1). The host repeats keys itself: no
 * typematic here.
 */
#include "vmwp/chipset/ps2_internal.h"

#define ACK	0xfau
#define RESEND	0xfeu
#define KEY_BYTES_MAX	8u
#define SCANCODE_PAUSE	0xe046u

static void answer(struct ps2_keyboard *k, uint8_t byte)
{
	ps2_queue_put(&k->out, byte);
}

static void set_defaults(struct ps2_keyboard *k)
{
	k->pending_command = 0;
	k->scancode_set = 2;
	k->scanning = true;
}

void keyboard_reset(struct ps2_keyboard *k)
{
	ps2_queue_clear(&k->out);
	set_defaults(k);
	k->leds = 0;
}

static void scancode_set_command(struct ps2_keyboard *k, uint8_t set)
{
	if (set > 2) {			/* set 3 is not offered */
		answer(k, RESEND);
		return;
	}
	answer(k, ACK);
	if (set == 0)
		answer(k, k->scancode_set);
	else
		k->scancode_set = set;
}

static void parameter_write(struct ps2_keyboard *k, uint8_t command, uint8_t value)
{
	if (command == 0xf0) {
		scancode_set_command(k, value);
		return;
	}
	if (command == 0xed)
		k->leds = value & 7;
	else
		k->rate = value;
	answer(k, ACK);
}

void keyboard_write(struct ps2_keyboard *k, uint8_t byte)
{
	uint8_t command = k->pending_command;

	k->pending_command = 0;
	if (command && byte < 0x80) {
		parameter_write(k, command, byte);
		return;
	}
	switch (byte) {
	case 0xed: case 0xf0: case 0xf3: answer(k, ACK); k->pending_command = byte; break;
	case 0xee: answer(k, 0xee); break;					/* echo */
	case 0xf2: answer(k, ACK); answer(k, 0xab); answer(k, 0x83); break;	/* an MF2 keyboard */
	case 0xf4: k->scanning = true; answer(k, ACK); break;
	case 0xf5: set_defaults(k); k->scanning = false; answer(k, ACK); break;
	case 0xf6: set_defaults(k); answer(k, ACK); break;
	case 0xff: keyboard_reset(k); answer(k, ACK); answer(k, 0xaa); break;
	default: answer(k, byte >= 0xf7 && byte <= 0xfd ? ACK : RESEND); break;
	}
}

static void send_set1(struct ps2_keyboard *k, uint8_t prefix, uint8_t code, bool down)
{
	if (prefix)
		answer(k, prefix);
	answer(k, down ? code : code | 0x80);
}

static void send_set2(struct ps2_keyboard *k, uint8_t prefix, uint8_t code, bool down)
{
	uint8_t set2 = ps2_set2_of_set1(code);

	if (!set2)
		return;
	if (prefix)
		answer(k, prefix);
	if (!down)
		answer(k, 0xf0);
	answer(k, set2);
}

/* Pause tells press and release at once, and nothing when it is let go. */
static void send_pause(struct ps2_keyboard *k)
{
	static const uint8_t set1[] = { 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5 };
	static const uint8_t set2[] = { 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77 };
	const uint8_t *bytes = k->scancode_set == 1 ? set1 : set2;
	size_t count = k->scancode_set == 1 ? sizeof(set1) : sizeof(set2);

	for (size_t i = 0; i < count; i++)
		answer(k, bytes[i]);
}

void keyboard_key(struct ps2_keyboard *k, uint16_t scancode, bool down)
{
	uint8_t prefix = (uint8_t)(scancode >> 8), code = scancode & 0x7f;

	if (!k->scanning || ps2_queue_room(&k->out) < KEY_BYTES_MAX)
		return;
	if (code == 0 || (scancode & 0x80) || (prefix && prefix != 0xe0))
		return;
	if (scancode == SCANCODE_PAUSE && down)
		send_pause(k);
	else if (scancode == SCANCODE_PAUSE)
		return;
	else if (k->scancode_set == 1)
		send_set1(k, prefix, code, down);
	else
		send_set2(k, prefix, code, down);
}
