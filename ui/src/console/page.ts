// SPDX-License-Identifier: Apache-2.0
// <pt-console>: the screen of a VM with what is needed beside it: power, Ctrl+Alt+Del, scaling, full screen, and words
// for every state in which there is no picture.
import { css, html, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { Vm, VmState } from '../api/types.js';
import '../components/command-bar.js';
import type { Command, CommandBar } from '../components/command-bar.js';
import { baseStyles } from '../components/styles.js';
import { View } from '../components/view.js';
import '../components/vm-state.js';
import { t } from '../i18n/index.js';
import { powerCommand, powerCommands } from '../pages/vms/commands.js';
import { findVm, hasScreen, mayOperate } from '../state/vms.js';
import { consoleStyles } from './styles.js';
import './screen.js';
import type { Screen, ScreenStatus } from './screen.js';

function noScreenBecause(state: VmState) {
	switch (state) {
		case 'starting':
		case 'failed':
		case 'saved':
		case 'saving':
		case 'restoring':
			return `console.${state}` as const;
		default:
			return 'console.off';
	}
}

@customElement('pt-console')
export class ConsolePage extends View {
	@property({ attribute: false }) vmId = '';
	@state() private status: ScreenStatus = 'off';
	@state() private scale = true;
	@state() private hasKeys = false;
	@query('pt-screen') private screenElement!: Screen;
	@query('.stage') private stage!: HTMLElement;
	@query('pt-command-bar') private commandBar!: CommandBar;

	static override styles = [
		baseStyles,
		consoleStyles,
		css`
		pt-screen { position: absolute; inset: 0; }
		.stage.keys { outline: 2px solid var(--colorCompoundBrandStroke); outline-offset: -2px; }
	`,
	];

	#commands(vm: Vm): Command[] {
		const connected = this.status === 'connected';
		return [
			{
				id: 'ctrl-alt-del',
				label: 'Ctrl+Alt+Del',
				icon: 'keyboard',
				disabled: !connected || !mayOperate(),
				run: () => this.screenElement.sendCtrlAltDel(),
			},
			...powerCommands([vm]).map((command, index) => ({ ...command, group: index === 0 })),
			{
				id: 'scale',
				label: t('console.scale'),
				icon: 'scale',
				group: true,
				pressed: this.scale,
				run: () => {
					this.scale = !this.scale;
				},
			},
			{
				id: 'fullscreen',
				label: t('console.fullscreen'),
				icon: 'fullscreen',
				disabled: !connected,
				run: () => void this.#fullscreen(),
			},
		];
	}

	async #fullscreen(): Promise<void> {
		await this.stage.requestFullscreen();
		this.screenElement.focus();
	}

	/* Hyper-V's own key to get keyboard and mouse back; the guest must not keep Ctrl and Alt pressed. */
	#release(event: KeyboardEvent): void {
		if (event.code !== 'ArrowLeft' || !event.ctrlKey || !event.altKey) return;
		event.preventDefault();
		event.stopPropagation();
		this.screenElement.releaseKeys();
		this.commandBar.focus();
	}

	#notice(vm: Vm) {
		if (!hasScreen(vm)) {
			const start = powerCommand('start', [vm]);
			return html`
				<div class="notice" role="status">
					<pt-icon name="desktop"></pt-icon>
					<p>${t(noScreenBecause(vm.state), { name: vm.name })}</p>
					${vm.state === 'failed' && vm.stateReason ? html`<p>${vm.stateReason}</p>` : nothing}
					${start.disabled ? nothing : html`<fluent-button appearance="primary" @click=${start.run}>${start.label}</fluent-button>`}
				</div>`;
		}
		if (this.status === 'connected') return nothing;
		return html`
			<div class="notice" role="status">
				<fluent-spinner appearance="inverted" aria-label=${t('console.connecting')}></fluent-spinner>
				<p>${t(this.status === 'broken' ? 'console.broken' : 'console.connecting')}</p>
				${this.status === 'broken' ? html`<fluent-button @click=${() => this.screenElement.reconnect()}>${t('console.reconnect')}</fluent-button>` : nothing}
			</div>`;
	}

	#hint(): string {
		if (this.status !== 'connected') return '';
		if (!mayOperate()) return t('console.viewOnly');
		return t(this.hasKeys ? 'console.keysHere' : 'console.clickForKeys');
	}

	protected override render() {
		const vm = findVm(this.vmId);
		if (!vm)
			return this.state.vms
				? html`<p class="gone">${t('vm.gone')} <a href="#/vms">${t('nav.vms')}</a></p>`
				: nothing;
		return html`
			<div class="bar">
				<h1><a href="#/vms/${vm.id}">${vm.name}</a></h1>
				<pt-vm-state value=${vm.state}></pt-vm-state>
				<pt-command-bar .label=${t('action.console')} .commands=${this.#commands(vm)}></pt-command-bar>
			</div>
			<div class="stage ${this.hasKeys ? 'keys' : ''}" data-status=${this.status}
				@keydown=${{ handleEvent: (event: KeyboardEvent) => this.#release(event), capture: true }}
				@focusin=${() => {
					this.hasKeys = true;
				}} @focusout=${() => {
					this.hasKeys = false;
				}}>
				<pt-screen vm=${vm.id} ?on=${hasScreen(vm)} ?scale=${this.scale} ?viewOnly=${!mayOperate()}
					@status=${(event: CustomEvent<ScreenStatus>) => {
						this.status = event.detail;
					}}></pt-screen>
				${this.#notice(vm)}
			</div>
			<p class="hint" role="status">${this.#hint()}</p>`;
	}
}
