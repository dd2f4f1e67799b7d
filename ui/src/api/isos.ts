// SPDX-License-Identifier: Apache-2.0
// Install media. An upload goes in parts, each acknowledged by the server, so that a cut connection costs one part;
// XMLHttpRequest because fetch does not tell how much of a body has gone out.
import { API_BASE, ApiError, errorFromAnswer, getCsrfToken, request, requestAll } from './http.js';
import type { Iso } from './types.js';

const PART_BYTES = 16 * 1024 * 1024;

export function listIsos(): Promise<Iso[]> {
	return requestAll('/isos');
}

export function getIso(id: string): Promise<Iso> {
	return request('GET', `/isos/${id}`);
}

export function deleteIso(id: string): Promise<void> {
	return request('DELETE', `/isos/${id}`);
}

export interface UploadHooks {
	signal: AbortSignal;
	progress(sentBytes: number): void;
}

function partRequest(id: string, name: string, file: Blob, first: number, end: number): XMLHttpRequest {
	const xhr = new XMLHttpRequest();
	xhr.open('PUT', `${API_BASE}/isos/${id}?name=${encodeURIComponent(name)}`);
	xhr.setRequestHeader('Content-Type', 'application/octet-stream');
	if (file.size > 0) xhr.setRequestHeader('Content-Range', `bytes ${first}-${end - 1}/${file.size}`);
	xhr.setRequestHeader('X-CSRF-Token', getCsrfToken() ?? '');
	return xhr;
}

function sendPart(id: string, name: string, file: Blob, first: number, hooks: UploadHooks): Promise<Iso> {
	const end = Math.min(first + PART_BYTES, file.size);
	const xhr = partRequest(id, name, file, first, end);
	return new Promise((resolve, reject) => {
		const abort = () => xhr.abort();
		hooks.signal.addEventListener('abort', abort, { once: true });
		xhr.upload.onprogress = (event) => hooks.progress(first + Math.min(event.loaded, end - first));
		xhr.onabort = () => reject(new DOMException('upload stopped', 'AbortError'));
		xhr.onerror = () => reject(new ApiError(0, 'unreachable', ''));
		xhr.onload = () => {
			if (xhr.status < 300) resolve(JSON.parse(xhr.responseText) as Iso);
			else reject(errorFromAnswer(xhr.status, xhr.responseText));
		};
		xhr.onloadend = () => hooks.signal.removeEventListener('abort', abort);
		xhr.send(file.slice(first, end));
	});
}

/* Sends file from byte `from` on. An empty file is sent too: the server says what is wrong with it. */
export async function uploadIso(
	id: string,
	name: string,
	file: Blob,
	from: number,
	hooks: UploadHooks,
): Promise<Iso> {
	let iso: Iso | undefined;
	let sent = from;
	do {
		hooks.signal.throwIfAborted();
		iso = await sendPart(id, name, file, sent, hooks);
		if (iso.state === 'uploading' && iso.receivedBytes <= sent) throw new ApiError(0, 'upload_stuck', '');
		sent = iso.receivedBytes;
		hooks.progress(sent);
	} while (iso.state === 'uploading' && sent < file.size);
	return iso;
}
