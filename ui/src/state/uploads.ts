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

async function send(id: string, name: string, file: File, from: number): Promise<void> {
	const controller = new AbortController();
	sending.set(id, { file, controller });
	change(id, { state: 'sending', error: '', sentBytes: from, bytesPerSecond: 0 });
	try {
		await uploadIso(id, name, file, from, { signal: controller.signal, progress: progressMeter(id, from) });
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
	void send(id, name, file, 0);
}

export function pauseUpload(id: string): void {
	sending.get(id)?.controller.abort();
}

/* Where the server is, is asked and not guessed: it may have kept a part whose answer was lost. */
async function receivedBytes(id: string): Promise<number> {
	try {
		return (await getIso(id)).receivedBytes;
	} catch (error) {
		if (error instanceof ApiError && error.status === 404) return 0;
		throw error;
	}
}

export async function resumeUpload(id: string): Promise<void> {
	const upload = store.state.uploads.find((one) => one.id === id);
	const file = sending.get(id)?.file;
	if (!upload || !file) return;
	try {
		await send(id, upload.name, file, await receivedBytes(id));
	} catch (error) {
		change(id, { state: 'failed', error: errorText(error) });
	}
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

export async function cancelUpload(id: string): Promise<void> {
	pauseUpload(id);
	try {
		await deleteIso(id);
		drop(id);
	} catch (error) {
		if (error instanceof ApiError && error.status === 404) drop(id);
		else notifyError('media.deleteFailed', error);
	}
	refresh('isos', 'host');
}
