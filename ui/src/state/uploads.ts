// SPDX-License-Identifier: Apache-2.0
// Uploads of install media and of virtual disks. They belong to the store, not to the page, so that they go on while the person looks
// elsewhere. The files themselves stay here: a browser gives them up when the page is closed.
import { ApiError } from '../api/http.js';
import { deleteUpload, uploadFile, whereServerIs, type UploadTarget } from '../api/uploads.js';
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

/* Sends the file from where the server is until all of it is there; gives up after RETRIES tries without a new byte. */
async function sendAll(target: UploadTarget, file: File, asksFirst: boolean, signal: AbortSignal): Promise<void> {
	const { id } = target;
	let at = 0;
	for (let retry = 0, ask = asksFirst; ; retry++, ask = true) {
		try {
			if (ask) {
				const server = await whereServerIs(target);
				if (server.complete) return;
				if (server.receivedBytes > at) retry = 0;
				at = server.receivedBytes;
			}
			change(id, { sentBytes: at });
			await uploadFile(target, file, at, { signal, progress: progressMeter(id, at) });
			return;
		} catch (error) {
			if (signal.aborted || retry === RETRIES || !mayPass(error)) throw error;
		}
		await backOff(retry, signal);
	}
}

/* The lists that an upload of this kind changes. */
function stale(kind: UploadTarget['kind']): void {
	if (kind === 'iso') refresh('isos', 'host');
	else refresh('disks', 'diskUploads', 'volumes', 'host');
}

async function send(target: UploadTarget, file: File, asksFirst: boolean): Promise<void> {
	const { id, name } = target;
	const controller = new AbortController();
	sending.set(id, { file, controller });
	change(id, { state: 'sending', error: '', bytesPerSecond: 0 });
	try {
		await sendAll(target, file, asksFirst, controller.signal);
		drop(id);
		notify('success', t('media.uploaded', { name }));
	} catch (error) {
		if (controller.signal.aborted) change(id, { state: 'paused', bytesPerSecond: 0 });
		else change(id, { state: failureState(error), bytesPerSecond: 0, error: errorText(error) });
	}
	stale(target.kind);
}

function uploadOf(target: UploadTarget, file: File, state: Upload['state']): Upload {
	return { ...target, sizeBytes: file.size, sentBytes: 0, bytesPerSecond: 0, state, error: '' };
}

export function startUpload(file: File, target: Omit<UploadTarget, 'id'>): void {
	const upload = uploadOf({ ...target, id: crypto.randomUUID() }, file, 'sending');
	store.set({ uploads: [...store.state.uploads, upload] });
	void send(upload, file, false);
}

export function pauseUpload(id: string): void {
	sending.get(id)?.controller.abort();
}

export async function resumeUpload(id: string): Promise<void> {
	const upload = store.state.uploads.find((one) => one.id === id);
	const file = sending.get(id)?.file;
	if (upload && file) await send(upload, file, true);
}

/* An upload that an earlier visit left unfinished: the person has chosen the same file again. */
export async function adoptUpload(target: UploadTarget, file: File): Promise<void> {
	const upload = uploadOf(target, file, 'paused');
	store.set({ uploads: [...store.state.uploads.filter((one) => one.id !== target.id), upload] });
	sending.set(target.id, { file, controller: new AbortController() });
	await resumeUpload(target.id);
}

/* The part that was cut off may still be on its way to the disk; then the server says so, and it is asked again. */
async function takeBack(target: Pick<UploadTarget, 'kind' | 'id'>): Promise<void> {
	for (let retry = 0; ; retry++) {
		try {
			return await deleteUpload(target);
		} catch (error) {
			if (error instanceof ApiError && error.status === 404) return;
			if (retry === RETRIES || !mayPass(error)) throw error;
		}
		await backOff(retry);
	}
}

export async function cancelUpload(target: Pick<UploadTarget, 'kind' | 'id'>): Promise<void> {
	pauseUpload(target.id);
	try {
		await takeBack(target);
		drop(target.id);
	} catch (error) {
		notifyError('media.deleteFailed', error);
	}
	stale(target.kind);
}

/* Names are unique; a file that came before under the same name is numbered. */
export function freeFileName(name: string, others: readonly { name: string }[]): string {
	const taken = new Set([...others, ...store.state.uploads].map((one) => one.name.toLowerCase()));
	const [, stem = name, end = ''] = /^(.*?)(\.[^.]*)?$/.exec(name) ?? [];
	let free = name;
	for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${stem} (${number})${end}`;
	return free;
}
