// SPDX-License-Identifier: Apache-2.0
// <pt-screenshot>: the screen of a VM as a picture that renews itself while the page is looked at.
import { LitElement, css, html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { getScreenshot } from '../api/vms.js';
import { t } from '../i18n/index.js';
import './icon.js';

@customElement('pt-screenshot')
export class Screenshot extends LitElement {
	@property() vm = '';
	@property() name = '';
	@property({ type: Number }) width = 320;
	@property({ type: Number }) interval = 5; /* seconds */
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
		if (this.hasUpdated) this.#renew(); /* moved within the page */
	}

	override disconnectedCallback(): void {
		super.disconnectedCallback();
		clearTimeout(this.#timer);
		this.#show('');
	}

	protected override updated(changed: Map<string, unknown>): void {
		if (changed.has('vm') || changed.has('on')) this.#renew();
	}

	#show(url: string): void {
		if (this.shown) URL.revokeObjectURL(this.shown);
		this.shown = url;
	}

	#renew(): void {
		clearTimeout(this.#timer);
		if (!this.on) this.#show('');
		else if (document.visibilityState === 'visible') void this.#load(this.vm);
		else this.#renewLater();
	}

	#renewLater(): void {
		clearTimeout(this.#timer);
		if (this.isConnected) this.#timer = window.setTimeout(() => this.#renew(), this.interval * 1000);
	}

	/* A VM that stops meanwhile has no screen; its state says so, no message is needed. */
	async #load(vm: string): Promise<void> {
		try {
			const picture = await getScreenshot(vm, this.width * Math.min(2, Math.ceil(devicePixelRatio)));
			if (this.on && this.isConnected && vm === this.vm) this.#show(URL.createObjectURL(picture));
		} catch {
			/* the next one may come */
		}
		if (vm === this.vm) this.#renewLater();
	}

	protected override render() {
		return this.on && this.shown
			? html`<img src=${this.shown} alt=${this.name ? t('screenshot.of', { name: this.name }) : ''} />`
			: html`<pt-icon name="desktop"></pt-icon>`;
	}
}
