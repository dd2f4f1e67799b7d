// SPDX-License-Identifier: Apache-2.0
// What pages do to virtual machines; and which action fits which state.
import * as api from '../api/vms.js';
import type { PowerAction, Vm, VmState } from '../api/types.js';
import { t } from '../i18n/index.js';
import { jobStarted } from './jobs.js';
import { notify, notifyError } from './notices.js';
import { store } from './store.js';
import { refresh } from './sync.js';

const fits: Record<PowerAction, readonly VmState[]> = {
	start: ['off', 'failed', 'saved'],
	shutdown: ['running'],
	'turn-off': ['running', 'paused', 'starting', 'stopping', 'restoring'],
	reset: ['running'],
	restart: ['running'],
	pause: ['running'],
	resume: ['paused'],
	save: ['running', 'paused'],
	'discard-saved-state': ['saved'],
};

export function canRun(action: PowerAction, vm: Vm): boolean {
	return fits[action].includes(vm.state);
}

export function isOff(vm: Vm): boolean {
	return vm.state === 'off' || vm.state === 'failed';
}

/* Not on its way to another state: drives may come and go. */
export function isSettled(vm: Vm): boolean {
	return isOff(vm) || vm.state === 'running' || vm.state === 'paused';
}

/* Has no process. */
export function isDeletable(vm: Vm): boolean {
	return isOff(vm) || vm.state === 'saved';
}

export function hasScreen(vm: Vm): boolean {
	return vm.state === 'running' || vm.state === 'paused' || vm.state === 'stopping';
}

export function findVm(id: string): Vm | undefined {
	return store.state.vms?.find((vm) => vm.id === id);
}

export function mayOperate(): boolean {
	return store.state.session?.role !== 'viewer';
}

export function mayAdminister(): boolean {
	return store.state.session?.role === 'administrator';
}

/* The answer of a change is newer than any list: show it without waiting for the event. */
export function vmChanged(vm: Vm): void {
	const others = (store.state.vms ?? []).filter((other) => other.id !== vm.id);
	store.set({ vms: [...others, vm].sort((a, b) => a.name.localeCompare(b.name)) });
	refresh('vms', 'disks', 'isos', 'host');
}

export async function runAction(action: PowerAction, vms: Vm[]): Promise<void> {
	await Promise.all(
		vms
			.filter((vm) => canRun(action, vm))
			.map(async (vm) => {
				try {
					jobStarted(await api.runVmAction(vm.id, action));
				} catch (error) {
					notifyError('vm.actionFailed', error, { name: vm.name });
				}
			}),
	);
	refresh('vms');
}

export async function deleteVms(vms: Vm[]): Promise<void> {
	await Promise.all(
		vms.map(async (vm) => {
			try {
				await api.deleteVm(vm.id);
				store.set({ vms: store.state.vms?.filter((other) => other.id !== vm.id) });
				notify('success', t('vm.deleted', { name: vm.name }));
			} catch (error) {
				notifyError('vm.deleteFailed', error, { name: vm.name });
			}
		}),
	);
	refresh('vms', 'disks', 'isos', 'host');
}
