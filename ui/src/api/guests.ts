// SPDX-License-Identifier: Apache-2.0
// What the host puts into a guest: files, addresses, pairs of key and value.
import { API_BASE, ApiError, errorFromAnswer, getCsrfToken, request } from './http.js';
import type { GuestAddresses, GuestItems, Job } from './types.js';

export interface GuestFile {
	folder: string;
	name: string;
	overwrite: boolean;
	createFolder: boolean;
}

export async function copyToGuest(vmId: string, target: GuestFile, file: Blob): Promise<Job> {
	const query = new URLSearchParams({
		folder: target.folder,
		name: target.name,
		overwrite: String(target.overwrite),
		createFolder: String(target.createFolder),
	});
	const headers = { 'Content-Type': 'application/octet-stream', 'X-CSRF-Token': getCsrfToken() ?? '' };
	let answer: Response;
	try {
		answer = await fetch(`${API_BASE}/vms/${vmId}/guest/files?${query.toString()}`, { method: 'POST', headers, body: file });
	} catch {
		throw new ApiError(0, 'unreachable', '');
	}
	const text = await answer.text();
	if (!answer.ok) throw errorFromAnswer(answer.status, text);
	return JSON.parse(text) as Job;
}

export function setGuestAddresses(vmId: string, adapterId: string, addresses: GuestAddresses): Promise<Job> {
	return request('POST', `/vms/${vmId}/network-adapters/${adapterId}/guest-addresses`, { body: addresses });
}

export function getGuestItems(vmId: string): Promise<GuestItems> {
	return request('GET', `/vms/${vmId}/guest/items`);
}

export function updateGuestItems(vmId: string, items: Record<string, string | null>): Promise<GuestItems> {
	return request('PATCH', `/vms/${vmId}/guest/items`, { body: { items }, merge: true });
}
