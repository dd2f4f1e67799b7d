/* SPDX-License-Identifier: Apache-2.0 */
/* Set-1 make codes → UEFI keys (keymap.c). */
#ifndef UEFI_KEYMAP_H
#define UEFI_KEYMAP_H

#include <Uefi.h>

#include <Protocol/SimpleTextInEx.h>

struct keymap { UINT32 modifiers; BOOLEAN caps_lock; };

/* FALSE: the code is no key of its own (a modifier, a release, one we do not know). */
BOOLEAN keymap_take(struct keymap *k, UINT8 code, BOOLEAN e0, BOOLEAN released, EFI_KEY_DATA *key);

#endif
