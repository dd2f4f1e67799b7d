// SPDX-License-Identifier: Apache-2.0
// <pt-vms>: all virtual machines with their commands; below the table, the details of the one that is selected.
import { css, html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { Vm } from '../../api/types.js';
import '../../components/command-bar.js';
import type { Command } from '../../components/command-bar.js';
import { filterBox, filterStyles, matches } from '../../components/filter.js';
import '../../components/screenshot.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import '../../components/table.js';
import type { Column } from '../../components/table.js';
import { View } from '../../components/view.js';
import '../../components/vm-state.js';
import { formatBytes, formatDuration, formatNumber } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { hasScreen, mayAdminister } from '../../state/vms.js';
import { consoleCommand, deleteCommand, powerCommands, settingsCommand } from './commands.js';
import { heartbeat } from './guest.js';
import './new-form.js';
import './settings-form.js';
import { summary, uptime } from './summary.js';

@customElement('pt-vms')
export class VmsPage extends View {
	@state() private selected: ReadonlySet<string> = new Set();
	@state() private filter = '';
	@state() private form: 'none' | 'new' | 'settings' = 'none';
	#clock = 0;

	static override styles = [
		baseStyles,
		pageStyles,
		filterStyles,
		css`
		.details { display: grid; grid-template-columns: minmax(0, 1fr) minmax(160px, 320px); gap: 24px; align-items: start; }
		@media (max-width: 720px) {
			.details { grid-template-columns: minmax(0, 1fr); }
		}
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

	get #selectedVms(): Vm[] {
		return (this.state.vms ?? []).filter((vm) => this.selected.has(vm.id));
	}

	#commands(vms: Vm[]): Command[] {
		return [
			{
				id: 'new',
				label: t('action.new'),
				icon: 'add',
				disabled: !mayAdminister(),
				run: () => {
					this.form = 'new';
				},
			},
			...powerCommands(vms).map((command, index) => ({ ...command, group: index === 0 })),
			consoleCommand(vms),
			settingsCommand(vms, () => {
				this.form = 'settings';
			}),
			deleteCommand(vms),
		];
	}

	#columns(): Column<Vm>[] {
		return [
			{
				id: 'screen',
				label: t('vms.screen'),
				secondary: true,
				cell: (vm) =>
					html`<pt-screenshot class="thumb" vm=${vm.id} width="72" interval="10" ?on=${hasScreen(vm)}></pt-screenshot>`,
			},
			{
				id: 'name',
				label: t('vms.name'),
				cell: (vm) => html`<a href="#/vms/${vm.id}">${vm.name}</a>`,
				order: (vm) => vm.name,
			},
			{
				id: 'state',
				label: t('vms.state'),
				cell: (vm) => html`<pt-vm-state value=${vm.state}></pt-vm-state>`,
				order: (vm) => vm.state,
			},
			{
				id: 'heartbeat',
				label: t('guest.heartbeat'),
				secondary: true,
				cell: (vm) => heartbeat(vm),
				order: (vm) => heartbeat(vm),
			},
			{
				id: 'vps',
				label: t('vms.vps'),
				numeric: true,
				secondary: true,
				cell: (vm) => formatNumber(vm.processor.count),
				order: (vm) => vm.processor.count,
			},
			{
				id: 'memory',
				label: t('vms.memory'),
				numeric: true,
				secondary: true,
				cell: (vm) => formatBytes(vm.memory.assignedBytes || vm.memory.startupBytes),
				order: (vm) => vm.memory.startupBytes,
			},
			{
				id: 'uptime',
				label: t('vms.uptime'),
				numeric: true,
				cell: (vm) => (vm.uptimeSeconds || vm.state === 'running' ? formatDuration(uptime(vm)) : '–'),
				order: (vm) => vm.uptimeSeconds,
			},
		];
	}

	#details(vm: Vm) {
		return html`
			<section class="card" aria-labelledby="details">
				<h2 id="details"><a href="#/vms/${vm.id}">${vm.name}</a></h2>
				<div class="details">
					${summary(vm)}
					<pt-screenshot vm=${vm.id} name=${vm.name} width="320" ?on=${hasScreen(vm)}></pt-screenshot>
				</div>
			</section>`;
	}

	#created(vm: Vm): void {
		this.selected = new Set([vm.id]);
	}

	#forms(vms: Vm[]) {
		const close = () => {
			this.form = 'none';
		};
		if (this.form === 'new')
			return html`<pt-new-vm @close=${close} @created=${(event: CustomEvent<Vm>) => this.#created(event.detail)}></pt-new-vm>`;
		if (this.form === 'settings' && vms[0])
			return html`<pt-vm-settings .vmId=${vms[0].id} @close=${close}></pt-vm-settings>`;
		return nothing;
	}

	protected override render() {
		const selected = this.#selectedVms;
		const rows = this.state.vms?.filter((vm) => matches(this.filter, vm.name, vm.notes));
		return html`
			<div class="heading"><h1>${t('nav.vms')}</h1></div>
			<pt-command-bar .label=${t('nav.vms')} .commands=${this.#commands(selected)}></pt-command-bar>
			<div class="tools">
				${filterBox(this.filter, (value) => {
					this.filter = value;
				})}
				<span class="subtitle" role="status">${selected.length > 0 ? t('table.selected', { count: selected.length }) : ''}</span>
			</div>
			<div class="card">
				<pt-table
					selectable
					.label=${t('nav.vms')}
					.columns=${this.#columns()}
					.rows=${rows}
					.rowName=${(vm: Vm) => vm.name}
					.selected=${this.selected}
					.empty=${this.filter ? t('table.noMatch') : t('vms.empty')}
					@select=${(event: CustomEvent<Set<string>>) => {
						this.selected = event.detail;
					}}
				></pt-table>
			</div>
			${selected.length === 1 && selected[0] ? this.#details(selected[0]) : nothing}
			${this.#forms(selected)}`;
	}
}
