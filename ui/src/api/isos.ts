// SPDX-License-Identifier: Apache-2.0
// Install media; they come by api/uploads.ts.
import { request, requestAll } from './http.js';
import type { Iso } from './types.js';

export function listIsos(): Promise<Iso[]> {
	return requestAll('/isos');
}

export function deleteIso(id: string): Promise<void> {
	return request('DELETE', `/isos/${id}`);
}
