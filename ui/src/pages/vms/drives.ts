// SPDX-License-Identifier: Apache-2.0
// What the drive table of a VM's page does.
import { attachDisk, detachDisk } from '../../api/vms.js';
import type { Vm, VmDisk } from '../../api/types.js';
import { confirm } from '../../components/confirm.js';
import { t } from '../../i18n/index.js';
import { notifyError } from '../../state/notices.js';
import { vmChanged } from '../../state/vms.js';
import { controllerName, driveName } from './summary.js';

export async function ejectDrive(vm: Vm, drive: VmDisk): Promise<void> {
	try {
		vmChanged(await attachDisk(vm.id, { medium: 'dvd', source: null, controller: drive.controller }));
	} catch (error) {
		notifyError('drives.changeFailed', error, { name: vm.name });
	}
}

export async function removeDrive(vm: Vm, drive: VmDisk): Promise<void> {
	const yes = await confirm({
		title: t('drives.removeTitle'),
		text: t('drives.removeText'),
		details: [`${controllerName(drive)}: ${driveName(drive)}`],
		action: t('drives.remove'),
	});
	if (!yes) return;
	try {
		vmChanged(await detachDisk(vm.id, drive.id));
	} catch (error) {
		notifyError('drives.changeFailed', error, { name: vm.name });
	}
}
