// SPDX-License-Identifier: Apache-2.0
// <pt-serial>: a COM port of a VM as a terminal. The bytes go as they are in both directions; a broken connection is
// made again while the VM runs, and what was on the terminal stays.
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import xtermCss from '@xterm/xterm/css/xterm.css?inline';
import { css, html, nothing, unsafeCSS, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { serialUrl } from '../api/vms.js';
import '../components/command-bar.js';
import { baseStyles } from '../components/styles.js';
import { View } from '../components/view.js';
import '../components/vm-state.js';
import { t } from '../i18n/index.js';
import { powerCommands } from '../pages/vms/commands.js';
import { findVm, hasScreen } from '../state/vms.js';
import { consoleStyles } from './styles.js';

const RETRY_MS = 2000;
const FONT = 'Consolas, "Cascadia Mono", "DejaVu Sans Mono", "Noto Sans Mono CJK JP", monospace';

@customElement('pt-serial')
export class SerialPage extends View {
	@property({ attribute: false }) vmId = '';
	@property({ attribute: false }) port = 1;
	@state() private connected = false;
	@query('.terminal') private target!: HTMLElement | null;
	#terminal: Terminal | undefined;
	#fit = new FitAddon();
	#socket: WebSocket | undefined;
	#timer = 0;
	#resize = new ResizeObserver(() => this.#fit.fit());

	static override styles = [
		baseStyles,
		unsafeCSS(xtermCss),
		consoleStyles,
		css`
		.terminal { position: absolute; inset: 4px 0 4px 8px; }
		.line { position: absolute; inset: auto 0 0; padding: 6px 12px; margin: 0; background: #333; color: #fff; }
	`,
	];

	override disconnectedCallback(): void {
		super.disconnectedCallback();
		this.#resize.disconnect();
		this.#close();
		this.#terminal?.dispose();
		this.#terminal = undefined;
	}

	protected override updated(changed: PropertyValues<this>): void {
		if (!this.#terminal && this.target) this.#openTerminal(this.target);
		if (changed.has('vmId') || changed.has('port')) this.#close();
		const vm = findVm(this.vmId);
		if (vm && hasScreen(vm) && this.#terminal) this.#connect();
		else this.#close();
	}

	#openTerminal(target: HTMLElement): void {
		const terminal = new Terminal({
			fontFamily: FONT,
			fontSize: 14,
			scrollback: 5000,
			screenReaderMode: true,
			cursorBlink: true,
		});
		terminal.loadAddon(this.#fit);
		terminal.open(target);
		terminal.onData((text) => this.#send(new TextEncoder().encode(text)));
		terminal.onBinary((text) => this.#send(Uint8Array.from(text, (character) => character.charCodeAt(0))));
		terminal.attachCustomKeyEventHandler((event) => !this.#release(event));
		this.#terminal = terminal;
		this.#resize.observe(target);
		this.#fit.fit();
		terminal.focus();
	}

	/* The same key as on the screen's page leaves the terminal, which takes Tab for itself. */
	#release(event: KeyboardEvent): boolean {
		const release = event.code === 'ArrowLeft' && event.ctrlKey && event.altKey;
		if (release && event.type === 'keydown')
			this.renderRoot.querySelector<HTMLElement>('pt-command-bar')?.focus();
		return release;
	}

	#send(bytes: Uint8Array<ArrayBuffer>): void {
		if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(bytes);
	}

	#connect(): void {
		if (this.#socket || this.#timer) return;
		const socket = new WebSocket(serialUrl(this.vmId, this.port), 'binary');
		socket.binaryType = 'arraybuffer';
		socket.onopen = () => {
			this.connected = true;
		};
		socket.onmessage = (message) => this.#terminal?.write(new Uint8Array(message.data as ArrayBuffer));
		socket.onclose = () => {
			if (this.#socket !== socket) return;
			this.#socket = undefined;
			this.connected = false;
			this.#timer = window.setTimeout(() => {
				this.#timer = 0;
				this.requestUpdate();
			}, RETRY_MS);
		};
		this.#socket = socket;
	}

	#close(): void {
		clearTimeout(this.#timer);
		this.#timer = 0;
		const socket = this.#socket;
		this.#socket = undefined;
		socket?.close();
		this.connected = false;
	}

	protected override render() {
		const vm = findVm(this.vmId);
		if (!vm)
			return this.state.vms
				? html`<p class="gone">${t('vm.gone')} <a href="#/vms">${t('nav.vms')}</a></p>`
				: nothing;
		return html`
			<div class="bar">
				<h1><a href="#/vms/${vm.id}">${vm.name}</a> – COM${this.port}</h1>
				<pt-vm-state value=${vm.state}></pt-vm-state>
				<pt-command-bar .label=${t('action.serial', { port: this.port })} .commands=${powerCommands([vm])}></pt-command-bar>
			</div>
			<div class="stage" data-status=${this.connected ? 'connected' : 'off'}>
				<div class="terminal"></div>
				${this.connected ? nothing : html`<p class="line" role="status">${t(hasScreen(vm) ? 'console.connecting' : 'console.off', { name: vm.name })}</p>`}
			</div>
			<p class="hint">${t('serial.hint')}</p>`;
	}
}
