// SPDX-License-Identifier: Apache-2.0
// The event log, and the stream of new events: it reconnects by itself and resumes after the last event seen.
import { request, socketUrl } from './http.js';
import type { Event } from './types.js';

export async function listEvents(limit: number): Promise<Event[]> {
	return (await request<{ items: Event[] }>('GET', `/events?limit=${limit}`)).items;
}

export interface StreamHooks {
	event(event: Event): void;
	connected(live: boolean): void;
}

const RETRY_FIRST_MS = 1000;
const RETRY_LAST_MS = 15000;

/* Returns the function that ends the stream. */
export function followEvents(since: number, hooks: StreamHooks): () => void {
	let last = since;
	let wait = RETRY_FIRST_MS;
	let timer = 0;
	let socket: WebSocket;
	let ended = false;

	function connect(): void {
		socket = new WebSocket(socketUrl(`/events/stream?since=${last}`), 'json');
		socket.onopen = () => {
			wait = RETRY_FIRST_MS;
			hooks.connected(true);
		};
		socket.onmessage = (message) => {
			const event = JSON.parse(String(message.data)) as Event;
			last = Math.max(last, event.seq);
			hooks.event(event);
		};
		socket.onclose = () => {
			if (ended) return;
			hooks.connected(false);
			timer = window.setTimeout(connect, wait);
			wait = Math.min(wait * 2, RETRY_LAST_MS);
		};
	}
	connect();
	return () => {
		ended = true;
		clearTimeout(timer);
		socket.close();
	};
}
