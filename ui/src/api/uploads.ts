// SPDX-License-Identifier: Apache-2.0
// Uploads of ISOs and of virtual disks: the same protocol at two addresses. A file goes in parts, each acknowledged by the
// server, so that a cut connection costs one part; XMLHttpRequest because fetch does not tell how much of a body has gone out.
import { API_BASE, ApiError, errorFromAnswer, getCsrfToken, request, requestAll } from './http.js';
import type { Disk, DiskUpload, Iso } from './types.js';

const PART_BYTES = 16 * 1024 * 1024;

export type UploadKind = 'iso' | 'disk';

export interface UploadTarget {
	kind: UploadKind;
	id: string;
	name: string;
	format?: 'raw'; /* of a disk; the other formats are known by their contents */
}

export interface UploadHooks {
	signal: AbortSignal;
	progress(sentBytes: number): void;
}

interface Received {
	state: string;
	receivedBytes: number;
}

const folders: Record<UploadKind, string> = { iso: '/isos', disk: '/uploads/disks' };

export function listDiskUploads(): Promise<DiskUpload[]> {
	return requestAll(folders.disk);
}

export function deleteUpload(target: Pick<UploadTarget, 'kind' | 'id'>): Promise<void> {
	return request('DELETE', `${folders[target.kind]}/${target.id}`);
}

async function orNothing<T>(answer: Promise<T>): Promise<T | undefined> {
	try {
		return await answer;
	} catch (error) {
		if (error instanceof ApiError && error.status === 404) return undefined;
		throw error;
	}
}

export interface Whereabouts {
	receivedBytes: number;
	complete: boolean;
}

async function whereIso(id: string): Promise<Whereabouts> {
	const iso = await orNothing(request<Iso>('GET', `/isos/${id}`));
	return { receivedBytes: iso?.receivedBytes ?? 0, complete: iso?.state === 'ready' };
}

/* A disk that came whole has left the list of uploads for that of disks. */
async function whereDisk(id: string): Promise<Whereabouts> {
	const upload = (await listDiskUploads()).find((one) => one.id === id);
	if (upload?.state === 'checking') throw new ApiError(409, 'upload_in_progress', '');
	const disk = upload ? undefined : await orNothing(request<Disk>('GET', `/disks/${id}`));
	return { receivedBytes: upload?.receivedBytes ?? 0, complete: disk !== undefined };
}

/* Where the server is, is asked and not guessed: it may have kept a part whose answer was lost. */
export function whereServerIs(target: UploadTarget): Promise<Whereabouts> {
	return target.kind === 'iso' ? whereIso(target.id) : whereDisk(target.id);
}

function partRequest(target: UploadTarget, file: Blob, first: number, end: number): XMLHttpRequest {
	const xhr = new XMLHttpRequest();
	const query = new URLSearchParams({ name: target.name, ...(target.format && { format: target.format }) });
	xhr.open('PUT', `${API_BASE}${folders[target.kind]}/${target.id}?${query.toString()}`);
	xhr.setRequestHeader('Content-Type', 'application/octet-stream');
	if (file.size > 0) xhr.setRequestHeader('Content-Range', `bytes ${first}-${end - 1}/${file.size}`);
	xhr.setRequestHeader('X-CSRF-Token', getCsrfToken() ?? '');
	return xhr;
}

function sendPart(target: UploadTarget, file: Blob, first: number, hooks: UploadHooks): Promise<Received> {
	const end = Math.min(first + PART_BYTES, file.size);
	const xhr = partRequest(target, file, first, end);
	return new Promise((resolve, reject) => {
		const abort = () => xhr.abort();
		hooks.signal.addEventListener('abort', abort, { once: true });
		xhr.upload.onprogress = (event) => hooks.progress(first + Math.min(event.loaded, end - first));
		xhr.onabort = () => reject(new DOMException('upload stopped', 'AbortError'));
		xhr.onerror = () => reject(new ApiError(0, 'unreachable', ''));
		xhr.onload = () => {
			if (xhr.status < 300) resolve(JSON.parse(xhr.responseText) as Received);
			else reject(errorFromAnswer(xhr.status, xhr.responseText));
		};
		xhr.onloadend = () => hooks.signal.removeEventListener('abort', abort);
		xhr.send(file.slice(first, end));
	});
}

/* Sends file from byte `from` on. An empty file is sent too: the server says what is wrong with it. */
export async function uploadFile(target: UploadTarget, file: Blob, from: number, hooks: UploadHooks): Promise<void> {
	let sent = from;
	for (;;) {
		hooks.signal.throwIfAborted();
		const got = await sendPart(target, file, sent, hooks);
		const unfinished = got.state === 'uploading' && sent < file.size;
		if (unfinished && got.receivedBytes <= sent) throw new ApiError(0, 'upload_stuck', '');
		sent = unfinished ? got.receivedBytes : file.size;
		hooks.progress(sent);
		if (sent >= file.size) return;
	}
}
