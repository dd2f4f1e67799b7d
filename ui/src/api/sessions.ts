// SPDX-License-Identifier: Apache-2.0
// Log in, who am I, log out, and one's own password.
import { request, setCsrfToken } from './http.js';
import type { Session, User } from './types.js';

function keepToken(session: Session): Session {
	setCsrfToken(session.csrfToken);
	return session;
}

export async function createSession(username: string, password: string): Promise<Session> {
	return keepToken(await request<Session>('POST', '/sessions', { body: { username, password } }));
}

export async function getSession(): Promise<Session> {
	return keepToken(await request<Session>('GET', '/sessions/current'));
}

export async function deleteSession(): Promise<void> {
	await request<void>('DELETE', '/sessions/current');
	setCsrfToken(null);
}

export function changePassword(userId: string, currentPassword: string, password: string): Promise<User> {
	return request('PATCH', `/users/${userId}`, { body: { currentPassword, password }, merge: true });
}
