/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See keyboard.h. A timer looks into the ring, so that keys are not lost while nobody reads and hot keys are noticed; keys
 * wait in a queue. The queue is touched at TPL_NOTIFY only.
 */
#include "keyboard.h"

#include "hyperv.h"
#include "keymap.h"
#include "vmbus.h"

#include <Library/BaseMemoryLib.h>
#include <Library/DevicePathLib.h>
#include <Library/MemoryAllocationLib.h>
#include <Library/UefiBootServicesTableLib.h>
#include <Protocol/SimpleTextIn.h>

#define VERSION_1_0	0x00010000
#define KEYS_MAX	32u
#define NOTIFIES_MAX	64u
#define LOOK_INTERVAL	(HV_SECOND / 50)
#define AGREE_TIMEOUT	(2 * HV_SECOND)

enum { PROTOCOL_REQUEST = 1, PROTOCOL_RESPONSE = 2, KEY_EVENT = 3 };
enum { KEY_BREAK = 2, KEY_E0 = 4, KEY_E1 = 8 };

struct protocol { UINT32 type, value; };
struct key_event { UINT32 type; UINT16 code, reserved; UINT32 flags; };
struct notify { EFI_KEY_DATA key; EFI_KEY_NOTIFY_FUNCTION function; };

static const EFI_GUID keyboard_class = { 0xf912ad6d, 0x2b17, 0x48ea, { 0xbd, 0x65, 0xf9, 0x27, 0xa6, 0x1c, 0x76, 0x84 } };
static EFI_GUID console_in_device = { 0xd3b36f2b, 0xd551, 0x11d4, { 0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d } };

static struct vmbus_channel *channel;
static struct keymap map;
static EFI_KEY_DATA queue[KEYS_MAX];
static UINTN queue_first, queue_count;
static struct notify *notifies[NOTIFIES_MAX];
static EFI_EVENT timer;
static EFI_HANDLE handle;
static EFI_DEVICE_PATH_PROTOCOL *path;

/* --- keys --- */

static BOOLEAN key_is_wanted(const EFI_KEY_DATA *wanted, const EFI_KEY_DATA *key)
{
	return wanted->Key.ScanCode == key->Key.ScanCode && wanted->Key.UnicodeChar == key->Key.UnicodeChar &&
	       (wanted->KeyState.KeyShiftState == 0 || wanted->KeyState.KeyShiftState == key->KeyState.KeyShiftState) &&
	       (wanted->KeyState.KeyToggleState == 0 || wanted->KeyState.KeyToggleState == key->KeyState.KeyToggleState);
}

static VOID key_arrived(EFI_KEY_DATA *key)
{
	for (UINTN i = 0; i < NOTIFIES_MAX; i++)
		if (notifies[i] && key_is_wanted(&notifies[i]->key, key))
			notifies[i]->function(key);
	if (queue_count < KEYS_MAX)
		queue[(queue_first + queue_count++) % KEYS_MAX] = *key;
}

static VOID look(VOID)
{
	struct key_event e;
	EFI_KEY_DATA key;
	UINT64 transaction;
	BOOLEAN answer;

	while (channel && !EFI_ERROR(vmbus_receive(channel, &transaction, &answer, &e, sizeof(e))))
		if (!answer && e.type == KEY_EVENT && !(e.flags & KEY_E1) &&
		    keymap_take(&map, (UINT8)e.code, (e.flags & KEY_E0) != 0, (e.flags & KEY_BREAK) != 0, &key))
			key_arrived(&key);
}

static BOOLEAN key_take(EFI_KEY_DATA *key)
{
	EFI_TPL tpl = gBS->RaiseTPL(TPL_NOTIFY);
	BOOLEAN taken;

	look();
	taken = queue_count > 0;
	if (taken) {
		*key = queue[queue_first];
		queue_first = (queue_first + 1) % KEYS_MAX;
		queue_count--;
	}
	gBS->RestoreTPL(tpl);
	return taken;
}

static VOID EFIAPI on_timer(EFI_EVENT event, VOID *context)
{
	look();
}

/* Waiting for a key: runs at TPL_NOTIFY, too. */
static VOID EFIAPI on_wait(EFI_EVENT event, VOID *context)
{
	look();
	if (queue_count)
		gBS->SignalEvent(event);
}

/* --- the two protocols --- */

static VOID forget_keys(VOID)
{
	EFI_KEY_DATA key;

	while (key_take(&key))
		;
	map.modifiers = 0;
}

