// SPDX-License-Identifier: Apache-2.0
// Figures of the last minutes, hour and day; who holds the host's memory; what is wrong now.
import { request } from './http.js';
import type { Alarm, HostMemory, HostMetrics, MetricsRange, VmMetrics } from './types.js';

export function getHostMetrics(range: MetricsRange): Promise<HostMetrics> {
	return request('GET', `/host/metrics?range=${range}`);
}

export function getVmMetrics(id: string, range: MetricsRange): Promise<VmMetrics> {
	return request('GET', `/vms/${id}/metrics?range=${range}`);
}

export function getHostMemory(): Promise<HostMemory> {
	return request('GET', '/host/memory');
}

export function updateHostMemory(reserveBytes: number | null, etag: string): Promise<HostMemory> {
	return request('PATCH', '/host/memory', { body: { reserveBytes }, merge: true, etag });
}

export async function listAlarms(): Promise<Alarm[]> {
	return (await request<{ items: Alarm[] }>('GET', '/alarms')).items;
}
