// SPDX-License-Identifier: Apache-2.0
// The commands on virtual machines, for the list (several VMs) and for one VM's pages: same words, same rules.
import type { Command } from '../../components/command-bar.js';
import { confirm } from '../../components/confirm.js';
import type { IconName } from '../../components/icon.js';
import type { PowerAction, Vm } from '../../api/types.js';
import { t } from '../../i18n/index.js';
import { goTo } from '../../state/route.js';
import {
	canRun,
	deleteVms,
	hasScreen,
	isDeletable,
	mayAdminister,
	mayOperate,
	runAction,
} from '../../state/vms.js';

const powerIcons: Record<PowerAction, IconName> = {
	start: 'start',
	shutdown: 'power',
	'turn-off': 'stop',
	reset: 'reset',
	restart: 'refresh',
	pause: 'pause',
	resume: 'start',
	save: 'save',
	'discard-saved-state': 'dismiss',
};
/* What a guest may lose data by is asked first. */
const asked = ['turn-off', 'reset', 'discard-saved-state'] as const;
type Asked = (typeof asked)[number];

function isAsked(action: PowerAction): action is Asked {
	return asked.some((one) => one === action);
}

async function askAndRun(action: PowerAction, vms: Vm[]): Promise<void> {
	const concerned = vms.filter((vm) => canRun(action, vm));
	const yes =
		!isAsked(action) ||
		(await confirm({
			title: t(`confirm.${action}`),
			text: t(`confirm.${action}Text`),
			details: concerned.map((vm) => vm.name),
			action: t(`action.${action}`),
		}));
	if (yes) await runAction(action, concerned);
}

async function askAndDelete(vms: Vm[], deleted: () => void): Promise<void> {
	const yes = await confirm({
		title: t('confirm.delete'),
		text: t('confirm.deleteText'),
		details: vms.map((vm) => vm.name),
		action: t('common.delete'),
	});
	if (yes) {
		await deleteVms(vms);
		deleted();
	}
}

export function powerCommand(action: PowerAction, vms: Vm[]): Command {
	return {
		id: action,
		label: t(`action.${action}`),
		icon: powerIcons[action],
		disabled: !mayOperate() || !vms.some((vm) => canRun(action, vm)),
		run: () => void askAndRun(action, vms),
	};
}

/* Pause and Resume share a place, so do Save and Discard; which one is there depends on what is selected. */
export function powerCommands(vms: Vm[]): Command[] {
	const resume = vms.some((vm) => canRun('resume', vm)) && !vms.some((vm) => canRun('pause', vm));
	const discard = vms.some((vm) => canRun('discard-saved-state', vm)) && !vms.some((vm) => canRun('save', vm));
	const actions: PowerAction[] = ['start', 'shutdown', 'turn-off', 'reset', resume ? 'resume' : 'pause', discard ? 'discard-saved-state' : 'save'];
	return actions.map((action) => powerCommand(action, vms));
}

export function consoleCommand(vms: Vm[]): Command {
	const vm = vms.length === 1 ? vms[0] : undefined;
	return {
		id: 'console',
		label: t('action.console'),
		icon: 'console',
		group: true,
		disabled: !vm || !hasScreen(vm),
		run: () => vm && goTo(`vms/${vm.id}/console`),
	};
}

export function settingsCommand(vms: Vm[], open: () => void): Command {
	return {
		id: 'settings',
		label: t('action.settings'),
		icon: 'settings',
		disabled: !mayAdminister() || vms.length !== 1,
		run: open,
	};
}

export function deleteCommand(vms: Vm[], deleted: () => void = () => {}): Command {
	const possible = vms.length > 0 && vms.every(isDeletable);
	return {
		id: 'delete',
		label: t('common.delete'),
		icon: 'remove',
		group: true,
		disabled: !mayAdminister() || !possible,
		title: vms.length > 0 && !possible ? t('vm.deleteNeedsOff') : '',
		run: () => void askAndDelete(vms, deleted),
	};
}
