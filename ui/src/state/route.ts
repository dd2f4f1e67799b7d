// SPDX-License-Identifier: Apache-2.0
// Where in the application the person is: the part of the address after #, e.g. #/vms/<id>/console.
import { store } from './store.js';

export type Route =
	| { page: 'overview' | 'vms' | 'media' | 'disks' | 'switches' | 'memory' | 'jobs' | 'events' | 'host' }
	| { page: 'vm' | 'console'; id: string }
	| { page: 'serial'; id: string; port: number };

const TOP_PAGES = ['overview', 'vms', 'media', 'disks', 'switches', 'memory', 'jobs', 'events', 'host'] as const;

export function currentRoute(): Route {
	const [page = '', id, sub, port] = location.hash.replace(/^#\/?/, '').split('/');
	if (page === 'vms' && id && sub === 'console') return { page: 'console', id };
	if (page === 'vms' && id && sub === 'serial') return { page: 'serial', id, port: port === '2' ? 2 : 1 };
	if (page === 'vms' && id) return { page: 'vm', id };
	return { page: TOP_PAGES.find((name) => name === page) ?? 'overview' };
}

export function goTo(path: string): void {
	location.hash = `#/${path}`;
}

export function watchRoute(): void {
	addEventListener('hashchange', () => store.set({}));
}
