/* SPDX-License-Identifier: Apache-2.0 */
/* AT set 1 codes as UEFI keys (UEFI 2.10, tables 12.7 and 12.8), US layout and the two keys that Japanese keyboards add. */
#include "keymap.h"

#include <Protocol/SimpleTextIn.h>
#include <Protocol/SimpleTextInEx.h>

#define CODE_CTRL	0x1d
#define CODE_SHIFT_LEFT	0x2a
#define CODE_SHIFT_RIGHT 0x36
#define CODE_ALT	0x38
#define CODE_CAPS_LOCK	0x3a
#define CODE_LOGO_LEFT	0x5b
#define CODE_LOGO_RIGHT	0x5c
#define SHIFTS		(EFI_LEFT_SHIFT_PRESSED | EFI_RIGHT_SHIFT_PRESSED)

static const CHAR8 plain[0x80] = {
	[0x02] = '1', '2', '3', '4', '5', '6', '7', '8', '9', '0', '-', '=', '\b', '\t',
	[0x10] = 'q', 'w', 'e', 'r', 't', 'y', 'u', 'i', 'o', 'p', '[', ']', '\r',
	[0x1e] = 'a', 's', 'd', 'f', 'g', 'h', 'j', 'k', 'l', ';', '\'', '`',
	[0x2b] = '\\', 'z', 'x', 'c', 'v', 'b', 'n', 'm', ',', '.', '/',
	[0x37] = '*', [0x39] = ' ', [0x4a] = '-', [0x4c] = '5', [0x4e] = '+', [0x73] = '\\', [0x7d] = '\\',
};
static const CHAR8 shifted[0x80] = {
	[0x02] = '!', '@', '#', '$', '%', '^', '&', '*', '(', ')', '_', '+', '\b', '\t',
	[0x10] = 'Q', 'W', 'E', 'R', 'T', 'Y', 'U', 'I', 'O', 'P', '{', '}', '\r',
	[0x1e] = 'A', 'S', 'D', 'F', 'G', 'H', 'J', 'K', 'L', ':', '"', '~',
	[0x2b] = '|', 'Z', 'X', 'C', 'V', 'B', 'N', 'M', '<', '>', '?',
	[0x37] = '*', [0x39] = ' ', [0x4a] = '-', [0x4c] = '5', [0x4e] = '+', [0x73] = '_', [0x7d] = '|',
};
/* Keys of the keypad move as their grey twins (prefix E0) do: there is no Num Lock here. */
static const UINT8 scans[0x80] = {
	[0x01] = SCAN_ESC, [0x3b] = SCAN_F1, SCAN_F2, SCAN_F3, SCAN_F4, SCAN_F5, SCAN_F6, SCAN_F7, SCAN_F8, SCAN_F9, SCAN_F10,
	[0x47] = SCAN_HOME, SCAN_UP, SCAN_PAGE_UP, [0x4b] = SCAN_LEFT, [0x4d] = SCAN_RIGHT, [0x4f] = SCAN_END, SCAN_DOWN,
	SCAN_PAGE_DOWN, SCAN_INSERT, SCAN_DELETE, [0x57] = SCAN_F11, SCAN_F12,
};

static UINT32 modifier(UINT8 code, BOOLEAN e0)
{
	switch (code) {
	case CODE_CTRL:		return e0 ? EFI_RIGHT_CONTROL_PRESSED : EFI_LEFT_CONTROL_PRESSED;
	case CODE_ALT:		return e0 ? EFI_RIGHT_ALT_PRESSED : EFI_LEFT_ALT_PRESSED;
	case CODE_SHIFT_LEFT:	return e0 ? 0 : EFI_LEFT_SHIFT_PRESSED;
	case CODE_SHIFT_RIGHT:	return e0 ? 0 : EFI_RIGHT_SHIFT_PRESSED;
	case CODE_LOGO_LEFT:	return e0 ? EFI_LEFT_LOGO_PRESSED : 0;
	case CODE_LOGO_RIGHT:	return e0 ? EFI_RIGHT_LOGO_PRESSED : 0;
	default:		return 0;
	}
}

static CHAR8 character(const struct keymap *k, UINT8 code, BOOLEAN e0)
{
	CHAR8 c = plain[code];

	if (e0)				/* Enter and / of the keypad; the rest of what has the prefix is no character */
		return c == '\r' || c == '/' ? c : 0;
	if (k->modifiers & SHIFTS)
		c = shifted[code];
	if (k->caps_lock && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
		c ^= 0x20;
	return c;
}

BOOLEAN keymap_take(struct keymap *k, UINT8 code, BOOLEAN e0, BOOLEAN released, EFI_KEY_DATA *key)
{
	UINT32 bit;

	code &= 0x7f;
	bit = modifier(code, e0);
	if (released)
		k->modifiers &= ~bit;
	else
		k->modifiers |= bit;
	if (bit || released)
		return FALSE;
	if (code == CODE_CAPS_LOCK) {
		k->caps_lock = !k->caps_lock;
		return FALSE;
	}
	*key = (EFI_KEY_DATA){
		.Key = { .ScanCode = scans[code], .UnicodeChar = scans[code] ? 0 : (CHAR16)character(k, code, e0) },
		.KeyState = {
			.KeyShiftState = EFI_SHIFT_STATE_VALID | k->modifiers,
			.KeyToggleState = EFI_TOGGLE_STATE_VALID | (k->caps_lock ? EFI_CAPS_LOCK_ACTIVE : 0),
		},
	};
	if (key->Key.UnicodeChar)		/* shift is in the character already (12.3.3) */
		key->KeyState.KeyShiftState &= ~SHIFTS;
	return key->Key.ScanCode || key->Key.UnicodeChar;
}
