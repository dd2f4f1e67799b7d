/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypervisor as firmware uses it (TLFS): hypercall page, message page of VP 0, and nothing else. There are no
 * interrupts: messages and rings are polled, so that nothing of ours runs when the operating system takes over.
 */
#ifndef UEFI_HYPERV_H
#define UEFI_HYPERV_H

#include <Uefi.h>

#define HV_MESSAGE_BYTES	240

EFI_STATUS hyperv_connect(VOID);		/* EFI_UNSUPPORTED: not on such a hypervisor */
VOID hyperv_disconnect(VOID);			/* allocates nothing: also called at ExitBootServices */
EFI_STATUS hyperv_post_message(UINT32 connection, const VOID *payload, UINTN size);
VOID hyperv_signal(UINT32 connection);
/* The next message of the VMBus SINT; FALSE when there is none. */
BOOLEAN hyperv_take_message(UINT8 payload[HV_MESSAGE_BYTES]);
UINT64 hyperv_time(VOID);			/* 100 ns units */
#define HV_SECOND		10000000ull

#endif
