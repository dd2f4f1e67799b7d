/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by ps2.c (the i8042 controller), ps2_keyboard.c and ps2_mouse.c: the devices' bytes wait in a
 * queue each until the controller takes them.
 */
#ifndef VMWP_CHIPSET_PS2_INTERNAL_H
#define VMWP_CHIPSET_PS2_INTERNAL_H

#include "vmwp/chipset/ps2.h"

#define PS2_QUEUE	64u
struct ps2_queue { uint8_t bytes[PS2_QUEUE]; uint32_t head, count; };

struct ps2_keyboard {
	struct ps2_queue out;
	uint8_t pending_command;	/* one that waits for its parameter */
	uint8_t scancode_set, leds, rate;
	bool scanning;
};

struct ps2_mouse {
	struct ps2_queue out;
	uint8_t pending_command, resolution, rate;
	uint8_t rates[3];		/* the last ones set: 200, 100, 80 unlocks the wheel */
	bool reporting, remote, scaling, wheel;
	int32_t dx, dy, dz;		/* not yet told; y grows upwards */
	uint8_t buttons, buttons_told;	/* as in a packet: left, right, middle */
	bool known;			/* last_x, last_y are */
	int32_t last_x, last_y;		/* pixels */
	uint32_t wheel_buttons;		/* bits 3 and 4 as last seen */
};

struct ps2 {
	struct device *device;
	struct ps2_keyboard keyboard;
	struct ps2_mouse mouse;
	uint8_t mode;			/* the command byte */
	uint8_t command;		/* one that waits for its parameter */
	uint8_t status, data, output_port;
	bool break_prefix;		/* F0 came from the keyboard: the next code is a key released */
	uint8_t ram[32];
};

static inline bool ps2_queue_put(struct ps2_queue *q, uint8_t byte)
{
	if (q->count == PS2_QUEUE)
		return false;
	q->bytes[(q->head + q->count++) % PS2_QUEUE] = byte;
	return true;
}

static inline uint32_t ps2_queue_room(const struct ps2_queue *q) { return PS2_QUEUE - q->count; }
static inline void ps2_queue_clear(struct ps2_queue *q) { q->head = q->count = 0; }
static inline uint8_t ps2_queue_take(struct ps2_queue *q)
{
	uint8_t byte = q->bytes[q->head];

	q->head = (q->head + 1) % PS2_QUEUE;
	q->count--;
	return byte;
}

/* ps2.c */
void ps2_deliver(struct ps2 *p);	/* after a queue got bytes */
uint8_t ps2_set2_of_set1(uint8_t set1);	/* without prefix; 0: no such key */

/* ps2_keyboard.c */
void keyboard_reset(struct ps2_keyboard *k);
void keyboard_write(struct ps2_keyboard *k, uint8_t byte);
void keyboard_key(struct ps2_keyboard *k, uint16_t scancode, bool down);

/* ps2_mouse.c */
void mouse_reset(struct ps2_mouse *m);
void mouse_write(struct ps2_mouse *m, uint8_t byte);
void mouse_move(struct ps2_mouse *m, uint16_t x, uint16_t y, uint32_t buttons, unsigned int width, unsigned int height);
void mouse_pump(struct ps2_mouse *m);	/* makes packets of what is not yet told */

#endif
