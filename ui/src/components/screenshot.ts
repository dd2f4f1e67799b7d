// SPDX-License-Identifier: Apache-2.0
// <pt-screenshot>: the screen of a VM as a picture that renews itself while the page is looked at. The next picture is
// loaded aside and then swapped in, so that it never flickers.
import { LitElement, css, html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { screenshotUrl } from '../api/vms.js';
import { t } from '../i18n/index.js';
import './icon.js';

@customElement('pt-screenshot')
export class Screenshot extends LitElement {
	@property() vm = '';
	@property() name = '';
	@property({ type: Number }) width = 320;
	@property({ type: Number }) interval = 5;	/* seconds */
	@property({ type: Boolean }) on = false;
	@state() private shown = '';
	#timer = 0;

	static override styles = css`
		:host {
			display: flex; align-items: center; justify-content: center; background: #000; color: #9a9a9a; overflow: hidden;
			border-radius: var(--borderRadiusSmall); aspect-ratio: 4 / 3; --ptIconSize: min(32px, 50%);
		}
		img { width: 100%; height: 100%; object-fit: contain; display: block; }
	`;

	override connectedCallback(): void {
		super.connectedCallback();
		this.#renew();
	}

	override disconnectedCallback(): void {
		super.disconnectedCallback();
		clearTimeout(this.#timer);
	}

	protected override updated(changed: Map<string, unknown>): void {
		if (changed.has('vm') || changed.has('on'))
			this.#renew();
	}

	#renew(): void {
		clearTimeout(this.#timer);
		if (!this.on) {
			this.shown = '';
			return;
		}
		const again = () => {
			clearTimeout(this.#timer);
			if (this.isConnected)
				this.#timer = window.setTimeout(() => this.#renew(), this.interval * 1000);
		};
		if (document.visibilityState !== 'visible') {
			again();
			return;
		}
		const next = new Image();
		const vm = this.vm;
		next.onload = () => {
			if (!this.on || vm !== this.vm || !this.isConnected)
				return;
			this.shown = next.src;
			again();
		};
		next.onerror = again;
		next.src = screenshotUrl(vm, this.width * Math.min(2, Math.ceil(devicePixelRatio)));
	}

	protected override render() {
		return this.on && this.shown
			? html`<img src=${this.shown} alt=${this.name ? t('screenshot.of', { name: this.name }) : ''} />`
			: html`<pt-icon name="desktop"></pt-icon>`;
	}
}
