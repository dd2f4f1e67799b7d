// SPDX-License-Identifier: Apache-2.0
// The places that hold disks, install media and virtual machines.
import { request, requestAll } from './http.js';
import type { Volume } from './types.js';

export function listVolumes(): Promise<Volume[]> {
	return requestAll('/volumes');
}

export function updateVolume(volume: Volume, warningFreePercent: number): Promise<Volume> {
	return request('PATCH', `/volumes/${volume.id}`, { body: { warningFreePercent }, merge: true, etag: volume.etag });
}
