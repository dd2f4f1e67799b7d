/* SPDX-License-Identifier: Apache-2.0 */
/* See storage.h. The synthetic storage protocol; layouts as in Linux' drivers/scsi/storvsc_drv.c. */
#include "storage.h"

#include "hyperv.h"
#include "vmbus.h"

#include <Library/BaseMemoryLib.h>
#include <Library/DevicePathLib.h>
#include <Library/MemoryAllocationLib.h>
#include <Library/UefiBootServicesTableLib.h>

#define CONTROLLERS	4u
#define UNITS_MAX	64u		/* in all */
#define LUNS_MAX	64u
#define TRANSFER_MAX	(256u << 10)
#define INIT_TIMEOUT	(5 * HV_SECOND)
#define FOREVER		(60 * HV_SECOND)	/* what "no timeout" becomes: a host that never answers is broken */

enum operation { OP_EXECUTE = 3, OP_BEGIN = 7, OP_END = 8, OP_VERSION = 9, OP_PROPERTIES = 10 };
#define PROTOCOL_VERSION	0x0600
#define SRB_SUCCESS		0x01
#define SRB_OVERRUN		0x12
#define SRB_STATUS(s)		((s) & 0x3f)
#define SRB_SENSE_VALID		0x80
#define SRB_READ		1
#define SRB_WRITE		0
#define SRB_NO_DATA		2
#define FLAG_DATA_IN		0x40
#define FLAG_DATA_OUT		0x80
#define SCSI_REPORT_LUNS	0xa0
#define SCSI_CHECK_CONDITION	2
#define SENSE_MAX		20

#pragma pack(1)
struct srb {
	UINT16 length;
	UINT8 srb_status, scsi_status, port, path, target, lun, cdb_bytes, sense_bytes, direction, reserved;
	UINT32 data_bytes;
	UINT8 cdb_or_sense[SENSE_MAX];
	UINT16 reserved2;
	UINT8 queue_tag, queue_action;
	UINT32 flags, timeout, sort_key;
};
struct packet {
	UINT32 operation, flags, status;
	union { struct srb srb; UINT16 version[2]; UINT8 bytes[52]; };
};
#pragma pack()

STATIC_ASSERT(sizeof(struct packet) == 64, "storage packet");

static const EFI_GUID scsi_class = { 0xba6163d9, 0x04a1, 0x4d29, { 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f } };

static struct vmbus_channel *controllers[CONTROLLERS];
static struct { UINT8 controller, lun; } units[UNITS_MAX];
static UINTN unit_count;

/* --- commands --- */

static EFI_STATUS initialize(struct vmbus_channel *c)
{
	static const UINT32 steps[] = { OP_BEGIN, OP_VERSION, OP_PROPERTIES, OP_END };
	EFI_STATUS status = EFI_SUCCESS;

	for (UINTN i = 0; !EFI_ERROR(status) && i < ARRAY_SIZE(steps); i++) {
		struct packet p = { .operation = steps[i], .flags = 1 };

		if (steps[i] == OP_VERSION)
			p.version[0] = PROTOCOL_VERSION;
		status = vmbus_ask(c, &p, sizeof(p), NULL, 0, INIT_TIMEOUT);
		if (!EFI_ERROR(status) && p.status != 0)
			status = EFI_DEVICE_ERROR;
	}
	return status;
}

static EFI_STATUS execute(struct vmbus_channel *c, struct packet *p, VOID *buffer, UINT64 timeout)
{
	p->operation = OP_EXECUTE;
	p->flags = 1;
	p->srb.length = sizeof(p->srb);
	p->srb.sense_bytes = SENSE_MAX;
	return vmbus_ask(c, p, sizeof(*p), buffer, p->srb.data_bytes, timeout);
}

static VOID units_find(UINT8 controller)
{
	struct packet p = { .srb = { .cdb_bytes = 12, .direction = SRB_READ, .flags = FLAG_DATA_IN, .data_bytes = 8 + 8 * LUNS_MAX } };
	UINT8 *list = AllocateZeroPool(p.srb.data_bytes);
	UINT32 bytes;

	if (!list)
		return;
	p.srb.cdb_or_sense[0] = SCSI_REPORT_LUNS;
	p.srb.cdb_or_sense[8] = (UINT8)(p.srb.data_bytes >> 8);
	p.srb.cdb_or_sense[9] = (UINT8)p.srb.data_bytes;
	if (!EFI_ERROR(execute(controllers[controller], &p, list, INIT_TIMEOUT)) && SRB_STATUS(p.srb.srb_status) == SRB_SUCCESS) {
		bytes = MIN((UINT32)list[2] << 8 | list[3], 8 * LUNS_MAX);
		for (UINT32 at = 8; at < 8 + bytes && unit_count < UNITS_MAX; at += 8) {
			units[unit_count].controller = controller;
			units[unit_count++].lun = list[at + 1];
		}
	}
	FreePool(list);
}

