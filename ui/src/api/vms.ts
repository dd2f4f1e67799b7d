// SPDX-License-Identifier: Apache-2.0
// Virtual machines, their drives and their power; and where their console, serial ports and screen are.
import { request, requestAll, requestBlob, socketUrl } from './http.js';
import type {
	Job,
	NetworkAdapterCreate,
	NetworkAdapterPatch,
	PowerAction,
	Vm,
	VmCreate,
	VmDiskCreate,
	VmPatch,
} from './types.js';

export function listVms(): Promise<Vm[]> {
	return requestAll('/vms');
}

export function getVm(id: string): Promise<Vm> {
	return request('GET', `/vms/${id}`);
}

export function createVm(vm: VmCreate): Promise<Vm> {
	return request('POST', '/vms', { body: vm });
}

export function updateVm(id: string, patch: VmPatch, etag: string): Promise<Vm> {
	return request('PATCH', `/vms/${id}`, { body: patch, merge: true, etag });
}

export function deleteVm(id: string): Promise<void> {
	return request('DELETE', `/vms/${id}`);
}

export function runVmAction(id: string, action: PowerAction): Promise<Job> {
	return request('POST', `/vms/${id}/actions/${action}`);
}

export function attachDisk(id: string, disk: VmDiskCreate): Promise<Vm> {
	return request('POST', `/vms/${id}/disks`, { body: disk });
}

export function detachDisk(id: string, driveId: string): Promise<Vm> {
	return request('DELETE', `/vms/${id}/disks/${driveId}`);
}

export function attachNetworkAdapter(id: string, adapter: NetworkAdapterCreate): Promise<Vm> {
	return request('POST', `/vms/${id}/network-adapters`, { body: adapter });
}

export function updateNetworkAdapter(
	id: string,
	adapterId: string,
	patch: NetworkAdapterPatch,
): Promise<Vm> {
	return request('PATCH', `/vms/${id}/network-adapters/${adapterId}`, { body: patch, merge: true });
}

export function detachNetworkAdapter(id: string, adapterId: string): Promise<Vm> {
	return request('DELETE', `/vms/${id}/network-adapters/${adapterId}`);
}

export function getScreenshot(id: string, width: number): Promise<Blob> {
	return requestBlob(`/vms/${id}/screenshot?width=${width}`);
}

export function consoleUrl(id: string): string {
	return socketUrl(`/vms/${id}/console`);
}

export function serialUrl(id: string, port: number): string {
	return socketUrl(`/vms/${id}/serial/${port}`);
}
