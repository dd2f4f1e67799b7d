/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the client's keys to scancodes (set 1, 0xe0 prefix in the upper byte). Clients with the extended key
 * event send them; for the others keysyms are looked up on a US keyboard.
 */
#ifndef CONSOLE_INPUT_KEYBOARD_H
#define CONSOLE_INPUT_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

struct session;

struct keysym_key { uint16_t scancode; bool shift; };	/* scancode 0: no such key */
struct keysym_key keysym_look_up(uint32_t keysym);	/* keysyms.c */

void keyboard_scancode(struct session *s, uint16_t scancode, bool down);
void keyboard_keysym(struct session *s, uint32_t keysym, bool down);
void keyboard_release_all(struct session *s);

#endif
