/* SPDX-License-Identifier: Apache-2.0 */
/* See keyboard.h. */
#include "input/keyboard.h"

#include "rfb/session.h"

#define SCANCODE_SHIFT_LEFT	0x2au
#define SCANCODE_SHIFT_RIGHT	0x36u

static unsigned int key_bit(uint16_t scancode)
{
	return (scancode & 0x7fu) | (scancode >> 8 ? 0x100u : 0);
}

static bool is_down(const struct session *s, uint16_t scancode)
{
	return s->keys_down[key_bit(scancode) / 8] >> (key_bit(scancode) % 8) & 1;
}

void keyboard_scancode(struct session *s, uint16_t scancode, bool down)
{
	uint8_t bit = (uint8_t)(1u << (key_bit(scancode) % 8)), *byte = &s->keys_down[key_bit(scancode) / 8];

	*byte = down ? *byte | bit : (uint8_t)(*byte & ~bit);
	s->host.key(s->host.context, scancode, down);
}

/*
 * A keysym that needs Shift from a client that does not send it (scripts do that) gets it for the moment of
 * the press.
 */
void keyboard_keysym(struct session *s, uint32_t keysym, bool down)
{
	struct keysym_key key = keysym_look_up(keysym);
	bool lend = key.shift && down && !is_down(s, SCANCODE_SHIFT_LEFT) && !is_down(s, SCANCODE_SHIFT_RIGHT);

	if (!key.scancode)
		return;
	if (lend)
		keyboard_scancode(s, SCANCODE_SHIFT_LEFT, true);
	keyboard_scancode(s, key.scancode, down);
	if (lend)
		keyboard_scancode(s, SCANCODE_SHIFT_LEFT, false);
}

void keyboard_release_all(struct session *s)
{
	for (uint16_t i = 0; i < 0x200; i++)
		if (s->keys_down[i / 8] >> (i % 8) & 1)
			keyboard_scancode(s, (uint16_t)((i & 0x100 ? 0xe000 : 0) | (i & 0x7f)), false);
}
