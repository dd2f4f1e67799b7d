// SPDX-License-Identifier: Apache-2.0
// <pt-switch-form>: makes a virtual switch, or, when `item` is given, changes it.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { createSwitch, listHostNetworkAdapters, updateSwitch } from '../../api/switches.js';
import type { HostNetworkAdapter, Switch, SwitchCreate, SwitchType } from '../../api/types.js';
import { radioField, selectField, textField } from '../../components/fields.js';
import { FormPanel, problemsFrom, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { notify } from '../../state/notices.js';
import { refresh } from '../../state/sync.js';

type Kind = SwitchType | 'nat';

const serverFields = [
	['name', 'name'],
	['type', 'kind'],
	['nat', 'kind'],
	['uplink', 'uplink'],
] as const;

@customElement('pt-switch-form')
export class SwitchForm extends FormPanel {
	@property({ attribute: false }) item: Switch | undefined;
	@state() private name = '';
	@state() private kind: Kind = 'nat';
	@state() private uplink = '';
	@state() private adapters: HostNetworkAdapter[] = [];

	protected readonly serverFields = serverFields;

	override connectedCallback(): void {
		super.connectedCallback();
		if (this.item) {
			this.name = this.item.name;
			this.kind = this.item.nat ? 'nat' : this.item.type;
			this.uplink = this.item.uplink ?? '';
		}
		void this.#loadAdapters();
	}

	async #loadAdapters(): Promise<void> {
		try {
			this.adapters = await listHostNetworkAdapters();
			this.uplink ||= this.#free()[0]?.name ?? '';
		} catch (error) {
			this.problems = problemsFrom(error, serverFields);
		}
	}

	#free(): HostNetworkAdapter[] {
		return this.adapters.filter((adapter) => !adapter.switchId || adapter.switchId === this.item?.id);
	}

	#body(): SwitchCreate {
		return {
			name: this.name.trim(),
			type: this.kind === 'nat' ? 'internal' : this.kind,
			nat: this.kind === 'nat',
			uplink: this.kind === 'external' ? this.uplink : null,
		};
	}

	protected check(): Problems {
		return { name: this.name.trim() ? undefined : t('form.required') };
	}

	protected async save(): Promise<void> {
		const saved = this.item
			? await updateSwitch(this.item.id, this.#body(), this.item.etag)
			: await createSwitch(this.#body());
		notify(
			saved.state === 'ready' ? 'success' : 'warning',
			saved.state === 'ready'
				? t('switches.saved', { name: saved.name })
				: t('switches.savedUnavailable', { name: saved.name, reason: saved.stateReason }),
		);
		refresh('switches');
	}

	#uplinkField() {
		const free = this.#free();
		return selectField({
			name: 'uplink',
			label: t('switches.uplink'),
			value: this.uplink,
			problem: this.problems.uplink,
			hint: t('switches.uplinkHint'),
			choices: free.map((adapter) => ({
				value: adapter.name,
				label: t(adapter.connected ? 'switches.uplinkUp' : 'switches.uplinkDown', {
					name: adapter.name,
					address: adapter.macAddress,
				}),
			})),
			change: (uplink) => {
				this.uplink = uplink;
			},
		});
	}

	protected heading(): string {
		return this.item ? t('switches.change', { name: this.item.name }) : t('switches.new');
	}

	protected button(): string {
		return t(this.item ? 'common.save' : 'common.create');
	}

	protected fields() {
		const kinds: Kind[] = ['nat', 'external', 'internal', 'private'];
		const { problems } = this;
		return html`
			${textField({
				name: 'name',
				label: t('switches.name'),
				value: this.name,
				required: true,
				autofocus: true,
				problem: problems.name,
				change: (name) => {
					this.name = name;
				},
			})}
			${radioField({
				name: 'kind',
				label: t('switches.type'),
				value: this.kind,
				problem: problems.kind,
				choices: kinds.map((kind) => ({
					value: kind,
					label: t(kind === 'nat' ? 'switches.nat' : `switchType.${kind}`),
					note: t(`switches.${kind}Note`),
					disabled: kind === 'external' && this.#free().length === 0,
				})),
				change: (kind) => {
					this.kind = kind as Kind;
				},
			})}
			${this.kind === 'external' ? this.#uplinkField() : nothing}`;
	}
}