/* Controller 0 is always offered, and first; the number is the distance of the last byte of the instance from its own. */
EFI_STATUS storage_start(VOID)
{
	struct vmbus_offer offers[CONTROLLERS];
	UINTN count = vmbus_offers(&scsi_class, offers, CONTROLLERS);

	unit_count = 0;
	for (UINTN i = 0; i < count; i++) {
		UINT8 number = (UINT8)(offers[i].instance.Data4[7] - offers[0].instance.Data4[7]);

		if (number >= CONTROLLERS || EFI_ERROR(vmbus_open(&offers[i], &controllers[number])))
			continue;
		if (!EFI_ERROR(initialize(controllers[number])))
			units_find(number);
	}
	return EFI_SUCCESS;
}

/* --- the protocol --- */

static BOOLEAN unit_exists(UINT8 controller, UINT64 lun)
{
	for (UINTN i = 0; i < unit_count; i++)
		if (units[i].controller == controller && units[i].lun == lun)
			return TRUE;
	return FALSE;
}

static BOOLEAN request_is_sound(const EFI_EXT_SCSI_PASS_THRU_SCSI_REQUEST_PACKET *r)
{
	return r->CdbLength && r->CdbLength <= 16 && r->Cdb && r->DataDirection <= EFI_EXT_SCSI_DATA_DIRECTION_WRITE &&
	       !(r->InTransferLength && !r->InDataBuffer) && !(r->OutTransferLength && !r->OutDataBuffer);
}

static VOID answer_take(EFI_EXT_SCSI_PASS_THRU_SCSI_REQUEST_PACKET *r, const struct srb *srb, UINT32 *transferred)
{
	UINT8 room = r->SenseData ? r->SenseDataLength : 0;

	r->TargetStatus = srb->scsi_status;
	r->HostAdapterStatus = EFI_EXT_SCSI_STATUS_HOST_ADAPTER_OK;
	r->SenseDataLength = 0;
	if (srb->srb_status & SRB_SENSE_VALID) {
		r->SenseDataLength = MIN(MIN(room, srb->sense_bytes), SENSE_MAX);
		CopyMem(r->SenseData, srb->cdb_or_sense, r->SenseDataLength);
	} else if (SRB_STATUS(srb->srb_status) == SRB_OVERRUN) {
		r->HostAdapterStatus = EFI_EXT_SCSI_STATUS_HOST_ADAPTER_DATA_OVERRUN_UNDERRUN;
	} else if (SRB_STATUS(srb->srb_status) != SRB_SUCCESS && srb->scsi_status == 0) {
		r->HostAdapterStatus = EFI_EXT_SCSI_STATUS_HOST_ADAPTER_SELECTION_TIMEOUT;
	}
	*transferred = MIN(*transferred, srb->data_bytes);
}

static EFI_STATUS EFIAPI pass_thru(EFI_EXT_SCSI_PASS_THRU_PROTOCOL *this, UINT8 *target, UINT64 lun,
				   EFI_EXT_SCSI_PASS_THRU_SCSI_REQUEST_PACKET *r, EFI_EVENT event)
{
	BOOLEAN in = r->DataDirection == EFI_EXT_SCSI_DATA_DIRECTION_READ;
	UINT32 *bytes = in ? &r->InTransferLength : &r->OutTransferLength;
	VOID *buffer = in ? r->InDataBuffer : r->OutDataBuffer;
	struct packet p = { .srb = { .lun = (UINT8)lun } };
	EFI_STATUS status;

	if (!unit_exists(*target, lun) || !request_is_sound(r))
		return EFI_INVALID_PARAMETER;
	if (*bytes > TRANSFER_MAX) {
		*bytes = TRANSFER_MAX;
		return EFI_BAD_BUFFER_SIZE;
	}
	p.srb.cdb_bytes = r->CdbLength;
	CopyMem(p.srb.cdb_or_sense, r->Cdb, r->CdbLength);
	p.srb.data_bytes = *bytes;
	p.srb.direction = *bytes == 0 ? SRB_NO_DATA : in ? SRB_READ : SRB_WRITE;
	p.srb.flags = *bytes == 0 ? 0 : in ? FLAG_DATA_IN : FLAG_DATA_OUT;
	status = execute(controllers[*target], &p, buffer, r->Timeout ? r->Timeout : FOREVER);
	if (EFI_ERROR(status)) {
		r->HostAdapterStatus = EFI_EXT_SCSI_STATUS_HOST_ADAPTER_TIMEOUT;
		r->SenseDataLength = 0;
		return status;
	}
	answer_take(r, &p.srb, bytes);
	if (event)
		gBS->SignalEvent(event);
	return r->HostAdapterStatus == EFI_EXT_SCSI_STATUS_HOST_ADAPTER_SELECTION_TIMEOUT ? EFI_DEVICE_ERROR : EFI_SUCCESS;
}

