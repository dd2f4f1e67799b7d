// SPDX-License-Identifier: Apache-2.0
// Virtual disks.
import { API_BASE, request, requestAll } from './http.js';
import type { Disk, DiskActionOptions, DiskCreate, Job } from './types.js';

export function listDisks(): Promise<Disk[]> {
	return requestAll('/disks');
}

export function createDisk(disk: DiskCreate): Promise<Disk> {
	return request('POST', '/disks', { body: disk });
}

export function deleteDisk(id: string): Promise<void> {
	return request('DELETE', `/disks/${id}`);
}

export function runDiskAction(id: string, action: string, options: DiskActionOptions = {}): Promise<Job> {
	return request('POST', `/disks/${id}/actions/${action}`, { body: options });
}

/* A link that the browser saves: the session's cookie is enough for it. */
export function diskFileUrl(id: string): string {
	return `${API_BASE}/uploads/disks/${id}`;
}
