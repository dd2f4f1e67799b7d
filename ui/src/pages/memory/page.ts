// SPDX-License-Identifier: Apache-2.0
// <pt-memory>: the host's memory: what is kept for the host, who holds how much, who could give, and why it last changed.
import { css, html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { getHostMemory } from '../../api/metrics.js';
import type { HostMemory } from '../../api/types.js';
import '../../components/command-bar.js';
import { errorBar } from '../../components/fields.js';
import { meter } from '../../components/meter.js';
import { PolledView } from '../../components/polled.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import '../../components/table.js';
import type { Column } from '../../components/table.js';
import { formatBytes, formatNumber } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { mayAdminister } from '../../state/vms.js';
import './reserve-form.js';

type Holder = HostMemory['holders'][number];

const PERIOD_MS = 5000;

@customElement('pt-memory')
export class MemoryPage extends PolledView {
	@state() private memory: HostMemory | undefined;
	@state() private changing = false;

	static override styles = [
		baseStyles,
		pageStyles,
		css`
		.cards { grid-template-columns: repeat(auto-fit, minmax(min(360px, 100%), 1fr)); }
	`,
	];

	protected periodMs(): number {
		return PERIOD_MS;
	}

	protected async load(): Promise<void> {
		this.memory = await getHostMemory();
	}

	#hostCard(memory: HostMemory) {
		const reserve = `${formatBytes(memory.reserveBytes)} ${t(memory.reserveIsComputed ? 'memory.computed' : 'memory.chosen')}`;
		return html`
			<section class="card" aria-labelledby="host-memory">
				<h2 id="host-memory">${t('overview.host')}</h2>
				${meter(t('overview.memory'), memory.totalBytes - memory.availableBytes, memory.totalBytes)}
				<dl>
					<dt>${t('overview.assigned')}</dt><dd class="number">${formatBytes(memory.assignedBytes)}</dd>
					<dt>${t('memory.demand')}</dt><dd class="number">${formatBytes(memory.demandBytes)}</dd>
					<dt>${t('memory.overhead')}</dt><dd class="number">${formatBytes(memory.overheadBytes)}</dd>
					<dt>${t('memory.reserve')}</dt><dd class="number">${reserve}</dd>
					<dt>${t('overview.available')}</dt><dd class="number">${formatBytes(memory.availableBytes)}</dd>
				</dl>
			</section>`;
	}

	#columns(): Column<Holder>[] {
		const bytes = (id: 'assignedBytes' | 'demandBytes' | 'couldGiveBytes', label: string, secondary = false): Column<Holder> => ({
			id,
			label,
			numeric: true,
			secondary,
			cell: (holder) => (holder[id] > 0 ? formatBytes(holder[id]) : '–'),
			order: (holder) => holder[id],
		});
		return [
			{
				id: 'name',
				label: t('vms.name'),
				cell: (holder) => html`<a href="#/vms/${holder.id}">${holder.name}</a>`,
				order: (holder) => holder.name,
			},
			bytes('assignedBytes', t('memory.holds')),
			bytes('demandBytes', t('memory.needs')),
			bytes('couldGiveBytes', t('memory.couldGive'), true),
			{
				id: 'limits',
				label: t('memory.limits'),
				secondary: true,
				cell: (holder) =>
					holder.dynamic ? `${formatBytes(holder.minimumBytes)} – ${formatBytes(holder.maximumBytes)}` : t('memory.static'),
			},
			{
				id: 'weight',
				label: t('resources.memoryWeight'),
				numeric: true,
				secondary: true,
				cell: (holder) => (holder.dynamic ? formatNumber(holder.weight) : '–'),
				order: (holder) => holder.weight,
			},
			{
				id: 'status',
				label: t('vms.state'),
				cell: (holder) => (holder.dynamic ? t(`memoryStatus.${holder.status}`) : '–'),
				order: (holder) => holder.status,
			},
			{ id: 'reason', label: t('resources.reason'), cell: (holder) => holder.reason || '–' },
		];
	}

	protected override render() {
		const { memory } = this;
		return html`
			<div class="heading"><h1>${t('nav.memory')}</h1></div>
			<p class="subtitle">${t('memory.text')}</p>
			<pt-command-bar .label=${t('nav.memory')} .commands=${[
				{
					id: 'reserve',
					label: t('memory.changeReserve'),
					icon: 'settings' as const,
					disabled: !mayAdminister() || !memory,
					run: () => {
						this.changing = true;
					},
				},
			]}></pt-command-bar>
			${errorBar(this.failure)}
			<div class="cards">
				${memory ? this.#hostCard(memory) : nothing}
				<section class="card wide" aria-labelledby="holders">
					<h2 id="holders">${t('memory.holders')}</h2>
					<pt-table .label=${t('memory.holders')} .columns=${this.#columns()} .rows=${memory?.holders} .empty=${t('memory.empty')}></pt-table>
				</section>
			</div>
			${
				this.changing && memory
					? html`<pt-reserve-form .memory=${memory} @close=${() => {
							this.changing = false;
							this.reload();
						}}></pt-reserve-form>`
					: nothing
			}`;
	}
}
