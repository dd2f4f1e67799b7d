// SPDX-License-Identifier: Apache-2.0
// <pt-adapter-form>: adds a network adapter to a VM, or, when `adapter` is given, changes it; also while the VM runs.
import { html } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { attachNetworkAdapter, updateNetworkAdapter } from '../../api/vms.js';
import type { NetworkAdapter, NetworkAdapterCreate, Vm } from '../../api/types.js';
import {
	checkField,
	errorBar,
	formButtons,
	selectField,
	textField,
	type Choice,
} from '../../components/fields.js';
import '../../components/panel.js';
import type { Panel } from '../../components/panel.js';
import { baseStyles, formStyles } from '../../components/styles.js';
import { View } from '../../components/view.js';
import { t } from '../../i18n/index.js';
import { refresh } from '../../state/sync.js';
import { isOff, vmChanged } from '../../state/vms.js';
import { hasProblems, problemsFrom, switchChoices, wholeNumber, type Problems } from './form.js';

const VLAN_MOST = 4094;

const serverFields = [
	['name', 'name'],
	['networkAdapters', 'macAddress'],
	['switchId', 'switchId'],
	['macAddress', 'macAddress'],
	['vlan', 'vlan'],
] as const;

@customElement('pt-adapter-form')
export class AdapterForm extends View {
	@property({ attribute: false }) vm!: Vm;
	@property({ attribute: false }) adapter: NetworkAdapter | undefined;
	@query('pt-panel') private panel!: Panel;
	@state() private name = 'Network Adapter';
	@state() private switchId = '';
	@state() private macAddress = '';
	@state() private vlan = '';
	@state() private spoofing = false;
	@state() private problems: Problems = {};
	@state() private busy = false;

	static override styles = [baseStyles, formStyles];

	override connectedCallback(): void {
		super.connectedCallback();
		const { adapter } = this;
		if (!adapter) {
			this.switchId = this.state.switches?.find((item) => item.nat)?.id ?? '';
			return;
		}
		this.name = adapter.name;
		this.switchId = adapter.switchId ?? '';
		this.macAddress = adapter.macAddress;
		this.vlan = adapter.vlan ? String(adapter.vlan.id) : '';
		this.spoofing = adapter.macAddressSpoofing;
	}

	#check(): Problems {
		const vlan = wholeNumber(this.vlan);
		const wrong = this.vlan.trim() !== '' && (vlan === undefined || vlan < 1 || vlan > VLAN_MOST);
		return {
			name: this.name.trim() ? undefined : t('form.required'),
			vlan: wrong ? t('form.range', { least: 1, most: VLAN_MOST }) : undefined,
		};
	}

	#body(): NetworkAdapterCreate {
		const vlan = wholeNumber(this.vlan);
		return {
			name: this.name.trim(),
			switchId: this.switchId || null,
			vlan: vlan === undefined ? null : { mode: 'access', id: vlan },
			macAddressSpoofing: this.spoofing,
			...(this.macAddress.trim() && { macAddress: this.macAddress.trim() }),
		};
	}

	async #submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		this.problems = this.#check();
		if (this.busy || hasProblems(this.problems)) return;
		this.busy = true;
		try {
			vmChanged(
				this.adapter
					? await updateNetworkAdapter(this.vm.id, this.adapter.id, this.#body())
					: await attachNetworkAdapter(this.vm.id, this.#body()),
			);
			refresh('switches');
			this.panel.close();
		} catch (error) {
			this.problems = problemsFrom(error, serverFields);
		} finally {
			this.busy = false;
		}
	}

	#addressFields() {
		const { problems } = this;
		return html`
			${textField({
				name: 'vlan',
				label: t('adapters.vlan'),
				value: this.vlan,
				numeric: true,
				problem: problems.vlan,
				hint: t('adapters.vlanHint'),
				change: (vlan) => {
					this.vlan = vlan;
				},
			})}
			${textField({
				name: 'macAddress',
				label: t('adapters.mac'),
				value: this.macAddress,
				problem: problems.macAddress,
				disabled: Boolean(this.adapter) && !isOff(this.vm),
				hint: t(this.adapter ? 'adapters.macNeedsOff' : 'adapters.macHint'),
				change: (macAddress) => {
					this.macAddress = macAddress;
				},
			})}
			${checkField(t('adapters.spoofing'), this.spoofing, (spoofing) => {
				this.spoofing = spoofing;
			})}`;
	}

	protected override render() {
		const choices: Choice[] = switchChoices();
		const { problems } = this;
		return html`
			<form novalidate @submit=${this.#submit}>
				<pt-panel .heading=${t(this.adapter ? 'adapters.change' : 'adapters.add')}>
					<div class="fields">
						${errorBar(problems.form)}
						${textField({
							name: 'name',
							label: t('adapters.name'),
							value: this.name,
							required: true,
							autofocus: true,
							problem: problems.name,
							change: (name) => {
								this.name = name;
							},
						})}
						${selectField({
							name: 'switchId',
							label: t('adapters.switch'),
							value: this.switchId,
							problem: problems.switchId,
							choices,
							change: (switchId) => {
								this.switchId = switchId;
							},
						})}
						${this.#addressFields()}
					</div>
					${formButtons(t(this.adapter ? 'common.save' : 'adapters.add'), this.busy, () => this.panel.close())}
				</pt-panel>
			</form>`;
	}
}
