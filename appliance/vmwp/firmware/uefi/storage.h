/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM's SCSI controllers as one EFI_EXT_SCSI_PASS_THRU_PROTOCOL: target = controller, LUN = place, so that the
 * firmware's own SCSI drivers make block devices of them and boot entries can name them (../firmware.c).
 */
#ifndef UEFI_STORAGE_H
#define UEFI_STORAGE_H

#include <Uefi.h>

#include <Protocol/ScsiPassThruExt.h>

EFI_STATUS storage_start(VOID);		/* VMBus is connected: opens the controllers, looks for units */
EFI_EXT_SCSI_PASS_THRU_PROTOCOL *storage_pass_thru(VOID);

#endif
