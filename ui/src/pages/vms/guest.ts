// SPDX-License-Identifier: Apache-2.0
// The guest of a VM: what it says of itself, the integration services (how each is doing, and switching them), and files on their
// way into it.
import { html, nothing, type TemplateResult } from 'lit';
import type { Vm } from '../../api/types.js';
import type { Command } from '../../components/command-bar.js';
import { checkField } from '../../components/fields.js';
import { cancelButton, jobProgress } from '../../components/job.js';
import { formatTime } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { isUnfinished } from '../../state/jobs.js';
import { store } from '../../state/store.js';
import { mayAdminister } from '../../state/vms.js';

export type GuestForm = 'copy-file' | 'addresses';

export type Services = Required<NonNullable<Vm['integrationServices']>>;
export const serviceNames = ['shutdown', 'timeSync', 'heartbeat', 'keyValue', 'backup', 'guestFileCopy'] as const;

/* A dash for a VM that does not run: its guest has no heart to beat. */
export function heartbeat(vm: Vm): string {
	return vm.state === 'running' ? t(`heartbeat.${vm.guest.heartbeat}`) : '–';
}

function row(name: string, value: string): TemplateResult | typeof nothing {
	return value ? html`<dt>${name}</dt><dd>${value}</dd>` : nothing;
}

function service(vm: Vm, name: (typeof serviceNames)[number]): TemplateResult {
	const status = vm.guest.services[name];
	const seen = status?.lastSeen ? t('guest.lastSeen', { time: formatTime(status.lastSeen) }) : '';
	return html`<dt>${t(`service.${name}`)}</dt>
		<dd data-service=${name}>${t(`serviceState.${status?.state ?? (vm.integrationServices[name] ? 'waiting' : 'off')}`)}
			${status?.version ? html`<span class="subtitle">${status.version}</span>` : nothing}
			<span class="subtitle">${seen}</span></dd>`;
}

/* What the host can do inside a guest that runs; where it cannot, the title says why. */
function commands(vm: Vm, open: (form: GuestForm) => void): Command[] {
	const runs = vm.state === 'running' && mayAdminister();
	const copies = vm.integrationServices.guestFileCopy === true;
	const reason = vm.state === 'running' ? '' : t('guest.needsRunning');
	return [
		{
			id: 'copy-file',
			label: t('guestFile.copy'),
			icon: 'upload',
			disabled: !runs || !copies,
			title: reason || (copies ? '' : t('guestFile.serviceOff')),
			run: () => open('copy-file'),
		},
		{
			id: 'guest-addresses',
			label: t('guestAddresses.set'),
			icon: 'network',
			disabled: !runs || vm.networkAdapters.length === 0,
			title: reason,
			run: () => open('addresses'),
		},
	];
}

function copiesUnderWay(vm: Vm): TemplateResult[] {
	const jobs = (store.state.jobs ?? []).filter((job) => job.type === 'vm.copy-file' && job.object.id === vm.id && isUnfinished(job));
	return jobs.map((job) => html`
		<div class="heading" data-job=${job.id}>
			<span class="subtitle">${t('guestFile.progress', { percent: job.progressPercent })}</span>${mayAdminister() ? cancelButton(job) : nothing}
		</div>
		${jobProgress(job)}`);
}

export function guestCard(vm: Vm, open: (form: GuestForm) => void): TemplateResult {
	const { osName, osVersion, hostName, ipAddresses } = vm.guest;
	return html`
		<section class="card" aria-labelledby="guest">
			<h2 id="guest">${t('vm.guest')}</h2>
			<dl>
				${row(t('guest.heartbeat'), heartbeat(vm))}
				${row(t('guest.hostName'), hostName)}
				${row(t('guest.os'), [osName, osVersion].filter(Boolean).join(' '))}
				${row(t('guest.addresses'), ipAddresses.join(', '))}
				${serviceNames.map((name) => service(vm, name))}
			</dl>
			${copiesUnderWay(vm)}
			<pt-command-bar .label=${t('vm.guest')} .commands=${commands(vm, open)}></pt-command-bar>
		</section>`;
}

export function serviceFields(services: Services, change: (services: Services) => void): TemplateResult {
	return html`
		<fieldset class="services">
			<legend>${t('settings.services')}</legend>
			${serviceNames.map((name) => checkField(t(`service.${name}`), services[name], (on) => change({ ...services, [name]: on })))}
		</fieldset>`;
}
