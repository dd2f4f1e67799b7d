// SPDX-License-Identifier: Apache-2.0
// <pt-panel>: a form at the side of the page (Fluent's drawer). It opens when it is put into the page and sends
// `close` when the person has left it; a click beside it does not close it, because typed text would be lost.
import { LitElement, css, html } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import type { Drawer } from '@fluentui/web-components';
import { t } from '../i18n/index.js';
import './icon.js';

@customElement('pt-panel')
export class Panel extends LitElement {
	@property() heading = '';
	@query('fluent-drawer') private drawer!: Drawer;

	static override styles = css`
		fluent-drawer { --drawer-width: min(480px, 100vw); }
		fluent-drawer::part(dialog) { max-width: 100vw; }
		fluent-drawer-body { grid-template-rows: min-content minmax(0, 1fr) min-content; height: 100%; gap: 12px; }
		fluent-drawer-body::part(content) { overflow-y: auto; margin-inline: -4px; padding-inline: 4px; }
		fluent-drawer-body::part(footer) { border-top: 1px solid var(--colorNeutralStroke2); padding-top: 12px; }
		h2 { font-size: var(--fontSizeBase500); line-height: var(--lineHeightBase500); font-weight: var(--fontWeightSemibold); margin: 0; }
		.footer { display: flex; gap: 8px; justify-content: start; width: 100%; }
		.content { padding-bottom: 16px; }
	`;

	override firstUpdated(): void {
		this.drawer.show();
		/* after the drawer's own queued opening */
		requestAnimationFrame(() => this.querySelector<HTMLElement>('[autofocus]')?.focus());
	}

	close(): void {
		this.drawer.hide();
	}

	#keepOpen(event: Event): void {
		const target = event.composedPath()[0];
		if (target instanceof HTMLDialogElement) event.stopPropagation();
	}

	#toggled(event: Event & { detail?: { newState?: string } }): void {
		if (event.target === this.drawer && event.detail?.newState === 'closed')
			this.dispatchEvent(new CustomEvent('close', { bubbles: true, composed: true }));
	}

	protected override render() {
		return html`
			<fluent-drawer
				type="modal"
				position="end"
				size="medium"
				aria-label=${this.heading}
				@toggle=${this.#toggled}
				@click=${{ handleEvent: this.#keepOpen, capture: true }}
			>
				<fluent-drawer-body>
					<h2 slot="title">${this.heading}</h2>
					<fluent-button slot="close" appearance="transparent" icon-only aria-label=${t('common.close')}>
						<pt-icon name="dismiss"></pt-icon>
					</fluent-button>
					<div class="content"><slot></slot></div>
					<div slot="footer" class="footer"><slot name="footer"></slot></div>
				</fluent-drawer-body>
			</fluent-drawer>`;
	}
}
