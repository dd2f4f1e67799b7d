/* SPDX-License-Identifier: Apache-2.0 */
/* The synthetic keyboard as console input of the firmware, with a US layout. */
#ifndef UEFI_KEYBOARD_H
#define UEFI_KEYBOARD_H

#include <Uefi.h>

#include <Protocol/DevicePath.h>

EFI_STATUS keyboard_start(EFI_DEVICE_PATH_PROTOCOL *parent);	/* VMBus is connected; EFI_NOT_FOUND: no keyboard */
VOID keyboard_stop(VOID);		/* accepts that it was never started */
VOID keyboard_quiet(VOID);		/* VMBus goes away: nothing is read any more; allocates nothing */

#endif
