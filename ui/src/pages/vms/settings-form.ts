// SPDX-License-Identifier: Apache-2.0
// <pt-vm-settings>: the settings of a VM. What cannot change while it runs is shown and disabled, with the reason. Only
// what was changed is sent, with the etag of the VM that was shown: two people cannot overwrite each other unseen.
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { ApiError } from '../../api/http.js';
import { getVm, updateVm } from '../../api/vms.js';
import type { Vm, VmPatch } from '../../api/types.js';
import {
	radioField,
	selectField,
	textAreaField,
	textField,
} from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { notify } from '../../state/notices.js';
import { findVm, isOff, vmChanged } from '../../state/vms.js';
import { serviceFields, serviceNames, type Services } from './guest.js';
import {
	coldFields,
	resourcePatch,
	resourceProblems,
	resourceServerFields,
	resourcesOf,
	warmFields,
	type Resources,
} from './resources.js';

interface Draft extends Resources {
	name: string;
	notes: string;
	boot: 'dvd' | 'disk';
	automaticStart: Vm['automaticStart'];
	automaticStop: Vm['automaticStop'];
	services: Services;
}

const serverFields = [
	['name', 'name'],
	['notes', 'notes'],
	...resourceServerFields,
	['firmware', 'boot'],
	['automaticStart', 'automaticStart'],
	['automaticStop', 'automaticStop'],
] as const;

function draftOf(vm: Vm): Draft {
	return {
		name: vm.name,
		notes: vm.notes,
		...resourcesOf(vm),
		boot: vm.firmware.bootOrder?.[0] ?? 'dvd',
		automaticStart: vm.automaticStart,
		automaticStop: vm.automaticStop,
		services: { ...vm.integrationServices } as Services,
	};
}

function changes(vm: Vm, draft: Draft): VmPatch {
	const patch: VmPatch = resourcePatch(vm, draft);
	if (draft.name.trim() !== vm.name) patch.name = draft.name.trim();
	if (draft.notes !== vm.notes) patch.notes = draft.notes;
	if (draft.boot !== draftOf(vm).boot)
		patch.firmware = { bootOrder: draft.boot === 'dvd' ? ['dvd', 'disk'] : ['disk', 'dvd'] };
	if (draft.automaticStart !== vm.automaticStart) patch.automaticStart = draft.automaticStart;
	if (draft.automaticStop !== vm.automaticStop) patch.automaticStop = draft.automaticStop;
	if (serviceNames.some((name) => draft.services[name] !== vm.integrationServices[name]))
		patch.integrationServices = draft.services;
	return patch;
}

@customElement('pt-vm-settings')
export class VmSettings extends FormPanel {
	@property({ attribute: false }) vmId = '';
	@state() private vm: Vm | undefined; /* as it was when the form was filled */
	@state() private draft: Draft | undefined;

	static override styles = [
		...FormPanel.styles,
		css`
		fieldset.services { border: 0; padding: 0; margin: 0; min-width: 0; display: grid; gap: 4px; }
		fieldset.off { border: 0; padding: 0; margin: 0; min-width: 0; display: contents; }
	`,
	];

	protected readonly serverFields = serverFields;

	override willUpdate(): void {
		if (this.vm) return;
		this.vm = findVm(this.vmId);
		this.draft = this.vm && draftOf(this.vm);
	}

	#change(patch: Partial<Draft>): void {
		if (this.draft) this.draft = { ...this.draft, ...patch };
	}

	protected check(): Problems {
		const { draft } = this;
		return draft ? { name: draft.name.trim() ? undefined : t('form.required'), ...resourceProblems(draft) } : {};
	}

	protected async save(): Promise<void> {
		const { vm, draft } = this;
		const patch = vm && draft ? changes(vm, draft) : {};
		if (!vm || Object.keys(patch).length === 0) return;
		vmChanged(await updateVm(vm.id, patch, vm.etag));
		notify('success', t('settings.saved', { name: vm.name }));
	}

	protected override async failed(error: unknown): Promise<void> {
		if (this.vm && error instanceof ApiError && error.code === 'stale_etag') await this.#rebase(this.vm);
		else await super.failed(error);
	}

	/* Somebody else changed the VM. What was typed stays; the next Save is against the VM as it is now. */
	async #rebase(vm: Vm): Promise<void> {
		try {
			this.vm = await getVm(vm.id);
			this.problems = { form: t('settings.stale') };
		} catch (error) {
			await super.failed(error);
		}
	}

	#alwaysFields(draft: Draft) {
		return html`
			${textField({ name: 'name', label: t('vms.name'), value: draft.name, required: true, problem: this.problems.name, change: (name) => this.#change({ name }) })}
			${textAreaField({ name: 'notes', label: t('vms.notes'), value: draft.notes, problem: this.problems.notes, change: (notes) => this.#change({ notes }) })}
			${selectField({
				name: 'automaticStart',
				label: t('settings.automaticStart'),
				value: draft.automaticStart,
				problem: this.problems.automaticStart,
				choices: (['never', 'if-was-running', 'always'] as const).map((value) => ({
					value,
					label: t(`automaticStart.${value}`),
				})),
				change: (value) => this.#change({ automaticStart: value as Draft['automaticStart'] }),
			})}
			${selectField({
				name: 'automaticStop',
				label: t('settings.automaticStop'),
				value: draft.automaticStop,
				problem: this.problems.automaticStop,
				choices: (['shutdown', 'turn-off'] as const).map((value) => ({
					value,
					label: t(`automaticStop.${value}`),
				})),
				change: (value) => this.#change({ automaticStop: value as Draft['automaticStop'] }),
			})}
			${serviceFields(draft.services, (services) => this.#change({ services }))}
			${warmFields(draft, this.problems, (patch) => this.#change(patch))}`;
	}

	#offFields(draft: Draft, off: boolean) {
		return html`
			${off ? nothing : html`<p class="hint">${t('settings.needsOff')}</p>`}
			<fieldset class="off" ?disabled=${!off}>
				${coldFields(draft, this.problems, (patch) => this.#change(patch), off)}
				${radioField({
					name: 'boot',
					label: t('settings.boot'),
					value: draft.boot,
					problem: this.problems.boot,
					choices: [
						{ value: 'dvd', label: t('settings.bootDvd'), disabled: !off },
						{ value: 'disk', label: t('settings.bootDisk'), disabled: !off },
					],
					change: (boot) => this.#change({ boot: boot as Draft['boot'] }),
				})}
			</fieldset>`;
	}

	protected heading(): string {
		return t('settings.title', { name: this.vm?.name ?? '' });
	}

	protected button(): string {
		return t('common.save');
	}

	protected override unsavable(): boolean {
		return findVm(this.vmId) === undefined;
	}

	protected fields() {
		const { draft } = this;
		const now = findVm(this.vmId);
		if (!draft || !now) return html`<p>${t('vm.gone')}</p>`;
		return html`${this.#alwaysFields(draft)}${this.#offFields(draft, isOff(now))}`;
	}
}
