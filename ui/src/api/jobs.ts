// SPDX-License-Identifier: Apache-2.0
// Jobs: what takes longer than an answer.
import { request } from './http.js';
import type { Job } from './types.js';

/* The newest ones are enough for a page; older ones are in the event log. */
export async function listJobs(): Promise<Job[]> {
	return (await request<{ items: Job[] }>('GET', '/jobs?limit=200')).items;
}

export function getJob(id: string): Promise<Job> {
	return request('GET', `/jobs/${id}`);
}

export function cancelJob(id: string): Promise<Job> {
	return request('DELETE', `/jobs/${id}`);
}
