// SPDX-License-Identifier: Apache-2.0
// <pt-vm>: one virtual machine: its commands, what it is, its screen, its drives, and what happened to it.
import { css, html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { keyed } from 'lit/directives/keyed.js';
import type { NetworkAdapter, Vm, VmDisk } from '../../api/types.js';
import '../../components/command-bar.js';
import type { Command } from '../../components/command-bar.js';
import { eventList } from '../../components/event-list.js';
import '../../components/screenshot.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import '../../components/table.js';
import type { Column } from '../../components/table.js';
import { View } from '../../components/view.js';
import '../../components/vm-state.js';
import { t } from '../../i18n/index.js';
import { goTo } from '../../state/route.js';
import { findVm, hasScreen, isOff, isSettled, mayAdminister } from '../../state/vms.js';
import { consoleCommand, deleteCommand, powerCommands, settingsCommand } from './commands.js';
import '../metrics/charts.js';
import './adapter-form.js';
import './addresses-form.js';
import './copy-file-form.js';
import { adapterSection } from './adapters.js';
import './attach-form.js';
import { ejectDrive, removeDrive } from './drives.js';
import { guestCard, type GuestForm } from './guest.js';
import './items.js';
import './settings-form.js';
import { controllerName, driveName, summary } from './summary.js';

const EVENTS_SHOWN = 20;

@customElement('pt-vm')
export class VmPage extends View {
	@property({ attribute: false }) vmId = '';
	@state() private form: 'none' | 'settings' | 'attach' | 'adapter' | GuestForm = 'none';
	@state() private insertInto: VmDisk | undefined;
	@state() private adapter: NetworkAdapter | undefined;
	#clock = 0;

	static override styles = [
		baseStyles,
		pageStyles,
		css`
		.cards { grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); }
		a.screen { display: block; }
		.screen { max-width: 560px; }
		.wide { grid-column: 1 / -1; }
		.crumb { color: var(--colorNeutralForeground3); }
		fluent-message-bar pt-icon { color: var(--colorPaletteRedForeground1); }
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

	#commands(vm: Vm): Command[] {
		return [
			...powerCommands([vm]),
			consoleCommand([vm]),
			...vm.comPorts
				.filter((port) => port.enabled)
				.map((port): Command => ({
					id: `serial-${port.number}`,
					label: t('action.serial', { port: port.number }),
					icon: 'serial',
					disabled: !hasScreen(vm),
					run: () => goTo(`vms/${vm.id}/serial/${port.number}`),
				})),
			settingsCommand([vm], () => {
				this.form = 'settings';
			}),
			deleteCommand([vm], () => goTo('vms')),
		];
	}

	#health(vm: Vm) {
		const reasons = [
			...(vm.state === 'failed' && vm.stateReason ? [vm.stateReason] : []),
			...vm.health.reasons,
		];
		if (vm.health.level === 'ok' && vm.state !== 'failed') return nothing;
		return html`
			<fluent-message-bar intent=${vm.health.level === 'warning' ? 'warning' : 'error'} layout="multiline" data-health>
				<pt-icon slot="icon" name=${vm.health.level === 'warning' ? 'warning' : 'error'}></pt-icon>
				<strong>${t(vm.state === 'failed' ? 'vm.hasFailed' : 'vm.needsAttention')}</strong> ${[...new Set(reasons)].join(' ')}
			</fluent-message-bar>`;
	}

	#driveCommands(vm: Vm, drive: VmDisk) {
		const insert = () => {
			this.insertInto = drive;
			this.form = 'attach';
		};
		if (!mayAdminister()) return '';
		const button = (label: string, run: () => void) => html`
			<fluent-button size="small" @click=${run} aria-label="${label}: ${controllerName(drive)}">${label}</fluent-button>`;
		return html`<span class="cell">
			${drive.medium === 'dvd' ? button(t('drives.insert'), insert) : nothing}
			${drive.medium === 'dvd' && drive.source ? button(t('drives.eject'), () => void ejectDrive(vm, drive)) : nothing}
			${isOff(vm) || (isSettled(vm) && drive.controller.type === 'scsi') ? button(t('drives.remove'), () => void removeDrive(vm, drive)) : nothing}
		</span>`;
	}

	#drives(vm: Vm) {
		const columns: Column<VmDisk>[] = [
			{
				id: 'medium',
				label: t('drives.kind'),
				cell: (drive) =>
					html`<span class="cell"><pt-icon name=${drive.medium === 'dvd' ? 'album' : 'disk'}></pt-icon>${t(`medium.${drive.medium}`)}</span>`,
			},
			{ id: 'source', label: t('drives.medium'), cell: driveName },
			{ id: 'controller', label: t('drives.controller'), secondary: true, cell: controllerName },
			{ id: 'commands', label: t('table.actions'), cell: (drive) => this.#driveCommands(vm, drive) },
		];
		const full = vm.disks.length >= 64;
		const add = () => {
			this.insertInto = undefined;
			this.form = 'attach';
		};
		return html`
			<section class="card wide" aria-labelledby="drives">
				<div class="heading">
					<h2 id="drives">${t('vm.drives')}</h2>
					<pt-command-bar .label=${t('vm.drives')} .commands=${[
						{
							id: 'attach',
							label: t('drives.add'),
							icon: 'add' as const,
							disabled: full || !isSettled(vm) || !mayAdminister(),
							title: isSettled(vm) ? '' : t('drives.needsSettled'),
							run: add,
						},
					]}></pt-command-bar>
				</div>
				<pt-table .label=${t('vm.drives')} .columns=${columns} .rows=${vm.disks} .empty=${t('drives.none')}></pt-table>
			</section>`;
	}

	#screen(vm: Vm) {
		const picture = html`<pt-screenshot class="screen" vm=${vm.id} name=${vm.name} width="480" ?on=${hasScreen(vm)}></pt-screenshot>`;
		return html`
			<section class="card" aria-labelledby="screen">
				<h2 id="screen">${t('vms.screen')}</h2>
				${
					hasScreen(vm)
						? html`<a class="screen" href="#/vms/${vm.id}/console" aria-label=${t('vm.openConsole', { name: vm.name })}>${picture}</a>`
						: picture
				}
			</section>`;
	}

	#forms(vm: Vm) {
		const close = () => {
			this.form = 'none';
		};
		if (this.form === 'settings')
			return html`<pt-vm-settings .vmId=${vm.id} @close=${close}></pt-vm-settings>`;
		if (this.form === 'attach')
			return html`<pt-attach .vm=${vm} .drive=${this.insertInto} @close=${close}></pt-attach>`;
		if (this.form === 'adapter')
			return html`<pt-adapter-form .vm=${vm} .adapter=${this.adapter} @close=${close}></pt-adapter-form>`;
		if (this.form === 'copy-file') return html`<pt-copy-file .vm=${vm} @close=${close}></pt-copy-file>`;
		if (this.form === 'addresses') return html`<pt-guest-addresses .vm=${vm} @close=${close}></pt-guest-addresses>`;
		return nothing;
	}

	#missing(): TemplateResult {
		if (!this.state.vms) return html`<fluent-spinner aria-label=${t('table.loading')}></fluent-spinner>`;
		return html`<div class="heading"><h1>${t('vm.gone')}</h1></div><p><a href="#/vms">${t('nav.vms')}</a></p>`;
	}

	protected override render() {
		const vm = findVm(this.vmId);
		if (!vm) return this.#missing();
		const events = this.state.events?.filter((event) => event.object.id === vm.id).slice(0, EVENTS_SHOWN);
		return html`
			<div class="crumb"><a href="#/vms">${t('nav.vms')}</a></div>
			<div class="heading"><h1>${vm.name}</h1><pt-vm-state value=${vm.state}></pt-vm-state></div>
			<pt-command-bar .label=${vm.name} .commands=${this.#commands(vm)}></pt-command-bar>
			${this.#health(vm)}
			<div class="cards">
				<section class="card" aria-labelledby="summary"><h2 id="summary">${t('vm.summary')}</h2>${summary(vm)}</section>
				${this.#screen(vm)}
				${guestCard(vm, (form) => {
					this.form = form;
				})}
				<pt-metrics class="wide" vm=${vm.id}></pt-metrics>
				${this.#drives(vm)}
				${adapterSection(vm, (adapter) => {
					this.adapter = adapter;
					this.form = 'adapter';
				})}
				${keyed(vm.id, html`<pt-guest-items .vm=${vm}></pt-guest-items>`)}
				<section class="card wide" aria-labelledby="events"><h2 id="events">${t('nav.events')}</h2>${eventList(events, false)}</section>
			</div>
			${this.#forms(vm)}`;
	}
}
