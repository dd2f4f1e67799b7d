/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's frame (UEFI 2.10, 11): binds to the PCI function that carries it (../../chipset/uefi_rom.c), connects to
 * VMBus, and leaves nothing behind when the operating system takes over: the host lets go of every page, and the function
 * hides so that no guest looks for a driver of its own.
 */
#include "keyboard.h"
#include "storage.h"
#include "vmbus.h"

#include <IndustryStandard/Pci.h>
#include <Library/DevicePathLib.h>
#include <Library/UefiBootServicesTableLib.h>
#include <Library/UefiLib.h>
#include <Protocol/DriverBinding.h>
#include <Protocol/PciIo.h>

#define CARRIER_VENDOR	0x1af4
#define CARRIER_DEVICE	0x10f0
#define CARRIER_HIDE	0x40

static EFI_PCI_IO_PROTOCOL *pci;
static EFI_EVENT exit_event;

static VOID EFIAPI at_exit_boot_services(EFI_EVENT event, VOID *context)
{
	UINT8 hide = 1;

	keyboard_quiet();
	vmbus_disconnect();
	pci->Pci.Write(pci, EfiPciIoWidthUint8, CARRIER_HIDE, 1, &hide);
}

static EFI_STATUS open_pci(EFI_DRIVER_BINDING_PROTOCOL *this, EFI_HANDLE controller, EFI_PCI_IO_PROTOCOL **io)
{
	return gBS->OpenProtocol(controller, &gEfiPciIoProtocolGuid, (VOID **)io, this->DriverBindingHandle, controller,
				 EFI_OPEN_PROTOCOL_BY_DRIVER);
}

static VOID close_pci(EFI_DRIVER_BINDING_PROTOCOL *this, EFI_HANDLE controller)
{
	gBS->CloseProtocol(controller, &gEfiPciIoProtocolGuid, this->DriverBindingHandle, controller);
}

static EFI_STATUS EFIAPI supported(EFI_DRIVER_BINDING_PROTOCOL *this, EFI_HANDLE controller, EFI_DEVICE_PATH_PROTOCOL *remaining)
{
	EFI_PCI_IO_PROTOCOL *io;
	UINT16 ids[2] = { 0, 0 };
	EFI_STATUS status = open_pci(this, controller, &io);

	if (EFI_ERROR(status))
		return status;
	status = io->Pci.Read(io, EfiPciIoWidthUint16, PCI_VENDOR_ID_OFFSET, 2, ids);
	close_pci(this, controller);
	if (!EFI_ERROR(status) && (ids[0] != CARRIER_VENDOR || ids[1] != CARRIER_DEVICE))
		status = EFI_UNSUPPORTED;
	return status;
}

static EFI_STATUS EFIAPI start(EFI_DRIVER_BINDING_PROTOCOL *this, EFI_HANDLE controller, EFI_DEVICE_PATH_PROTOCOL *remaining)
{
	EFI_STATUS status = open_pci(this, controller, &pci);

	if (EFI_ERROR(status))
		return status;
	status = vmbus_connect();
	if (EFI_ERROR(status))
		goto close;
	status = gBS->CreateEvent(EVT_SIGNAL_EXIT_BOOT_SERVICES, TPL_CALLBACK, at_exit_boot_services, NULL, &exit_event);
	if (EFI_ERROR(status))
		goto disconnect;
	storage_start();
	status = gBS->InstallProtocolInterface(&controller, &gEfiExtScsiPassThruProtocolGuid, EFI_NATIVE_INTERFACE, storage_pass_thru());
	if (!EFI_ERROR(status)) {
		(void)keyboard_start(DevicePathFromHandle(controller));	/* the machine boots without */
		return EFI_SUCCESS;
	}
	gBS->CloseEvent(exit_event);
disconnect:
	vmbus_disconnect();
close:
	close_pci(this, controller);
	return status;
}

static EFI_STATUS EFIAPI stop(EFI_DRIVER_BINDING_PROTOCOL *this, EFI_HANDLE controller, UINTN children, EFI_HANDLE *child)
{
	EFI_STATUS status = gBS->UninstallProtocolInterface(controller, &gEfiExtScsiPassThruProtocolGuid, storage_pass_thru());

	if (EFI_ERROR(status))
		return status;
	keyboard_stop();
	gBS->CloseEvent(exit_event);
	vmbus_disconnect();
	close_pci(this, controller);
	return EFI_SUCCESS;
}

static EFI_DRIVER_BINDING_PROTOCOL binding = { supported, start, stop, 0x10, NULL, NULL };

EFI_STATUS EFIAPI driver_entry(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
	return EfiLibInstallDriverBinding(image, system, &binding, image);
}
