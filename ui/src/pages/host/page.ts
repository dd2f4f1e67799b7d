// SPDX-License-Identifier: Apache-2.0
// <pt-host>: the appliance itself: restart and shut down, the certificate it shows to browsers, its volumes.
import { html } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { getHostPower, powerHost } from '../../api/host.js';
import type { HostPower } from '../../api/types.js';
import '../../components/command-bar.js';
import { confirm } from '../../components/confirm.js';
import { errorBar } from '../../components/fields.js';
import { PolledView } from '../../components/polled.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import { t } from '../../i18n/index.js';
import { notify, notifyError } from '../../state/notices.js';
import { mayAdminister } from '../../state/vms.js';
import { volumesCard } from '../disks/volumes.js';
import './certificate.js';

const PERIOD_MS = 15000;

@customElement('pt-host')
export class HostPage extends PolledView {
	@state() private power: HostPower | undefined;

	static override styles = [baseStyles, pageStyles];

	protected periodMs(): number {
		return PERIOD_MS;
	}

	protected async load(): Promise<void> {
		this.power = await getHostPower();
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

	protected override render() {
		return html`
			<div class="heading"><h1>${t('nav.host')}</h1></div>
			${errorBar(this.failure)}
			<div class="cards">
				${this.#powerCard()}
				<pt-host-certificate></pt-host-certificate>
				${volumesCard(this.state.volumes)}
			</div>`;
	}
}
