// SPDX-License-Identifier: Apache-2.0
// <pt-vm-settings>: the settings of a VM. What cannot change while it runs is shown and disabled, with the reason. Only
// what was changed is sent, with the etag of the VM that was shown: two people cannot overwrite each other unseen.
import { css, html, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { ApiError } from '../../api/http.js';
import { getVm, updateVm } from '../../api/vms.js';
import type { Vm, VmPatch } from '../../api/types.js';
import {
	errorBar,
	formButtons,
	radioField,
	selectField,
	textAreaField,
	textField,
} from '../../components/fields.js';
import '../../components/panel.js';
import type { Panel } from '../../components/panel.js';
import { baseStyles, formStyles } from '../../components/styles.js';
import { View } from '../../components/view.js';
import { t } from '../../i18n/index.js';
import { notify } from '../../state/notices.js';
import { findVm, isOff, vmChanged } from '../../state/vms.js';
import { hasProblems, problemsFrom, type Problems } from './form.js';
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
export class VmSettings extends View {
	@property({ attribute: false }) vmId = '';
	@query('pt-panel') private panel!: Panel;
	@state() private vm: Vm | undefined; /* as it was when the form was filled */
	@state() private draft: Draft | undefined;
	@state() private problems: Problems = {};
	@state() private busy = false;

	static override styles = [
		baseStyles,
		formStyles,
		css`
		.unit { align-self: start; padding-top: 26px; }
		fieldset.services { border: 0; padding: 0; margin: 0; min-width: 0; display: grid; gap: 4px; }
		fieldset.off { border: 0; padding: 0; margin: 0; min-width: 0; display: contents; }
	`,
	];

	override willUpdate(): void {
		if (this.vm) return;
		this.vm = findVm(this.vmId);
		this.draft = this.vm && draftOf(this.vm);
	}

	#change(patch: Partial<Draft>): void {
		if (this.draft) this.draft = { ...this.draft, ...patch };
	}

	async #submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		const { vm, draft } = this;
		if (!vm || !draft || this.busy) return;
		this.problems = {
			name: draft.name.trim() ? undefined : t('form.required'),
			...resourceProblems(draft),
		};
		const patch = changes(vm, draft);
		if (hasProblems(this.problems)) return;
		if (Object.keys(patch).length === 0) this.panel.close();
		else await this.#save(vm, patch);
	}

	async #save(vm: Vm, patch: VmPatch): Promise<void> {
		this.busy = true;
		try {
			vmChanged(await updateVm(vm.id, patch, vm.etag));
			notify('success', t('settings.saved', { name: vm.name }));
			this.panel.close();
		} catch (error) {
			if (error instanceof ApiError && error.code === 'stale_etag') await this.#rebase(vm);
			else this.problems = problemsFrom(error, serverFields);
		} finally {
			this.busy = false;
		}
	}

	/* Somebody else changed the VM. What was typed stays; the next Save is against the VM as it is now. */
	async #rebase(vm: Vm): Promise<void> {
		try {
			this.vm = await getVm(vm.id);
			this.problems = { form: t('settings.stale') };
		} catch (error) {
			this.problems = problemsFrom(error, serverFields);
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

	protected override render() {
		const { draft } = this;
		const now = findVm(this.vmId);
		return html`
			<form novalidate @submit=${this.#submit}>
				<pt-panel .heading=${t('settings.title', { name: this.vm?.name ?? '' })}>
					${
						draft && now
							? html`<div class="fields">${errorBar(this.problems.form)}${this.#alwaysFields(draft)}${this.#offFields(draft, isOff(now))}</div>`
							: html`<p>${t('vm.gone')}</p>`
					}
					${formButtons(t('common.save'), this.busy || !now, () => this.panel.close())}
				</pt-panel>
			</form>`;
	}
}
