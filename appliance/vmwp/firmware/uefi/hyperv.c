/* SPDX-License-Identifier: Apache-2.0 */
/* See hyperv.h. MSRs and layouts: TLFS, "Hypercall Interface" and "Inter-Partition Communication". */
#include "hyperv.h"

#include <Library/BaseLib.h>
#include <Library/BaseMemoryLib.h>
#include <Library/UefiBootServicesTableLib.h>

#define MSR_GUEST_OS_ID		0x40000000
#define MSR_HYPERCALL		0x40000001
#define MSR_TIME		0x40000020
#define MSR_SCONTROL		0x40000080
#define MSR_SIMP		0x40000083
#define MSR_EOM			0x40000084
#define MSR_SINT2		0x40000092
#define PAGE_ENABLE		1ull
#define SINT_MASKED		(1ull << 16)
#define SINT_POLLING		(1ull << 18)
#define OS_ID			(1ull << 63 | 7ull << 56)	/* open source, of no kind that has a number */
#define CALL_POST_MESSAGE	0x5cu
#define CALL_SIGNAL_EVENT	0x5du
#define CALL_FAST		(1u << 16)
#define STATUS_MASK		0xffff
#define STATUS_INSUFFICIENT_MEMORY 0x0b
#define STATUS_INSUFFICIENT_BUFFERS 0x13
#define MESSAGE_PENDING		1u
#define SINT			2u
#define PRIVILEGES		(1u << 1 | 1u << 2 | 1u << 5)	/* EAX of leaf 3: time, SynIC, hypercalls */

struct message {			/* a slot of the message page */
	volatile UINT32 type;
	UINT8 size, flags;
	UINT16 reserved;
	UINT64 origin;
	UINT8 payload[HV_MESSAGE_BYTES];
};

struct post_message {
	UINT32 connection, reserved, type, size;
	UINT8 payload[HV_MESSAGE_BYTES];
};

/* RCX, RDX and R8 carry the arguments in the hypervisor's convention as in UEFI's. */
typedef UINT64 (EFIAPI *hypercall)(UINT64 control, UINT64 input, UINT64 output);

struct pages {
	UINT8 hypercall[EFI_PAGE_SIZE];
	struct message messages[16];
	struct post_message post;
};

static struct pages *pages;

static BOOLEAN hypervisor_is_there(VOID)
{
	UINT32 eax, ebx, ecx, edx;

	AsmCpuid(1, NULL, NULL, &ecx, NULL);
	if (!(ecx & BIT31))
		return FALSE;
	AsmCpuid(0x40000000, &eax, &ebx, &ecx, &edx);
	if (eax < 0x40000003)
		return FALSE;
	AsmCpuid(0x40000001, &eax, NULL, NULL, NULL);
	AsmCpuid(0x40000003, &ebx, NULL, NULL, NULL);
	return eax == SIGNATURE_32('H', 'v', '#', '1') && (ebx & PRIVILEGES) == PRIVILEGES;
}

EFI_STATUS hyperv_connect(VOID)
{
	EFI_PHYSICAL_ADDRESS address = BASE_4GB - 1;
	EFI_STATUS status;

	if (!hypervisor_is_there())
		return EFI_UNSUPPORTED;
	if (!pages) {			/* code, as the hypervisor puts instructions into the first page */
		status = gBS->AllocatePages(AllocateMaxAddress, EfiBootServicesCode, EFI_SIZE_TO_PAGES(sizeof(*pages)), &address);
		if (EFI_ERROR(status))
			return status;
		pages = (VOID *)(UINTN)address;
	}
	ZeroMem(pages, sizeof(*pages));
	AsmWriteMsr64(MSR_GUEST_OS_ID, OS_ID);
	AsmWriteMsr64(MSR_HYPERCALL, (UINTN)pages->hypercall | PAGE_ENABLE);
	AsmWriteMsr64(MSR_SIMP, (UINTN)pages->messages | PAGE_ENABLE);
	AsmWriteMsr64(MSR_SINT2, SINT_POLLING);
	AsmWriteMsr64(MSR_SCONTROL, 1);
	return EFI_SUCCESS;
}

VOID hyperv_disconnect(VOID)
{
	AsmWriteMsr64(MSR_SINT2, SINT_MASKED);
	AsmWriteMsr64(MSR_SCONTROL, 0);
	AsmWriteMsr64(MSR_SIMP, 0);
	AsmWriteMsr64(MSR_HYPERCALL, 0);
	AsmWriteMsr64(MSR_GUEST_OS_ID, 0);
}

static UINT16 call(UINT64 control, UINT64 input)
{
	return (UINT16)(((hypercall)(UINTN)pages->hypercall)(control, input, 0) & STATUS_MASK);
}

EFI_STATUS hyperv_post_message(UINT32 connection, const VOID *payload, UINTN size)
{
	UINT64 give_up = hyperv_time() + HV_SECOND;
	UINT16 status;

	pages->post = (struct post_message){ .connection = connection, .type = 1, .size = (UINT32)size };
	CopyMem(pages->post.payload, payload, size);
	do {
		status = call(CALL_POST_MESSAGE, (UINTN)&pages->post);
	} while ((status == STATUS_INSUFFICIENT_MEMORY || status == STATUS_INSUFFICIENT_BUFFERS) && hyperv_time() < give_up);
	return status == 0 ? EFI_SUCCESS : EFI_DEVICE_ERROR;
}

VOID hyperv_signal(UINT32 connection)
{
	call(CALL_SIGNAL_EVENT | CALL_FAST, connection);
}

BOOLEAN hyperv_take_message(UINT8 payload[HV_MESSAGE_BYTES])
{
	struct message *m = &pages->messages[SINT];

	if (m->type == 0)
		return FALSE;
	CopyMem(payload, m->payload, HV_MESSAGE_BYTES);
	m->type = 0;
	MemoryFence();			/* the slot is free before we ask whether another message waits for it */
	if (m->flags & MESSAGE_PENDING)
		AsmWriteMsr64(MSR_EOM, 0);
	return TRUE;
}

UINT64 hyperv_time(VOID)
{
	return AsmReadMsr64(MSR_TIME);
}
