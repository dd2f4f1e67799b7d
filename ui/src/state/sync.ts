// SPDX-License-Identifier: Apache-2.0
// Keeps the store equal to the server: everything once, then what the event stream names. While the stream is
// down, and for values that change without an event (uptimes, free space), it asks again now and then.
import { ApiError } from '../api/http.js';
import { listDisks } from '../api/disks.js';
import { followEvents, listEvents } from '../api/events.js';
import { getHost } from '../api/host.js';
import { listIsos } from '../api/isos.js';
import { listJobs } from '../api/jobs.js';
import { listSwitches } from '../api/switches.js';
import { listAlarms } from '../api/metrics.js';
import { listDiskUploads } from '../api/uploads.js';
import { listVms } from '../api/vms.js';
import { listVolumes } from '../api/volumes.js';
import type { Event, Job } from '../api/types.js';
import { jobChanged } from './jobs.js';
import { store } from './store.js';

type Part = 'host' | 'vms' | 'disks' | 'diskUploads' | 'isos' | 'switches' | 'volumes' | 'alarms' | 'jobs' | 'events';

const LISTS: Part[] = ['host', 'vms', 'disks', 'diskUploads', 'isos', 'switches', 'volumes', 'alarms', 'jobs'];
const EVENTS_KEPT = 500;
const GATHER_MS = 120; /* a burst of events costs one request per list */
const REFRESH_LIVE_MS = 30000;
const REFRESH_BLIND_MS = 5000;

const loaders: Record<Part, () => Promise<void>> = {
	host: async () => {
		const host = await getHost();
		store.set({ host, hostAt: performance.now() });
	},
	vms: async () => {
		const vms = await listVms();
		store.set({ vms, vmsAt: performance.now() });
	},
	disks: async () => store.set({ disks: await listDisks() }),
	diskUploads: async () => store.set({ diskUploads: await listDiskUploads() }),
	isos: async () => store.set({ isos: await listIsos() }),
	volumes: async () => store.set({ volumes: await listVolumes() }),
	alarms: async () => store.set({ alarms: await listAlarms() }),
	switches: async () => store.set({ switches: await listSwitches() }),
	jobs: async () => store.set({ jobs: await listJobs() }),
	events: async () => store.set({ events: (await listEvents(EVENTS_KEPT)).reverse() }),
};

/* Which lists an event makes stale; vm.created also made disks, and all of them take space of the host. */
const staleAfter: Record<string, Part[]> = {
	vm: ['vms', 'disks', 'isos', 'switches', 'host'],
	switch: ['switches', 'vms'],
	disk: ['disks', 'diskUploads', 'vms', 'volumes', 'host'],
	volume: ['volumes', 'host'],
	alarm: ['alarms', 'vms', 'host'],
	iso: ['isos', 'vms', 'host'],
	host: ['host', 'vms'],
};

const wanted = new Set<Part>();
let gatherTimer = 0;
let refreshTimer = 0;
let endStream: (() => void) | undefined;
let running = false;

async function load(part: Part): Promise<void> {
	try {
		await loaders[part]();
		if (!store.state.reachable) store.set({ reachable: true });
	} catch (error) {
		if (error instanceof ApiError && (error.status === 0 || error.status >= 500))
			store.set({ reachable: false });
	}
}

export function refresh(...parts: Part[]): void {
	for (const part of parts) wanted.add(part);
	clearTimeout(gatherTimer);
	gatherTimer = window.setTimeout(() => {
		const now = [...wanted];
		wanted.clear();
		if (running) now.forEach((part) => void load(part));
	}, GATHER_MS);
}

function onEvent(event: Event): void {
	const { events = [] } = store.state;
	if (events.some((known) => known.seq === event.seq)) return;
	store.set({ events: [event, ...events].slice(0, EVENTS_KEPT) });
	const kind = event.type.split('.')[0] ?? '';
	if (kind === 'job' && event.data) jobChanged(event.data as unknown as Job);
	else refresh(...(staleAfter[kind] ?? []));
}

function onConnected(live: boolean): void {
	store.set({ live });
	if (live) refresh(...LISTS);
	schedule();
}

function schedule(): void {
	clearTimeout(refreshTimer);
	refreshTimer = window.setTimeout(
		() => {
			refresh('host', 'vms', 'volumes', ...(store.state.live ? [] : [...LISTS, 'events' as const]));
			schedule();
		},
		store.state.live ? REFRESH_LIVE_MS : REFRESH_BLIND_MS,
	);
}

export async function startSync(): Promise<void> {
	if (running) return;
	running = true;
	await Promise.all((Object.keys(loaders) as Part[]).map(load));
	if (!running) return;
	const last = store.state.events?.[0]?.seq ?? 0;
	endStream = followEvents(last, { event: onEvent, connected: onConnected });
	schedule();
}

export function stopSync(): void {
	running = false;
	endStream?.();
	endStream = undefined;
	clearTimeout(gatherTimer);
	clearTimeout(refreshTimer);
	store.set({ live: false });
}
