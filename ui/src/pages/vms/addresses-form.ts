// SPDX-License-Identifier: Apache-2.0
// <pt-guest-addresses>: the addresses of an adapter inside the guest, set by key-value exchange.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { setGuestAddresses } from '../../api/guests.js';
import type { GuestAddresses, Vm } from '../../api/types.js';
import { listOf, radioField, selectField, textField } from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { jobStarted } from '../../state/jobs.js';

const fieldsOfServer = [
	['addresses', 'addresses'],
	['gateways', 'gateways'],
	['dnsServers', 'dnsServers'],
] as const;

type ListName = (typeof fieldsOfServer)[number][0];

@customElement('pt-guest-addresses')
export class GuestAddressesForm extends FormPanel {
	@property({ attribute: false }) vm!: Vm;
	@state() private adapterId = '';
	@state() private kind: 'dhcp' | 'fixed' = 'dhcp';
	@state() private lists: Record<ListName, string> = { addresses: '', gateways: '', dnsServers: '' };

	protected readonly serverFields = fieldsOfServer;

	override connectedCallback(): void {
		super.connectedCallback();
		this.adapterId = this.vm.networkAdapters[0]?.id ?? '';
	}

	protected check(): Problems {
		return { addresses: this.kind === 'fixed' && listOf(this.lists.addresses).length === 0 ? t('form.required') : undefined };
	}

	#body(): GuestAddresses {
		if (this.kind === 'dhcp') return { dhcp: true };
		const { addresses, gateways, dnsServers } = this.lists;
		return { addresses: listOf(addresses), gateways: listOf(gateways), dnsServers: listOf(dnsServers) };
	}

	protected async save(): Promise<void> {
		jobStarted(await setGuestAddresses(this.vm.id, this.adapterId, this.#body()));
	}

	protected heading(): string {
		return t('guestAddresses.title', { name: this.vm.name });
	}

	protected button(): string {
		return t('guestAddresses.set');
	}

	#list(name: ListName) {
		return textField({
			name,
			label: t(`guestAddresses.${name}`),
			value: this.lists[name],
			required: name === 'addresses',
			hint: t(`guestAddresses.${name}Hint`),
			problem: this.problems[name],
			change: (value) => {
				this.lists = { ...this.lists, [name]: value };
			},
		});
	}

	protected fields() {
		return html`
			${selectField({
				name: 'adapter',
				label: t('adapters.change'),
				value: this.adapterId,
				choices: this.vm.networkAdapters.map((adapter) => ({ value: adapter.id, label: `${adapter.name} (${adapter.macAddress})` })),
				change: (id) => {
					this.adapterId = id;
				},
			})}
			${radioField({
				name: 'kind',
				label: t('guest.addresses'),
				value: this.kind,
				choices: [
					{ value: 'dhcp', label: t('guestAddresses.dhcp') },
					{ value: 'fixed', label: t('guestAddresses.fixed') },
				],
				change: (kind) => {
					this.kind = kind as typeof this.kind;
				},
			})}
			${this.kind === 'fixed' ? html`${this.#list('addresses')}${this.#list('gateways')}${this.#list('dnsServers')}` : nothing}`;
	}
}
