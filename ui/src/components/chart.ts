// SPDX-License-Identifier: Apache-2.0
// <pt-chart>: lines over time with their latest values in words. Arrow keys and the pointer read a moment of the past; gaps are
// moments at which nothing was measured.
import { LitElement, css, html, nothing, svg } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { formatClock } from '../i18n/format.js';
import { t } from '../i18n/index.js';
import { baseStyles } from './styles.js';

export interface Line {
	name: string;
	values: readonly (number | null)[];
}

const WIDTH = 600;
const HEIGHT = 120;
const MISSED_MOST = 2;
const TOP = 4; /* so that a line at the top is not cut */

@customElement('pt-chart')
export class Chart extends LitElement {
	@property() heading = '';
	@property({ attribute: false }) lines: Line[] = [];
	@property({ attribute: false }) format: (value: number) => string = String;
	@property({ attribute: false }) least = 1; /* the scale reaches at least to here */
	@property({ type: Number }) stepSeconds = 1;
	@property() endTime = '';
	@state() private at: number | undefined; /* the moment that is read; undefined: the latest */

	static override styles = [
		baseStyles,
		css`
		:host { display: flex; flex-direction: column; gap: 4px; min-width: 0; }
		h3 { font: inherit; font-weight: var(--fontWeightSemibold); margin: 0; }
		.plot { position: relative; border-radius: var(--borderRadiusSmall); }
		.plot:focus-visible { outline: 2px solid var(--colorStrokeFocus2); outline-offset: 1px; }
		svg { display: block; width: 100%; height: 120px; background: var(--colorNeutralBackground2); border-radius: var(--borderRadiusSmall); }
		polyline { fill: none; stroke-width: 1.5; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
		.line0 { stroke: var(--colorCompoundBrandStroke); }
		.line1 { stroke: var(--colorPaletteDarkOrangeForeground1, var(--colorPaletteRedForeground1)); stroke-dasharray: 5 3; }
		.grid { stroke: var(--colorNeutralStroke2); stroke-width: 1; vector-effect: non-scaling-stroke; }
		.mark { stroke: var(--colorNeutralForeground3); stroke-width: 1; vector-effect: non-scaling-stroke; }
		.scale { display: flex; justify-content: space-between; color: var(--colorNeutralForeground3); font-size: var(--fontSizeBase200); }
		ul { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0; padding: 0; font-variant-numeric: tabular-nums; }
		li { display: flex; gap: 6px; align-items: center; }
		.key { width: 18px; height: 8px; flex: none; background: none; }
	`,
	];

	get #count(): number {
		return Math.max(0, ...this.lines.map((line) => line.values.length));
	}

	#top(): number {
		const values = this.lines.flatMap((line) => line.values.filter((value) => value !== null));
		return Math.max(this.least, ...values);
	}

	#x(index: number): number {
		return this.#count > 1 ? (index * WIDTH) / (this.#count - 1) : WIDTH;
	}

	/* One run of points for each stretch without a gap. A busy host misses a moment now and then: that is none yet. */
	#runs(line: Line, top: number): string[] {
		const runs: string[][] = [[]];
		let missed = 0;
		line.values.forEach((value, index) => {
			missed = value === null ? missed + 1 : 0;
			if (missed > MISSED_MOST) runs.push([]);
			if (value === null) return;
			const y = HEIGHT - (value / top) * (HEIGHT - TOP);
			runs.at(-1)?.push(`${this.#x(index).toFixed(1)},${y.toFixed(1)}`);
		});
		return runs.filter((run) => run.length > 0).map((run) => (run.length === 1 ? [...run, ...run] : run).join(' '));
	}

	#move(event: KeyboardEvent): void {
		const last = this.#count - 1;
		const at = this.at ?? last;
		const steps: Record<string, number | undefined> = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
		const to = steps[event.key];
		if (to === undefined || last < 0) return;
		event.preventDefault();
		this.at = Math.min(last, Math.max(0, to));
	}

	#point(event: PointerEvent): void {
		const box = (event.currentTarget as Element).getBoundingClientRect();
		const last = this.#count - 1;
		this.at = Math.round(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * last);
	}

	#leave(): void {
		this.at = undefined;
	}

	#timeOf(index: number): string {
		return formatClock(new Date(Date.parse(this.endTime) - (this.#count - 1 - index) * this.stepSeconds * 1000));
	}

	#latest(line: Line): number | null | undefined {
		return line.values.slice(-1 - MISSED_MOST).findLast((value) => value !== null);
	}

	#valueOf(line: Line): string {
		const value = this.at === undefined ? this.#latest(line) : line.values[this.at];
		return value === null || value === undefined ? '–' : this.format(value);
	}

	#legend() {
		return html`
			<ul aria-live=${this.at === undefined ? 'off' : 'polite'}>
				${this.lines.map((line, index) => html`
					<li data-line=${index}>
						<svg class="key" viewBox="0 0 18 8" aria-hidden="true"><polyline class="line${index}" points="0,4 18,4"></polyline></svg>
						<span>${line.name} <strong>${this.#valueOf(line)}</strong></span>
					</li>`)}
				${this.at === undefined ? nothing : html`<li>${this.#timeOf(this.at)}</li>`}
			</ul>`;
	}

	protected override render() {
		const top = this.#top();
		const words = this.lines.map((line) => `${line.name}: ${this.#valueOf(line)}`).join(', ');
		return html`
			<h3>${this.heading}</h3>
			<div class="plot" tabindex="0" role="img" aria-label="${this.heading}. ${words}. ${t('chart.most', { value: this.format(top) })}"
				@keydown=${this.#move} @pointermove=${this.#point} @pointerleave=${this.#leave} @blur=${this.#leave}>
				<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
					${[0.25, 0.5, 0.75].map((part) => svg`<line class="grid" x1="0" x2=${WIDTH} y1=${HEIGHT * part} y2=${HEIGHT * part}></line>`)}
					${this.lines.map((line, index) => this.#runs(line, top).map((points) => svg`<polyline class="line${index}" points=${points}></polyline>`))}
					${this.at === undefined ? nothing : svg`<line class="mark" x1=${this.#x(this.at)} x2=${this.#x(this.at)} y1="0" y2=${HEIGHT}></line>`}
				</svg>
			</div>
			<div class="scale"><span>${this.#count > 0 ? this.#timeOf(0) : ''}</span><span>${t('chart.most', { value: this.format(top) })}</span></div>
			${this.#legend()}`;
	}
}