static EFI_STATUS EFIAPI reset(EFI_SIMPLE_TEXT_INPUT_PROTOCOL *this, BOOLEAN extended)
{
	forget_keys();
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI read_key(EFI_SIMPLE_TEXT_INPUT_PROTOCOL *this, EFI_INPUT_KEY *key)
{
	EFI_KEY_DATA data;

	if (!key_take(&data))
		return EFI_NOT_READY;
	*key = data.Key;
	if (data.KeyState.KeyShiftState & (EFI_LEFT_CONTROL_PRESSED | EFI_RIGHT_CONTROL_PRESSED) && (key->UnicodeChar | 0x20) >= 'a' &&
	    (key->UnicodeChar | 0x20) <= 'z')
		key->UnicodeChar &= 0x1f;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI reset_ex(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *this, BOOLEAN extended)
{
	forget_keys();
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI read_key_ex(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *this, EFI_KEY_DATA *key)
{
	if (!key)
		return EFI_INVALID_PARAMETER;
	if (key_take(key))
		return EFI_SUCCESS;
	*key = (EFI_KEY_DATA){
		.KeyState = { EFI_SHIFT_STATE_VALID | map.modifiers, EFI_TOGGLE_STATE_VALID | (map.caps_lock ? EFI_CAPS_LOCK_ACTIVE : 0) },
	};
	return EFI_NOT_READY;
}

static EFI_STATUS EFIAPI set_state(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *this, EFI_KEY_TOGGLE_STATE *state)
{
	if (!state)
		return EFI_INVALID_PARAMETER;
	map.caps_lock = (*state & EFI_CAPS_LOCK_ACTIVE) != 0;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI notify_add(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *this, EFI_KEY_DATA *key, EFI_KEY_NOTIFY_FUNCTION function, VOID **out)
{
	struct notify *n;
	UINTN i = 0;

	if (!key || !function || !out)
		return EFI_INVALID_PARAMETER;
	while (i < NOTIFIES_MAX && notifies[i])
		i++;
	n = i < NOTIFIES_MAX ? AllocatePool(sizeof(*n)) : NULL;
	if (!n)
		return EFI_OUT_OF_RESOURCES;
	*n = (struct notify){ *key, function };
	notifies[i] = n;
	*out = n;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI notify_remove(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *this, VOID *which)
{
	for (UINTN i = 0; which && i < NOTIFIES_MAX; i++)
		if (notifies[i] == which) {
			notifies[i] = NULL;
			FreePool(which);
			return EFI_SUCCESS;
		}
	return EFI_INVALID_PARAMETER;
}

static EFI_SIMPLE_TEXT_INPUT_PROTOCOL input = { reset, read_key, NULL };
static EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL input_ex = { reset_ex, read_key_ex, NULL, set_state, notify_add, notify_remove };

/* --- coming and going --- */

static EFI_STATUS agree(VOID)
{
	struct protocol p = { PROTOCOL_REQUEST, VERSION_1_0 };
	UINT64 give_up = hyperv_time() + AGREE_TIMEOUT, transaction;
	BOOLEAN answer;
	EFI_STATUS status = vmbus_send(channel, 1, FALSE, &p, sizeof(p), NULL, 0);

	while (!EFI_ERROR(status) && hyperv_time() < give_up) {
		status = vmbus_receive(channel, &transaction, &answer, &p, sizeof(p));
		if (!EFI_ERROR(status) && p.type == PROTOCOL_RESPONSE)
			return p.value & 1 ? EFI_SUCCESS : EFI_INCOMPATIBLE_VERSION;
		if (status == EFI_NOT_READY)
			status = EFI_SUCCESS;
	}
	return EFI_ERROR(status) ? status : EFI_TIMEOUT;
}

static EFI_DEVICE_PATH_PROTOCOL *path_make(EFI_DEVICE_PATH_PROTOCOL *parent)
{
	VENDOR_DEVICE_PATH node = { .Guid = keyboard_class };

	node.Header.Type = HARDWARE_DEVICE_PATH;
	node.Header.SubType = HW_VENDOR_DP;
	SetDevicePathNodeLength(&node.Header, sizeof(node));
	return AppendDevicePathNode(parent, &node.Header);
}

static EFI_STATUS publish(EFI_DEVICE_PATH_PROTOCOL *parent)
{
	EFI_STATUS status = gBS->CreateEvent(EVT_NOTIFY_WAIT, TPL_NOTIFY, on_wait, NULL, &input.WaitForKey);

	path = path_make(parent);
	if (!EFI_ERROR(status))
		status = gBS->CreateEvent(EVT_NOTIFY_WAIT, TPL_NOTIFY, on_wait, NULL, &input_ex.WaitForKeyEx);
	if (!EFI_ERROR(status))
		status = gBS->CreateEvent(EVT_TIMER | EVT_NOTIFY_SIGNAL, TPL_NOTIFY, on_timer, NULL, &timer);
	if (!EFI_ERROR(status))
		status = gBS->SetTimer(timer, TimerPeriodic, LOOK_INTERVAL);
	if (!EFI_ERROR(status))
		status = gBS->InstallMultipleProtocolInterfaces(&handle, &gEfiDevicePathProtocolGuid, path, &gEfiSimpleTextInProtocolGuid, &input,
								&gEfiSimpleTextInputExProtocolGuid, &input_ex, &console_in_device, NULL, NULL);
	return status;
}

EFI_STATUS keyboard_start(EFI_DEVICE_PATH_PROTOCOL *parent)
{
	struct vmbus_offer offer;
	EFI_STATUS status;

	if (vmbus_offers(&keyboard_class, &offer, 1) == 0)
		return EFI_NOT_FOUND;
	status = vmbus_open(&offer, &channel);
	if (!EFI_ERROR(status))
		status = agree();
	if (!EFI_ERROR(status))
		status = publish(parent);
	if (EFI_ERROR(status))
		keyboard_stop();
	else
		gBS->ConnectController(handle, NULL, NULL, TRUE);	/* the console splitter takes it */
	return status;
}

static VOID close_event(EFI_EVENT *event)
{
	if (*event)
		gBS->CloseEvent(*event);
	*event = NULL;
}

VOID keyboard_quiet(VOID)
{
	channel = NULL;
}

VOID keyboard_stop(VOID)
{
	if (handle) {
		gBS->DisconnectController(handle, NULL, NULL);
		gBS->UninstallMultipleProtocolInterfaces(handle, &gEfiDevicePathProtocolGuid, path, &gEfiSimpleTextInProtocolGuid, &input,
							 &gEfiSimpleTextInputExProtocolGuid, &input_ex, &console_in_device, NULL, NULL);
		handle = NULL;
	}
	close_event(&timer);
	close_event(&input.WaitForKey);
	close_event(&input_ex.WaitForKeyEx);
	keyboard_quiet();
}