static BOOLEAN target_is_start(const UINT8 *target)
{
	for (UINTN i = 0; i < TARGET_MAX_BYTES; i++)
		if (target[i] != 0xff)
			return FALSE;
	return TRUE;
}

static VOID unit_tell(UINTN i, UINT8 *target, UINT64 *lun)
{
	ZeroMem(target, TARGET_MAX_BYTES);
	*target = units[i].controller;
	if (lun)
		*lun = units[i].lun;
}

static EFI_STATUS EFIAPI get_next_target_lun(EFI_EXT_SCSI_PASS_THRU_PROTOCOL *this, UINT8 **target, UINT64 *lun)
{
	UINTN next = 0;

	if (!target_is_start(*target)) {
		while (next < unit_count && (units[next].controller != **target || units[next].lun != *lun))
			next++;
		if (next == unit_count)
			return EFI_INVALID_PARAMETER;
		next++;
	}
	if (next == unit_count)
		return EFI_NOT_FOUND;
	unit_tell(next, *target, lun);
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_next_target(EFI_EXT_SCSI_PASS_THRU_PROTOCOL *this, UINT8 **target)
{
	BOOLEAN start = target_is_start(*target);

	for (UINTN i = 0; i < unit_count; i++)
		if (start || units[i].controller > **target) {
			unit_tell(i, *target, NULL);
			return EFI_SUCCESS;
		}
	return EFI_NOT_FOUND;
}

static EFI_STATUS EFIAPI build_device_path(EFI_EXT_SCSI_PASS_THRU_PROTOCOL *this, UINT8 *target, UINT64 lun, EFI_DEVICE_PATH_PROTOCOL **path)
{
	SCSI_DEVICE_PATH *node;

	if (!path)
		return EFI_INVALID_PARAMETER;
	if (!unit_exists(*target, lun))
		return EFI_NOT_FOUND;
	node = (VOID *)CreateDeviceNode(MESSAGING_DEVICE_PATH, MSG_SCSI_DP, sizeof(*node));
	if (!node)
		return EFI_OUT_OF_RESOURCES;
	node->Pun = *target;
	node->Lun = (UINT16)lun;
	*path = &node->Header;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_target_lun(EFI_EXT_SCSI_PASS_THRU_PROTOCOL *this, EFI_DEVICE_PATH_PROTOCOL *path, UINT8 **target, UINT64 *lun)
{
	const SCSI_DEVICE_PATH *node = (const VOID *)path;

	if (!path || !target || !*target || !lun)
		return EFI_INVALID_PARAMETER;
	if (DevicePathType(path) != MESSAGING_DEVICE_PATH || DevicePathSubType(path) != MSG_SCSI_DP)
		return EFI_UNSUPPORTED;
	if (node->Pun >= CONTROLLERS || !unit_exists((UINT8)node->Pun, node->Lun))
		return EFI_NOT_FOUND;
	ZeroMem(*target, TARGET_MAX_BYTES);
	**target = (UINT8)node->Pun;
	*lun = node->Lun;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI reset_channel(EFI_EXT_SCSI_PASS_THRU_PROTOCOL *this)
{
	return EFI_SUCCESS;		/* one request at a time, and it has been answered */
}

static EFI_STATUS EFIAPI reset_target_lun(EFI_EXT_SCSI_PASS_THRU_PROTOCOL *this, UINT8 *target, UINT64 lun)
{
	return unit_exists(*target, lun) ? EFI_SUCCESS : EFI_NOT_FOUND;
}

EFI_EXT_SCSI_PASS_THRU_PROTOCOL *storage_pass_thru(VOID)
{
	static EFI_EXT_SCSI_PASS_THRU_MODE mode = {
		.AdapterId = MAX_UINT32,
		.Attributes = EFI_EXT_SCSI_PASS_THRU_ATTRIBUTES_PHYSICAL | EFI_EXT_SCSI_PASS_THRU_ATTRIBUTES_LOGICAL,
	};
	static EFI_EXT_SCSI_PASS_THRU_PROTOCOL protocol = {
		&mode, pass_thru, get_next_target_lun, build_device_path, get_target_lun, reset_channel, reset_target_lun, get_next_target,
	};

	return &protocol;
}
