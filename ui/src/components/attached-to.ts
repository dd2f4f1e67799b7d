// SPDX-License-Identifier: Apache-2.0
// The VMs that use a disk or an ISO, as links.
import { html, type TemplateResult } from 'lit';
import type { Disk } from '../api/types.js';

export function attachedTo(users: Disk['attachedTo']): TemplateResult {
	return html`${users.map((user, index) => html`${index > 0 ? ', ' : ''}<a href="#/vms/${user.vmId}">${user.vmName}</a>`)}`;
}
