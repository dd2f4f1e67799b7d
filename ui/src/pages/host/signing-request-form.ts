// SPDX-License-Identifier: Apache-2.0
// <pt-signing-request-form>: for which names the appliance makes a key and asks to have a certificate signed.
import { customElement, state } from 'lit/decorators.js';
import { createSigningRequest } from '../../api/host.js';
import { listOf, textField } from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { notify } from '../../state/notices.js';

@customElement('pt-signing-request-form')
export class SigningRequestForm extends FormPanel {
	@state() private names = location.hostname.replace(/^\[|\]$/g, ''); /* what the person called the appliance */

	protected readonly serverFields = [['names', 'names']] as const;

	protected check(): Problems {
		return { names: listOf(this.names).length > 0 ? undefined : t('form.required') };
	}

	protected async save(): Promise<void> {
		await createSigningRequest(listOf(this.names));
		notify('success', t('signingRequest.created'), t('signingRequest.text'));
	}

	protected heading(): string {
		return t('signingRequest.create');
	}

	protected button(): string {
		return t('common.create');
	}

	protected fields() {
		return textField({
			name: 'names',
			label: t('signingRequest.names'),
			value: this.names,
			required: true,
			autofocus: true,
			hint: t('signingRequest.namesHint'),
			problem: this.problems.names,
			change: (names) => {
				this.names = names;
			},
		});
	}
}
