// SPDX-License-Identifier: Apache-2.0
// <pt-switch-form>: makes a virtual switch, or, when `item` is given, changes it.
import { html, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { createSwitch, listHostNetworkAdapters, updateSwitch } from '../../api/switches.js';
import type { HostNetworkAdapter, Switch, SwitchCreate, SwitchType } from '../../api/types.js';
import { errorBar, formButtons, radioField, selectField, textField } from '../../components/fields.js';
import '../../components/panel.js';
import type { Panel } from '../../components/panel.js';
import { baseStyles, formStyles } from '../../components/styles.js';
import { View } from '../../components/view.js';
import { t } from '../../i18n/index.js';
import { notify } from '../../state/notices.js';
import { refresh } from '../../state/sync.js';
import { hasProblems, problemsFrom, type Problems } from '../vms/form.js';

type Kind = SwitchType | 'nat';

const serverFields = [
	['name', 'name'],
	['type', 'kind'],
	['nat', 'kind'],
	['uplink', 'uplink'],
] as const;

@customElement('pt-switch-form')
export class SwitchForm extends View {
	@property({ attribute: false }) item: Switch | undefined;
	@query('pt-panel') private panel!: Panel;
	@state() private name = '';
	@state() private kind: Kind = 'nat';
	@state() private uplink = '';
	@state() private adapters: HostNetworkAdapter[] = [];
	@state() private problems: Problems = {};
	@state() private busy = false;

	static override styles = [baseStyles, formStyles];

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

	async #submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		this.problems = { name: this.name.trim() ? undefined : t('form.required') };
		if (this.busy || hasProblems(this.problems)) return;
		this.busy = true;
		try {
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
			this.panel.close();
		} catch (error) {
			this.problems = problemsFrom(error, serverFields);
		} finally {
			this.busy = false;
		}
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

	protected override render() {
		const kinds: Kind[] = ['nat', 'external', 'internal', 'private'];
		const { problems } = this;
		return html`
			<form novalidate @submit=${this.#submit}>
				<pt-panel .heading=${this.item ? t('switches.change', { name: this.item.name }) : t('switches.new')}>
					<div class="fields">
						${errorBar(problems.form)}
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
						${this.kind === 'external' ? this.#uplinkField() : nothing}
					</div>
					${formButtons(t(this.item ? 'common.save' : 'common.create'), this.busy, () => this.panel.close())}
				</pt-panel>
			</form>`;
	}
}
