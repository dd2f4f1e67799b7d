// SPDX-License-Identifier: Apache-2.0
// <pt-adapter-form>: adds a network adapter to a VM, or, when `adapter` is given, changes it; also while the VM runs.
import { html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { attachNetworkAdapter, updateNetworkAdapter } from '../../api/vms.js';
import type { NetworkAdapter, NetworkAdapterCreate, Vm } from '../../api/types.js';
import {
	checkField,
	selectField,
	textField,
	type Choice,
} from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { refresh } from '../../state/sync.js';
import { isOff, vmChanged } from '../../state/vms.js';
import { switchChoices, wholeNumber } from './form.js';

const VLAN_MOST = 4094;

const serverFields = [
	['name', 'name'],
	['networkAdapters', 'macAddress'],
	['switchId', 'switchId'],
	['macAddress', 'macAddress'],
	['vlan', 'vlan'],
] as const;

@customElement('pt-adapter-form')
export class AdapterForm extends FormPanel {
	@property({ attribute: false }) vm!: Vm;
	@property({ attribute: false }) adapter: NetworkAdapter | undefined;
	@state() private name = 'Network Adapter';
	@state() private switchId = '';
	@state() private macAddress = '';
	@state() private vlan = '';
	@state() private spoofing = false;

	protected readonly serverFields = serverFields;

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

	protected check(): Problems {
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

	protected async save(): Promise<void> {
		vmChanged(
			this.adapter
				? await updateNetworkAdapter(this.vm.id, this.adapter.id, this.#body())
				: await attachNetworkAdapter(this.vm.id, this.#body()),
		);
		refresh('switches');
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

	protected heading(): string {
		return t(this.adapter ? 'adapters.change' : 'adapters.add');
	}

	protected button(): string {
		return t(this.adapter ? 'common.save' : 'adapters.add');
	}

	protected fields() {
		const choices: Choice[] = switchChoices();
		const { problems } = this;
		return html`
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
			${this.#addressFields()}`;
	}
}
