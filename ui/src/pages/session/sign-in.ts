// SPDX-License-Identifier: Apache-2.0
// <pt-sign-in>: the page of somebody who is not signed in; with `expired`, the same form as a dialog over the page
// that was open, so that nothing typed there is lost.
import { css, html } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { Dialog } from '@fluentui/web-components';
import { errorBar, textField } from '../../components/fields.js';
import { baseStyles, formStyles } from '../../components/styles.js';
import { View } from '../../components/view.js';
import { t } from '../../i18n/index.js';
import logo from '../../partita.svg';
import { errorText } from '../../state/notices.js';
import { signIn } from '../../state/session.js';
import { chooseLanguage } from '../../state/settings.js';
import { cardPageStyles } from './styles.js';

@customElement('pt-sign-in')
export class SignIn extends View {
	@property({ type: Boolean }) expired = false;
	@state() private username = '';
	@state() private password = '';
	@state() private problem = '';
	@state() private busy = false;
	@query('fluent-dialog') private dialog!: Dialog | null;

	static override styles = [
		baseStyles,
		formStyles,
		cardPageStyles,
		css`
		:host { display: flex; flex-direction: column; min-height: 0; }
		form { display: flex; flex-direction: column; gap: 20px; }
		.actions { display: flex; justify-content: end; }
		h2 { font: inherit; margin: 0; }
	`,
	];

	override connectedCallback(): void {
		super.connectedCallback();
		this.username = this.state.session?.user.username ?? '';
	}

	override firstUpdated(): void {
		this.dialog?.show();
	}

	async #submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		if (this.busy) return;
		this.busy = true;
		this.problem = '';
		try {
			await signIn(this.username.trim(), this.password);
		} catch (error) {
			this.problem = errorText(error);
		} finally {
			this.busy = false;
			this.password = '';
		}
	}

	#form() {
		return html`
			<form @submit=${this.#submit}>
				${errorBar(this.problem)}
				<div class="fields">
					${textField({
						name: 'username',
						label: t('signIn.username'),
						value: this.username,
						required: true,
						autocomplete: 'username',
						autofocus: !this.username,
						change: (value) => {
							this.username = value;
						},
					})}
					${textField({
						name: 'password',
						label: t('signIn.password'),
						value: this.password,
						required: true,
						type: 'password',
						autocomplete: 'current-password',
						autofocus: Boolean(this.username),
						change: (value) => {
							this.password = value;
						},
					})}
				</div>
				<div class="actions">
					<fluent-button type="submit" appearance="primary" ?disabled=${this.busy}>${t('signIn.action')}</fluent-button>
				</div>
			</form>`;
	}

	#languages() {
		const choice = (language: 'en' | 'ja', label: string) => html`
			<button type="button" lang=${language} aria-pressed=${String(this.state.language === language)}
				@click=${() => chooseLanguage(language)}>${label}</button>`;
		return html`<div class="language">${choice('en', 'English')}${choice('ja', '日本語')}</div>`;
	}

	protected override render() {
		if (this.expired) {
			return html`
				<fluent-dialog type="alert" aria-label=${t('signIn.expired')} @cancel=${{ handleEvent: (event: Event) => event.preventDefault(), capture: true }}>
					<fluent-dialog-body>
						<h2 slot="title">${t('signIn.expired')}</h2>
						<p>${t('signIn.expiredText')}</p>
						${this.#form()}
					</fluent-dialog-body>
				</fluent-dialog>`;
		}
		return html`
			<main class="outer">
				<div class="box">
					<div class="brand"><img src=${logo} alt="" />Partita</div>
					<h1>${t('signIn.title')}</h1>
					${this.#form()}
				</div>
				${this.#languages()}
			</main>`;
	}
}
