// SPDX-License-Identifier: Apache-2.0
// One request to webapi: base path, CSRF token, Idempotency-Key, and problem+json turned into ApiError.
// Only the files of this folder call it. It knows nothing of the store; what a lost session means is told by a hook.
import type { Problem } from './types.js';

export const API_BASE = '/api/v1';

export class ApiError extends Error {
	constructor(
		readonly status: number,
		readonly code: string,
		detail: string,
		readonly field?: string,
		readonly receivedBytes?: number,
	) {
		super(detail);
	}
}

export interface RequestOptions {
	body?: unknown;
	etag?: string;
	merge?: boolean; /* the body is a JSON merge patch */
	signal?: AbortSignal;
}

let csrfToken: string | null = null;
let onSessionLost: () => void = () => {};

export function setCsrfToken(token: string | null): void {
	csrfToken = token;
}

export function getCsrfToken(): string | null {
	return csrfToken;
}

export function whenSessionIsLost(hook: () => void): void {
	onSessionLost = hook;
}

/* Called for every answer that is not a success, also by the upload, which cannot use fetch. */
export function errorFromAnswer(status: number, text: string): ApiError {
	let problem: Partial<Problem> = {};
	try {
		problem = JSON.parse(text) as Partial<Problem>;
	} catch {
		/* a proxy's error page, or nothing at all */
	}
	const error = new ApiError(
		status,
		problem.code ?? 'http_error',
		problem.detail ?? `HTTP ${status}`,
		problem.field,
		problem.receivedBytes,
	);
	if (status === 401 && error.code !== 'wrong_credentials') onSessionLost();
	return error;
}

function headersFor(method: string, options: RequestOptions): Headers {
	const headers = new Headers({ Accept: 'application/json' });
	if (options.body !== undefined)
		headers.set('Content-Type', options.merge ? 'application/merge-patch+json' : 'application/json');
	if (method !== 'GET' && csrfToken) headers.set('X-CSRF-Token', csrfToken);
	if (method === 'POST') headers.set('Idempotency-Key', crypto.randomUUID());
	if (options.etag) headers.set('If-Match', `"${options.etag}"`);
	return headers;
}

async function send(method: string, path: string, options: RequestOptions): Promise<Response> {
	try {
		return await fetch(API_BASE + path, {
			method,
			headers: headersFor(method, options),
			body: options.body === undefined ? null : JSON.stringify(options.body),
			credentials: 'same-origin',
			cache: 'no-store',
			signal: options.signal ?? null,
		});
	} catch (cause) {
		if (options.signal?.aborted) throw cause;
		throw new ApiError(0, 'unreachable', '');
	}
}

export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
	const answer = await send(method, path, options);
	const text = await answer.text();
	if (!answer.ok) throw errorFromAnswer(answer.status, text);
	return (text ? JSON.parse(text) : undefined) as T;
}

export async function requestBlob(path: string): Promise<Blob> {
	const answer = await send('GET', path, {});
	if (!answer.ok) throw errorFromAnswer(answer.status, await answer.text());
	return answer.blob();
}

interface Page<T> {
	items: T[];
	nextCursor?: string | null;
}

/* Every item of a list, however many pages it has. */
export async function requestAll<T>(path: string): Promise<T[]> {
	const items: T[] = [];
	let cursor: string | null | undefined;
	do {
		const query: string = cursor ? `?cursor=${encodeURIComponent(cursor)}` : '';
		const page = await request<Page<T>>('GET', path + query);
		items.push(...page.items);
		cursor = page.nextCursor;
	} while (cursor);
	return items;
}

export function socketUrl(path: string): string {
	const url = new URL(API_BASE + path, location.href);
	url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
	return url.href;
}
