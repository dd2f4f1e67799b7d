// SPDX-License-Identifier: Apache-2.0
// <pt-host-certificate>: the certificate the appliance shows to browsers, and the request to have one signed while it is pending.
import { css, html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { getCertificate, getSigningRequest, resetCertificate } from '../../api/host.js';
import type { HostCertificate } from '../../api/types.js';
import '../../components/command-bar.js';
import type { Command } from '../../components/command-bar.js';
import { confirm } from '../../components/confirm.js';
import { errorBar } from '../../components/fields.js';
import { PolledView } from '../../components/polled.js';
import { baseStyles, formStyles, pageStyles } from '../../components/styles.js';
import { formatNumber, formatTime } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { notifyError } from '../../state/notices.js';
import { mayAdminister } from '../../state/vms.js';
import './certificate-form.js';
import './signing-request-form.js';
import { copyRequest, discardRequest, downloadRequest } from './signing-request.js';

const PERIOD_MS = 15000;

@customElement('pt-host-certificate')
export class HostCertificateCards extends PolledView {
	@state() private certificate: HostCertificate | undefined;
	@state() private pending: string | null = null;
	@state() private form: 'none' | 'replace' | 'request' = 'none';

	static override styles = [
		baseStyles,
		pageStyles,
		formStyles,
		css`
		:host { display: contents; }
		pt-certificate-form, pt-signing-request-form { position: absolute; }
		textarea { font-family: var(--fontFamilyMonospace); font-size: var(--fontSizeBase200); white-space: pre; }
	`,
	];

	protected periodMs(): number {
		return PERIOD_MS;
	}

	/* Only administrators may see the request. */
	protected async load(): Promise<void> {
		[this.certificate, this.pending] = await Promise.all([getCertificate(), mayAdminister() ? getSigningRequest() : null]);
	}

	async #reset(): Promise<void> {
		const yes = await confirm({ title: t('certificate.resetTitle'), text: t('certificate.resetText'), action: t('certificate.reset') });
		if (!yes) return;
		try {
			this.certificate = await resetCertificate();
		} catch (error) {
			notifyError('certificate.resetFailed', error);
		}
	}

	#open(form: 'replace' | 'request'): void {
		this.form = form;
	}

	#commands(certificate: HostCertificate): Command[] {
		const pending = this.pending !== null;
		return [
			{
				id: 'replace-certificate',
				label: t('certificate.replace'),
				icon: 'certificate',
				disabled: !mayAdminister(),
				run: () => this.#open('replace'),
			},
			{
				id: 'create-signing-request',
				label: t('signingRequest.create'),
				icon: 'key',
				disabled: !mayAdminister() || pending,
				title: pending ? t('signingRequest.isPending') : '',
				run: () => this.#open('request'),
			},
			{
				id: 'reset-certificate',
				label: t('certificate.reset'),
				icon: 'reset',
				disabled: !mayAdminister() || !certificate.uploaded,
				run: () => void this.#reset(),
			},
		];
	}

	#facts(certificate: HostCertificate) {
		return html`
			<dl>
				<dt>${t('certificate.origin')}</dt><dd>${t(certificate.uploaded ? 'certificate.uploaded' : 'certificate.own')}</dd>
				<dt>${t('certificate.subject')}</dt><dd>${certificate.subject}</dd>
				<dt>${t('certificate.issuer')}</dt><dd>${certificate.issuer}</dd>
				<dt>${t('certificate.names')}</dt><dd>${certificate.names.join(', ') || '–'}</dd>
				<dt>${t('certificate.validTo')}</dt><dd>${formatTime(certificate.validTo)}</dd>
				<dt>${t('certificate.key')}</dt><dd>${certificate.keyType.toUpperCase()} ${formatNumber(certificate.keyBits)}</dd>
				<dt>${t('certificate.fingerprint')}</dt><dd class="number">${certificate.fingerprint}</dd>
			</dl>
			<pt-command-bar .label=${t('certificate.title')} .commands=${this.#commands(certificate)}></pt-command-bar>`;
	}

	#requestCommands(pem: string): Command[] {
		const discard = async () => {
			if (await discardRequest()) this.reload();
		};
		return [
			{ id: 'copy-signing-request', label: t('signingRequest.copy'), icon: 'copy', run: () => void copyRequest(pem) },
			{ id: 'download-signing-request', label: t('disks.download'), icon: 'download', run: () => downloadRequest(pem) },
			{ id: 'discard-signing-request', label: t('signingRequest.discard'), icon: 'remove', run: () => void discard() },
		];
	}

	#requestCard(pem: string) {
		return html`
			<section class="card" aria-labelledby="signing-request">
				<h2 id="signing-request">${t('signingRequest.title')}</h2>
				<p class="subtitle">${t('signingRequest.text')}</p>
				<textarea name="signing-request" readonly rows="9" aria-labelledby="signing-request" .value=${pem}></textarea>
				<pt-command-bar .label=${t('signingRequest.title')} .commands=${this.#requestCommands(pem)}></pt-command-bar>
			</section>`;
	}

	#forms() {
		const close = () => {
			this.form = 'none';
			this.reload();
		};
		if (this.form === 'replace')
			return html`<pt-certificate-form ?pending=${this.pending !== null} @close=${close}></pt-certificate-form>`;
		if (this.form === 'request') return html`<pt-signing-request-form @close=${close}></pt-signing-request-form>`;
		return nothing;
	}

	protected override render() {
		return html`
			<section class="card" aria-labelledby="certificate">
				<h2 id="certificate">${t('certificate.title')}</h2>
				${this.failure ? errorBar(this.failure) : nothing}
				${this.certificate ? this.#facts(this.certificate) : nothing}
			</section>
			${this.pending === null ? nothing : this.#requestCard(this.pending)}
			${this.#forms()}`;
	}
}
