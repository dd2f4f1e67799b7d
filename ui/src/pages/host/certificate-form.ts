// SPDX-License-Identifier: Apache-2.0
// <pt-certificate-form>: an administrator's own certificate and key, pasted or from PEM files. While a signing request is
// pending the key may be left out: the certificate is then its answer.
import { html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { replaceCertificate } from '../../api/host.js';
import { textAreaField } from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { notify } from '../../state/notices.js';

const fieldsOfServer = [
	['certificate', 'certificate'],
	['privateKey', 'privateKey'],
] as const;

type Part = 'certificate' | 'privateKey';

@customElement('pt-certificate-form')
export class CertificateForm extends FormPanel {
	@property({ type: Boolean }) pending = false;
	@state() private certificate = '';
	@state() private privateKey = '';

	protected readonly serverFields = fieldsOfServer;

	protected check(): Problems {
		return {
			certificate: this.certificate.trim() ? undefined : t('form.required'),
			privateKey: this.pending || this.privateKey.trim() ? undefined : t('form.required'),
		};
	}

	protected async save(): Promise<void> {
		await replaceCertificate(this.certificate, this.privateKey.trim() ? this.privateKey : undefined);
		notify('success', t('certificate.replaced'), t('certificate.replacedDetail'));
	}

	protected heading(): string {
		return t('certificate.replace');
	}

	protected button(): string {
		return t('certificate.replace');
	}

	async #read(part: Part, event: globalThis.Event): Promise<void> {
		const file = (event.target as HTMLInputElement).files?.[0];
		if (file) this[part] = await file.text();
	}

	#part(part: Part, hint: string) {
		return html`
			${textAreaField({
				name: part,
				label: t(`certificate.${part}`),
				value: this[part],
				hint,
				problem: this.problems[part],
				change: (value) => {
					this[part] = value;
				},
			})}
			<label class="field"><span class="label">${t(`certificate.${part}File`)}</span>
				<input type="file" accept=".pem,.crt,.cer,.key" @change=${(event: globalThis.Event) => void this.#read(part, event)} /></label>`;
	}

	protected fields() {
		return html`
			${this.#part('certificate', t('certificate.certificateHint'))}
			${this.#part('privateKey', t(this.pending ? 'certificate.privateKeyPending' : 'certificate.privateKeyHint'))}`;
	}
}
