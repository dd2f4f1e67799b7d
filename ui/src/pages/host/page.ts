// SPDX-License-Identifier: Apache-2.0
// <pt-host>: the appliance itself: restart and shut down, the certificate it shows to browsers, its volumes.
import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { getCertificate, getHostPower, powerHost, resetCertificate } from '../../api/host.js';
import type { HostCertificate, HostPower } from '../../api/types.js';
import '../../components/command-bar.js';
import { confirm } from '../../components/confirm.js';
import { errorBar } from '../../components/fields.js';
import { PolledView } from '../../components/polled.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import { formatNumber, formatTime } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { notify, notifyError } from '../../state/notices.js';
import { mayAdminister } from '../../state/vms.js';
import { volumesCard } from '../disks/volumes.js';
import './certificate-form.js';

const PERIOD_MS = 15000;

@customElement('pt-host')
export class HostPage extends PolledView {
	@state() private certificate: HostCertificate | undefined;
	@state() private power: HostPower | undefined;
	@state() private replacing = false;

	static override styles = [baseStyles, pageStyles];

	protected periodMs(): number {
		return PERIOD_MS;
	}

	protected async load(): Promise<void> {
		[this.certificate, this.power] = await Promise.all([getCertificate(), getHostPower()]);
	}

	async #go(action: 'restart' | 'shutdown'): Promise<void> {
		try {
			const { runningVms } = await getHostPower();
			const yes = await confirm({
				title: t(`host.${action}Title`),
				text: t(runningVms.length > 0 ? `host.${action}Running` : `host.${action}Text`),
				details: runningVms.map((vm) => `${vm.vmName}: ${t(`automaticStop.${vm.automaticStop}`)}`),
				action: t(`host.${action}`),
			});
			if (!yes) return;
			this.power = await powerHost(action);
			notify('warning', t(`host.${action}Begun`));
		} catch (error) {
			notifyError('host.powerFailed', error);
		}
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

	#powerCommands() {
		const disabled = !mayAdminister() || !this.power || this.power.action !== null;
		return [
			{ id: 'restart-host', label: t('host.restart'), icon: 'refresh' as const, disabled, run: () => void this.#go('restart') },
			{ id: 'shutdown-host', label: t('host.shutdown'), icon: 'power' as const, disabled, run: () => void this.#go('shutdown') },
		];
	}

	#powerCard() {
		const { power } = this;
		const words = power?.action ? t(`host.${power.action}Begun`) : t('host.powerText');
		return html`
			<section class="card" aria-labelledby="power">
				<h2 id="power">${t('host.power')}</h2>
				<p class="subtitle">${words}</p>
				<pt-command-bar .label=${t('host.power')} .commands=${this.#powerCommands()}></pt-command-bar>
			</section>`;
	}

	#certificateCommands(certificate: HostCertificate) {
		return [
			{
				id: 'replace-certificate',
				label: t('certificate.replace'),
				icon: 'certificate' as const,
				disabled: !mayAdminister(),
				run: () => {
					this.replacing = true;
				},
			},
			{
				id: 'reset-certificate',
				label: t('certificate.reset'),
				icon: 'reset' as const,
				disabled: !mayAdminister() || !certificate.uploaded,
				run: () => void this.#reset(),
			},
		];
	}

	#certificateCard(certificate: HostCertificate) {
		return html`
			<section class="card" aria-labelledby="certificate">
				<h2 id="certificate">${t('certificate.title')}</h2>
				<dl>
					<dt>${t('certificate.origin')}</dt><dd>${t(certificate.uploaded ? 'certificate.uploaded' : 'certificate.own')}</dd>
					<dt>${t('certificate.subject')}</dt><dd>${certificate.subject}</dd>
					<dt>${t('certificate.issuer')}</dt><dd>${certificate.issuer}</dd>
					<dt>${t('certificate.names')}</dt><dd>${certificate.names.join(', ') || '–'}</dd>
					<dt>${t('certificate.validTo')}</dt><dd>${formatTime(certificate.validTo)}</dd>
					<dt>${t('certificate.key')}</dt><dd>${certificate.keyType.toUpperCase()} ${formatNumber(certificate.keyBits)}</dd>
					<dt>${t('certificate.fingerprint')}</dt><dd class="number">${certificate.fingerprint}</dd>
				</dl>
				<pt-command-bar .label=${t('certificate.title')} .commands=${this.#certificateCommands(certificate)}></pt-command-bar>
			</section>`;
	}

	protected override render() {
		return html`
			<div class="heading"><h1>${t('nav.host')}</h1></div>
			${errorBar(this.failure)}
			<div class="cards">
				${this.#powerCard()}
				${this.certificate ? this.#certificateCard(this.certificate) : nothing}
				${volumesCard(this.state.volumes)}
			</div>
			${
				this.replacing
					? html`<pt-certificate-form @close=${() => {
							this.replacing = false;
							this.reload();
						}}></pt-certificate-form>`
					: nothing
			}`;
	}
}
