// SPDX-License-Identifier: Apache-2.0
// <pt-screen>: noVNC on one VM's screen. It connects while `on`, tries again when the connection breaks (a VM that
// restarts, a service that was updated) and tells its page how it stands by `status`. Keys go as scancodes when the
// server offers QEMU's extended key events, which noVNC then prefers by itself.
import RFB from '@novnc/novnc';
import { LitElement, css, html, type PropertyValues } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import { consoleUrl } from '../api/vms.js';

export type ScreenStatus = 'off' | 'connecting' | 'connected' | 'broken';

const RETRY_FIRST_MS = 500;
const RETRY_LAST_MS = 8000;
const KEYSYM_CONTROL = 0xffe3;
const KEYSYM_ALT = 0xffe9;

@customElement('pt-screen')
export class Screen extends LitElement {
	@property() vm = '';
	@property({ type: Boolean }) on = false;
	@property({ type: Boolean }) scale = true;
	@property({ type: Boolean }) viewOnly = false;
	@query('div') private target!: HTMLDivElement;
	#rfb: RFB | undefined;
	#timer = 0;
	#wait = RETRY_FIRST_MS;
	#wasFocused = true;

	static override styles = css`
		:host { display: block; min-height: 0; background: #000; }
		div { width: 100%; height: 100%; }
	`;

	override disconnectedCallback(): void {
		super.disconnectedCallback();
		this.#end();
	}

	protected override updated(changed: PropertyValues<this>): void {
		if (changed.has('vm') || changed.has('on')) this.#begin();
		if (this.#rfb && (changed.has('scale') || changed.has('viewOnly'))) this.#fit(this.#rfb);
	}

	override focus(): void {
		this.#rfb?.focus({ preventScroll: true });
	}

	sendCtrlAltDel(): void {
		this.#rfb?.sendCtrlAltDel();
		this.focus();
	}

	releaseKeys(): void {
		this.#rfb?.sendKey(KEYSYM_CONTROL, 'ControlLeft', false);
		this.#rfb?.sendKey(KEYSYM_ALT, 'AltLeft', false);
		this.#rfb?.blur();
	}

	reconnect(): void {
		this.#wait = RETRY_FIRST_MS;
		this.#begin();
	}

	#tell(status: ScreenStatus): void {
		this.dispatchEvent(new CustomEvent<ScreenStatus>('status', { detail: status }));
	}

	#end(): void {
		clearTimeout(this.#timer);
		const rfb = this.#rfb;
		this.#rfb = undefined;
		rfb?.disconnect();
	}

	/* Who fits the screen to the window also tells the guest how much room there is; a guest that can follows. */
	#fit(rfb: RFB): void {
		rfb.viewOnly = this.viewOnly;
		rfb.scaleViewport = this.scale;
		rfb.resizeSession = this.scale && !this.viewOnly;
	}

	#begin(): void {
		this.#end();
		if (!this.on || !this.vm) {
			this.#tell('off');
			return;
		}
		this.#tell('connecting');
		const rfb = new RFB(this.target, consoleUrl(this.vm), { shared: true, wsProtocols: ['binary'] });
		this.#fit(rfb);
		rfb.background = '#000';
		rfb.showDotCursor = true;
		rfb.addEventListener('connect', () => this.#connected(rfb));
		rfb.addEventListener('disconnect', () => this.#broken(rfb));
		this.#rfb = rfb;
	}

	#connected(rfb: RFB): void {
		if (rfb !== this.#rfb) return;
		this.#wait = RETRY_FIRST_MS;
		this.#tell('connected');
		if (this.#wasFocused) this.focus();
	}

	#broken(rfb: RFB): void {
		if (rfb !== this.#rfb) return; /* ended by us */
		this.#rfb = undefined;
		this.#wasFocused = this.matches(':focus-within');
		this.#tell('broken');
		this.#timer = window.setTimeout(() => this.#begin(), this.#wait);
		this.#wait = Math.min(this.#wait * 2, RETRY_LAST_MS);
	}

	protected override render() {
		return html`<div></div>`;
	}
}
