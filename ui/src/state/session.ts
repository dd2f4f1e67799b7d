// SPDX-License-Identifier: Apache-2.0
// Signing in and out, and what happens when the server no longer knows the session.
import { ApiError, setCsrfToken, whenSessionIsLost } from '../api/http.js';
import * as api from '../api/sessions.js';
import type { Session } from '../api/types.js';
import { store } from './store.js';
import { startSync, stopSync } from './sync.js';

function enter(session: Session): void {
	store.set({ session, sessionState: 'signed-in' });
	if (!session.passwordChangeRequired) startSync();
}

/* Finds the session that the cookie of an earlier visit still has. */
export async function resumeSession(): Promise<void> {
	whenSessionIsLost(loseSession);
	try {
		enter(await api.getSession());
	} catch (error) {
		const unreachable = error instanceof ApiError && error.status === 0;
		store.set({ sessionState: 'signed-out', reachable: !unreachable });
	}
}

export async function signIn(username: string, password: string): Promise<void> {
	enter(await api.createSession(username, password));
}

export async function signOut(): Promise<void> {
	try {
		await api.deleteSession();
	} finally {
		stopSync();
		setCsrfToken(null);
		forget();
	}
}

export async function changePassword(current: string, password: string): Promise<void> {
	const { session } = store.state;
	if (!session) return;
	await api.changePassword(session.user.id, current, password);
	enter(await api.getSession());
}

function forget(): void {
	store.set({
		sessionState: 'signed-out',
		session: undefined,
		host: undefined,
		vms: undefined,
		disks: undefined,
		isos: undefined,
		jobs: undefined,
		events: undefined,
		notices: [],
	});
}

function loseSession(): void {
	if (store.state.sessionState !== 'signed-in') return;
	stopSync();
	if (store.state.session?.passwordChangeRequired) forget();
	else store.set({ sessionState: 'expired' });
}
