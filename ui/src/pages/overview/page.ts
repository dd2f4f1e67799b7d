// SPDX-License-Identifier: Apache-2.0
// <pt-overview>: the appliance at a glance: what it is, what it has left, what runs on it and what happened last.
import { css, html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { Host } from '../../api/types.js';
import { alarmList } from '../../components/alarms.js';
import { eventList } from '../../components/event-list.js';
import { meter } from '../../components/meter.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import { View } from '../../components/view.js';
import '../../components/vm-state.js';
import { formatBytes, formatDuration, formatNumber, formatTime } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import '../metrics/charts.js';

const EVENTS_SHOWN = 8;

@customElement('pt-overview')
export class Overview extends View {
	#clock = 0;

	static override styles = [
		baseStyles,
		pageStyles,
		css`
		.health { display: flex; gap: 8px; align-items: start; margin: 0; padding: 0; list-style: none; }
		.wide { grid-column: 1 / -1; }
		.alarms { display: flex; flex-direction: column; gap: 8px; }
		.running { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; gap: 6px; }
		.running li { display: flex; justify-content: space-between; gap: 12px; }
		.big { font-size: var(--fontSizeHero700); line-height: var(--lineHeightHero700); font-weight: var(--fontWeightSemibold); }
		.counts { display: flex; gap: 32px; }
		.counts div { display: flex; flex-direction: column-reverse; }
		.counts dt { white-space: nowrap; }
	`,
	];

	override connectedCallback(): void {
		super.connectedCallback();
		this.#clock = window.setInterval(() => this.requestUpdate(), 1000);
	}

	override disconnectedCallback(): void {
		super.disconnectedCallback();
		clearInterval(this.#clock);
	}

	#hostCard(host: Host) {
		const uptime = host.uptimeSeconds + (performance.now() - this.state.hostAt) / 1000;
		return html`
			<section class="card" aria-labelledby="host">
				<h2 id="host">${t('overview.host')}</h2>
				<dl>
					<dt>${t('overview.name')}</dt><dd>${host.name}</dd>
					<dt>${t('overview.version')}</dt><dd>Partita ${host.version}</dd>
					<dt>${t('overview.hypervisor')}</dt><dd>${t(`vendor.${host.hypervisor.vendor}`)}</dd>
					${host.hypervisor.processorModel ? html`<dt>${t('overview.processor')}</dt><dd>${host.hypervisor.processorModel}</dd>` : nothing}
					<dt>${t('overview.lps')}</dt><dd>${formatNumber(host.hypervisor.logicalProcessors)}</dd>
					${host.kernel ? html`<dt>${t('overview.kernel')}</dt><dd>${host.kernel}</dd>` : nothing}
					<dt>${t('overview.uptime')}</dt><dd class="number">${formatDuration(uptime)}</dd>
					<dt>${t('overview.time')}</dt><dd class="number">${formatTime(host.time)}</dd>
				</dl>
			</section>`;
	}

	#resourcesCard(host: Host) {
		const memoryUsed = host.memory.totalBytes - host.memory.availableBytes;
		const storageUsed = host.storage.totalBytes - host.storage.freeBytes;
		return html`
			<section class="card" aria-labelledby="resources">
				<h2 id="resources">${t('overview.resources')}</h2>
				${meter(t('overview.memory'), memoryUsed, host.memory.totalBytes)}
				${meter(t('overview.storage'), storageUsed, host.storage.totalBytes)}
				<dl>
					<dt>${t('overview.assigned')}</dt><dd class="number">${formatBytes(host.memory.assignedBytes)}</dd>
					<dt>${t('overview.available')}</dt><dd class="number">${formatBytes(host.memory.availableBytes)}</dd>
				</dl>
			</section>`;
	}

	#vmsCard() {
		const vms = this.state.vms ?? [];
		const running = vms.filter((vm) => vm.state !== 'off' && vm.state !== 'failed' && vm.state !== 'saved');
		const failed = vms.filter((vm) => vm.state === 'failed');
		return html`
			<section class="card" aria-labelledby="vms">
				<h2 id="vms"><a href="#/vms">${t('nav.vms')}</a></h2>
				<dl class="counts">
					<div><dt>${t('overview.running')}</dt><dd class="big">${formatNumber(running.length)}</dd></div>
					<div><dt>${t('overview.allVms')}</dt><dd class="big">${formatNumber(vms.length)}</dd></div>
				</dl>
				<ul class="running">
					${[...failed, ...running].map(
						(vm) => html`<li>
						<a href="#/vms/${vm.id}">${vm.name}</a><pt-vm-state value=${vm.state}></pt-vm-state>
					</li>`,
					)}
				</ul>
				${vms.length === 0 ? html`<p class="empty">${t('vms.empty')}</p>` : nothing}
			</section>`;
	}

	#healthBar(host: Host) {
		if (host.health.level === 'ok' && host.hypervisor.present) return nothing;
		const reasons = host.health.reasons.length > 0 ? host.health.reasons : [t('overview.noHypervisor')];
		return html`
			<fluent-message-bar intent=${host.health.level === 'critical' ? 'error' : 'warning'} layout="multiline">
				<pt-icon slot="icon" name="warning"></pt-icon>${reasons.join(' ')}
			</fluent-message-bar>`;
	}

	protected override render() {
		const { host, events, alarms = [] } = this.state;
		return html`
			<div class="heading"><h1>${t('nav.overview')}</h1></div>
			${host ? this.#healthBar(host) : nothing}
			${alarmList(alarms)}
			<div class="cards">
				${
					host
						? html`${this.#hostCard(host)}${this.#resourcesCard(host)}`
						: html`<fluent-spinner aria-label=${t('table.loading')}></fluent-spinner>`
				}
				${this.#vmsCard()}
				<pt-metrics class="wide"></pt-metrics>
				<section class="card wide" aria-labelledby="recent">
					<h2 id="recent"><a href="#/events">${t('overview.recent')}</a></h2>
					${eventList(events?.slice(0, EVENTS_SHOWN))}
				</section>
			</div>`;
	}
}
