// SPDX-License-Identifier: Apache-2.0
// confirm({...}) asks before something that cannot be undone and resolves to the answer. Esc and Cancel are "no".
import { LitElement, css, html } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import type { Dialog } from '@fluentui/web-components';
import { t } from '../i18n/index.js';

export interface Question {
	title: string;
	text: string;
	details?: string[];
	action: string; /* what the button that does it says */
}

@customElement('pt-confirm')
class Confirm extends LitElement {
	@property({ attribute: false }) question!: Question;
	@property({ attribute: false }) answer: (yes: boolean) => void = () => {};
	@query('fluent-dialog') private dialog!: Dialog;

	static override styles = css`
		h2 { font: inherit; margin: 0; }
		p { margin: 0; }
		ul { margin: 8px 0 0; padding-inline-start: 20px; max-height: 30vh; overflow-y: auto; overflow-wrap: anywhere; }
		.danger { background: var(--colorStatusDangerBackground3); color: var(--colorNeutralForegroundOnBrand); border-color: transparent; }
		.danger:hover { background: var(--colorStatusDangerBackground3Hover); }
	`;

	override firstUpdated(): void {
		this.dialog.show();
	}

	#toggled(event: Event & { detail?: { newState?: string } }): void {
		if (event.detail?.newState === 'closed') this.#finish(false);
	}

	#finish(yes: boolean): void {
		this.answer(yes);
		this.answer = () => {};
		this.remove();
	}

	#yes(): void {
		const { answer } = this;
		this.answer = () => {};
		this.dialog.hide();
		answer(true);
	}

	protected override render() {
		const { title, text, details = [], action } = this.question;
		return html`
			<fluent-dialog type="alert" aria-label=${title} @toggle=${this.#toggled}>
				<fluent-dialog-body>
					<h2 slot="title">${title}</h2>
					<p>${text}</p>
					${details.length ? html`<ul>${details.map((line) => html`<li>${line}</li>`)}</ul>` : ''}
					<fluent-button slot="action" autofocus @click=${() => this.dialog.hide()}>${t('common.cancel')}</fluent-button>
					<fluent-button slot="action" appearance="primary" class="danger" data-yes @click=${this.#yes}>${action}</fluent-button>
				</fluent-dialog-body>
			</fluent-dialog>`;
	}
}

export function confirm(question: Question): Promise<boolean> {
	return new Promise((resolve) => {
		const element = new Confirm();
		element.question = question;
		element.answer = resolve;
		document.body.append(element);
	});
}
