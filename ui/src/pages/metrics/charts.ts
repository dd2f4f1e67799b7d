// SPDX-License-Identifier: Apache-2.0
// <pt-metrics>: processor, memory, disk and network of the host or, with `vm`, of a virtual machine over the last time.
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { getHostMetrics, getVmMetrics } from '../../api/metrics.js';
import type { MetricsRange, MetricsSeries, VmMetrics } from '../../api/types.js';
import '../../components/chart.js';
import { errorBar } from '../../components/fields.js';
import { PolledView } from '../../components/polled.js';
import { baseStyles, formStyles, pageStyles } from '../../components/styles.js';
import { formatBytes, formatNumber, formatRate, MIB } from '../../i18n/format.js';
import { t, type Key } from '../../i18n/index.js';

const RANGES: MetricsRange[] = ['minutes', 'hour', 'day'];
const SOONEST_MS = 5000;

interface Plot {
	heading: Key;
	lines: readonly (readonly [Key, keyof MetricsSeries])[];
	format(value: number): string;
	least: number;
}

const plots: readonly Plot[] = [
	{
		heading: 'metrics.cpu',
		lines: [['metrics.used', 'cpuPercent']],
		format: (value) => `${formatNumber(value, value < 10 ? 1 : 0)} %`,
		least: 100,
	},
	{
		heading: 'metrics.memory',
		lines: [['metrics.assigned', 'memoryAssignedBytes'], ['metrics.demand', 'memoryDemandBytes']],
		format: formatBytes,
		least: 64 * MIB,
	},
	{
		heading: 'metrics.disk',
		lines: [['metrics.read', 'diskReadBytesPerSecond'], ['metrics.written', 'diskWriteBytesPerSecond']],
		format: formatRate,
		least: MIB,
	},
	{
		heading: 'metrics.network',
		lines: [['metrics.received', 'networkReceiveBytesPerSecond'], ['metrics.sent', 'networkSendBytesPerSecond']],
		format: formatRate,
		least: MIB / 8,
	},
];

@customElement('pt-metrics')
export class Metrics extends PolledView {
	@property() vm = ''; /* '': the host */
	@state() private range: MetricsRange = 'minutes';
	@state() private data: VmMetrics | undefined;

	static override styles = [
		baseStyles,
		pageStyles,
		formStyles,
		css`
		:host { padding: 0; min-height: 0; }
		.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(380px, 100%), 1fr)); gap: 16px 24px; }
		select { width: auto; }
		.heading { justify-content: space-between; }
	`,
	];

	protected periodMs(): number {
		return Math.max(SOONEST_MS, (this.data?.stepSeconds ?? 0) * 1000);
	}

	protected async load(): Promise<void> {
		const { vm, range } = this;
		const data = vm ? await getVmMetrics(vm, range) : await getHostMetrics(range);
		if (range === this.range) this.data = data;
	}

	#choose(event: globalThis.Event): void {
		this.range = (event.target as HTMLSelectElement).value as MetricsRange;
		this.reload();
	}

	#plot(data: VmMetrics, plot: Plot) {
		return html`<pt-chart .heading=${t(plot.heading)} .format=${plot.format} .least=${plot.least} .stepSeconds=${data.stepSeconds}
			.endTime=${data.endTime} .lines=${plot.lines.map(([name, series]) => ({ name: t(name), values: data.series[series] }))}></pt-chart>`;
	}

	protected override render() {
		const { data } = this;
		return html`
			<section class="card" aria-labelledby="metrics">
				<div class="heading">
					<h2 id="metrics">${t('metrics.title')}</h2>
					<select aria-label=${t('metrics.range')} name="range" @change=${this.#choose}>
						${RANGES.map((range) => html`<option value=${range} ?selected=${range === this.range}>${t(`metrics.${range}`)}</option>`)}
					</select>
				</div>
				${errorBar(this.failure)}
				${data ? html`<div class="plots">${plots.map((plot) => this.#plot(data, plot))}</div>` : nothing}
				${data || this.failure ? nothing : html`<fluent-spinner aria-label=${t('table.loading')}></fluent-spinner>`}
			</section>`;
	}
}
