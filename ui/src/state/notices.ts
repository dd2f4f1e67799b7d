// SPDX-License-Identifier: Apache-2.0
// The message bars at the top of the page. Errors stay until they are dismissed; good news goes by itself.
import { ApiError } from '../api/http.js';
import { t, type Key } from '../i18n/index.js';
import { store, type Intent } from './store.js';

const SUCCESS_STAYS_MS = 6000;
const MOST_NOTICES = 4;
let lastId = 0;

export function dismissNotice(id: number): void {
	store.set({ notices: store.state.notices.filter((notice) => notice.id !== id) });
}

export function notify(intent: Intent, title: string, detail = ''): void {
	const others = store.state.notices.filter((notice) => notice.title !== title || notice.detail !== detail);
	const id = ++lastId;
	store.set({ notices: [...others, { id, intent, title, detail }].slice(-MOST_NOTICES) });
	if (intent === 'success') setTimeout(() => dismissNotice(id), SUCCESS_STAYS_MS);
}

/* What a person should read about a failed request. */
export function errorText(error: unknown): string {
	if (error instanceof ApiError) {
		if (error.code === 'unreachable') return t('error.unreachable');
		return error.message || t('error.unknown');
	}
	return error instanceof Error ? error.message : String(error);
}

/* A lost session is asked for again by the page itself; no other message is needed. */
export function sessionWasLost(error: unknown): boolean {
	return error instanceof ApiError && error.status === 401 && error.code !== 'wrong_credentials';
}

export function notifyError(title: Key, error: unknown, params: Record<string, string | number> = {}): void {
	if (sessionWasLost(error)) return;
	notify('error', t(title, params), errorText(error));
}
