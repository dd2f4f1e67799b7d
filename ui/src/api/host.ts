// SPDX-License-Identifier: Apache-2.0
// The appliance itself.
import { request } from './http.js';
import type { Host } from './types.js';

export function getHost(): Promise<Host> {
	return request('GET', '/host');
}
