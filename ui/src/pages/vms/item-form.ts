// SPDX-License-Identifier: Apache-2.0
// <pt-guest-item-form>: one pair for the guest: a new one, or another value of one that is there.
import { html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { updateGuestItems } from '../../api/guests.js';
import type { Vm } from '../../api/types.js';
import { textAreaField, textField } from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';

@customElement('pt-guest-item-form')
export class GuestItemForm extends FormPanel {
	@property({ attribute: false }) vm!: Vm;
	@property({ attribute: false }) item: { id: string; value: string } | undefined;
	@property({ attribute: false }) keys: string[] = [];
	@state() private key = '';
	@state() private value = '';

	protected readonly serverFields = [['items', 'value']] as const;

	override connectedCallback(): void {
		super.connectedCallback();
		this.key = this.item?.id ?? '';
		this.value = this.item?.value ?? '';
	}

	#keyProblem(): string | undefined {
		if (this.key === '') return t('form.required');
		return !this.item && this.keys.includes(this.key) ? t('guestItems.exists') : undefined;
	}

	protected check(): Problems {
		return { key: this.#keyProblem() };
	}

	protected async save(): Promise<void> {
		await updateGuestItems(this.vm.id, { [this.key]: this.value });
	}

	protected heading(): string {
		return t(this.item ? 'guestItems.change' : 'guestItems.add');
	}

	protected button(): string {
		return t('common.save');
	}

	protected fields() {
		return html`
			${textField({
				name: 'key',
				label: t('guestItems.key'),
				value: this.key,
				required: true,
				disabled: this.item !== undefined,
				autofocus: this.item === undefined,
				problem: this.problems.key,
				change: (key) => {
					this.key = key;
				},
			})}
			${textAreaField({
				name: 'value',
				label: t('guestItems.value'),
				value: this.value,
				problem: this.problems.value,
				change: (value) => {
					this.value = value;
				},
			})}`;
	}
}
