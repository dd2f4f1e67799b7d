// SPDX-License-Identifier: Apache-2.0
// What a VM is, in a list of names and values; and its uptime as of now, not of the last answer.
import { html, nothing, type TemplateResult } from 'lit';
import type { Vm, VmDisk } from '../../api/types.js';
import { formatBytes, formatDuration, formatNumber, formatTime } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { store } from '../../state/store.js';

export function uptime(vm: Vm): number {
	return vm.state === 'running'
		? vm.uptimeSeconds + (performance.now() - store.state.vmsAt) / 1000
		: vm.uptimeSeconds;
}

export function driveName(drive: VmDisk): string {
	return drive.source?.name ?? t('drives.empty');
}

export function controllerName(drive: VmDisk): string {
	const { type, number, location } = drive.controller;
	return `${type.toUpperCase()} ${number}:${location}`;
}

/* Of dynamic memory also what the guest needs, and why its memory was last changed. */
function memory(vm: Vm): TemplateResult {
	const m = vm.memory;
	if (!m.dynamic || m.assignedBytes === 0)
		return html`<dt>${t('vms.memory')}</dt><dd>${formatBytes(m.startupBytes)}</dd>`;
	return html`
		<dt>${t('resources.assigned')}</dt><dd>${formatBytes(m.assignedBytes)} – ${t(`memoryStatus.${m.status}`)}</dd>
		${m.status === 'unavailable' ? nothing : html`<dt>${t('resources.demand')}</dt><dd>${formatBytes(m.demandBytes)}</dd>`}
		${m.smartPagingBytes ? html`<dt>${t('resources.paged')}</dt><dd>${formatBytes(m.smartPagingBytes)}</dd>` : nothing}
		${m.reason ? html`<dt>${t('resources.reason')}</dt><dd>${m.reason}</dd>` : nothing}`;
}

export function summary(vm: Vm): TemplateResult {
	return html`
		<dl>
			<dt>${t('vms.state')}</dt>
			<dd><pt-vm-state value=${vm.state}></pt-vm-state></dd>
			<dt>${t('vms.uptime')}</dt><dd class="number">${uptime(vm) > 0 ? formatDuration(uptime(vm)) : '–'}</dd>
			<dt>${t('vms.generation')}</dt><dd>${formatNumber(vm.generation)}</dd>
			<dt>${t('vms.vps')}</dt><dd>${formatNumber(vm.processor.count)}</dd>
			${memory(vm)}
			<dt>${t('vms.boot')}</dt><dd>${(vm.firmware.bootOrder ?? []).map((device) => t(`boot.${device}`)).join(' → ')}</dd>
			<dt>${t('vms.created')}</dt><dd>${formatTime(vm.createdAt)}</dd>
			${vm.notes ? html`<dt>${t('vms.notes')}</dt><dd>${vm.notes}</dd>` : nothing}
		</dl>`;
}
