// SPDX-License-Identifier: Apache-2.0
// Uploads of install media. They belong to the store, not to the page, so that they go on while the person looks
// elsewhere. The files themselves stay here: a browser gives them up when the page is closed.
import { ApiError } from '../api/http.js';
import { deleteIso, getIso, uploadIso } from '../api/isos.js';
import { t } from '../i18n/index.js';
import { errorText, notify, notifyError } from './notices.js';
import { store, type Upload } from './store.js';
import { refresh } from './sync.js';

interface Sending {
	file: File;
	controller: AbortController;
}

const RATE_WINDOW_MS = 1500;
const RETRIES = 8;
const RETRY_FIRST_MS = 250;
const RETRY_LONGEST_MS = 8000;
const sending = new Map<string, Sending>();

function change(id: string, patch: Partial<Upload>): void {
	store.set({ uploads: store.state.uploads.map((one) => (one.id === id ? { ...one, ...patch } : one)) });
}

function drop(id: string): void {
	sending.delete(id);
	store.set({ uploads: store.state.uploads.filter((one) => one.id !== id) });
}

function progressMeter(id: string, from: number): (sentBytes: number) => void {
	let at = performance.now();
	let sent = from;
	return (sentBytes) => {
		const passed = performance.now() - at;
		const patch: Partial<Upload> = { sentBytes };
		if (passed > RATE_WINDOW_MS) {
			patch.bytesPerSecond = Math.max(0, ((sentBytes - sent) * 1000) / passed);
			at = performance.now();
			sent = sentBytes;
		}
		change(id, patch);
	};
}

function failureState(error: unknown): Upload['state'] {
	return error instanceof ApiError && error.status === 422 ? 'refused' : 'failed';
}

/* Worth another try: the connection, or the server still busy with the part whose answer nobody waited for. */
function mayPass(error: unknown): boolean {
	if (!(error instanceof ApiError)) return false;
	return (
		error.status === 0 ||
		(error.status >= 502 && error.status <= 504) ||
		error.code === 'upload_in_progress' ||
		error.code === 'wrong_offset'
	);
}

/* The wait before try number `retry`; it ends early when the signal says so. */
function backOff(retry: number, signal?: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		setTimeout(resolve, Math.min(RETRY_FIRST_MS * 2 ** retry, RETRY_LONGEST_MS));
		signal?.addEventListener('abort', () => resolve(), { once: true });
	});
}

/* Where the server is, is asked and not guessed: it may have kept a part whose answer was lost. */
async function whereServerIs(id: string): Promise<{ receivedBytes: number; complete: boolean }> {
	try {
		const iso = await getIso(id);
		return { receivedBytes: iso.receivedBytes, complete: iso.state === 'ready' };
	} catch (error) {
		if (error instanceof ApiError && error.status === 404) return { receivedBytes: 0, complete: false };
		throw error;
	}
}

/* Sends the file from where the server is until all of it is there; gives up after RETRIES tries without a new byte. */
async function sendAll(id: string, name: string, file: File, asksFirst: boolean, signal: AbortSignal): Promise<void> {
	let at = 0;
	for (let retry = 0, ask = asksFirst; ; retry++, ask = true) {
		try {
			if (ask) {
				const server = await whereServerIs(id);
				if (server.complete) return;
				if (server.receivedBytes > at) retry = 0;
				at = server.receivedBytes;
			}
			change(id, { sentBytes: at });
			await uploadIso(id, name, file, at, { signal, progress: progressMeter(id, at) });
			return;
		} catch (error) {
			if (signal.aborted || retry === RETRIES || !mayPass(error)) throw error;
		}
		await backOff(retry, signal);
	}
}

async function send(id: string, name: string, file: File, asksFirst: boolean): Promise<void> {
	const controller = new AbortController();
	sending.set(id, { file, controller });
	change(id, { state: 'sending', error: '', bytesPerSecond: 0 });
	try {
		await sendAll(id, name, file, asksFirst, controller.signal);
		drop(id);
		notify('success', t('media.uploaded', { name }));
	} catch (error) {
		if (controller.signal.aborted) change(id, { state: 'paused', bytesPerSecond: 0 });
		else change(id, { state: failureState(error), bytesPerSecond: 0, error: errorText(error) });
	}
	refresh('isos', 'host');
}

export function startUpload(file: File, name: string): void {
	const id = crypto.randomUUID();
	const upload: Upload = {
		id,
		name,
		sizeBytes: file.size,
		sentBytes: 0,
		bytesPerSecond: 0,
		state: 'sending',
		error: '',
	};
	store.set({ uploads: [...store.state.uploads, upload] });
	void send(id, name, file, false);
}

export function pauseUpload(id: string): void {
	sending.get(id)?.controller.abort();
}

export async function resumeUpload(id: string): Promise<void> {
	const upload = store.state.uploads.find((one) => one.id === id);
	const file = sending.get(id)?.file;
	if (upload && file) await send(id, upload.name, file, true);
}

/* An upload that an earlier visit left unfinished: the person has chosen the same file again. */
export async function adoptUpload(id: string, name: string, file: File): Promise<void> {
	const upload: Upload = {
		id,
		name,
		sizeBytes: file.size,
		sentBytes: 0,
		bytesPerSecond: 0,
		state: 'paused',
		error: '',
	};
	store.set({ uploads: [...store.state.uploads.filter((one) => one.id !== id), upload] });
	sending.set(id, { file, controller: new AbortController() });
	await resumeUpload(id);
}

/* The part that was cut off may still be on its way to the disk; then the server says so, and it is asked again. */
async function deleteUpload(id: string): Promise<void> {
	for (let retry = 0; ; retry++) {
		try {
			return await deleteIso(id);
		} catch (error) {
			if (error instanceof ApiError && error.status === 404) return;
			if (retry === RETRIES || !mayPass(error)) throw error;
		}
		await backOff(retry);
	}
}

export async function cancelUpload(id: string): Promise<void> {
	pauseUpload(id);
	try {
		await deleteUpload(id);
		drop(id);
	} catch (error) {
		notifyError('media.deleteFailed', error);
	}
	refresh('isos', 'host');
}
