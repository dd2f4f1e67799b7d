// SPDX-License-Identifier: Apache-2.0
// Virtual switches, and the host's own network adapters.
import { request, requestAll } from './http.js';
import type { HostNetworkAdapter, Switch, SwitchCreate, SwitchPatch } from './types.js';

export function listSwitches(): Promise<Switch[]> {
	return requestAll('/switches');
}

export function createSwitch(body: SwitchCreate): Promise<Switch> {
	return request('POST', '/switches', { body });
}

export function updateSwitch(id: string, patch: SwitchPatch, etag: string): Promise<Switch> {
	return request('PATCH', `/switches/${id}`, { body: patch, merge: true, etag });
}

export function deleteSwitch(id: string): Promise<void> {
	return request('DELETE', `/switches/${id}`);
}

export async function listHostNetworkAdapters(): Promise<HostNetworkAdapter[]> {
	const answer: { items: HostNetworkAdapter[] } = await request('GET', '/host/network-adapters');
	return answer.items;
}
