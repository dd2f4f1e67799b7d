// SPDX-License-Identifier: Apache-2.0
// Changing one's own password: <pt-first-password>, the page that nobody can pass while the password is the one-time
// one, and <pt-change-password>, the same form in a side panel.
import { css, html } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { ApiError } from '../../api/http.js';
import { errorBar, formButtons, textField } from '../../components/fields.js';
import '../../components/panel.js';
import type { Panel } from '../../components/panel.js';
import { baseStyles, formStyles } from '../../components/styles.js';
import { View } from '../../components/view.js';
import { t, type Key } from '../../i18n/index.js';
import logo from '../../partita.svg';
import { errorText, notify, sessionWasLost } from '../../state/notices.js';
import { changePassword, signOut } from '../../state/session.js';
import { cardPageStyles } from './styles.js';

const LEAST_LENGTH = 10; /* as webapi has it; the server's answer is what counts */

interface Values {
	current: string;
	next: string;
	again: string;
}

function firstProblem(values: Values): { field: keyof Values; key: Key } | undefined {
	if (!values.current) return { field: 'current', key: 'form.required' };
	if (values.next.length < LEAST_LENGTH) return { field: 'next', key: 'password.short' };
	if (values.next === values.current) return { field: 'next', key: 'password.same' };
	if (values.next !== values.again) return { field: 'again', key: 'password.different' };
	return undefined;
}

abstract class PasswordForm extends View {
	@state() private values: Values = { current: '', next: '', again: '' };
	@state() private problems: Partial<Record<keyof Values | 'form', string>> = {};
	@state() protected busy = false;

	protected abstract done(): void;

	protected async submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		const wrong = firstProblem(this.values);
		this.problems = wrong ? { [wrong.field]: t(wrong.key, { least: LEAST_LENGTH }) } : {};
		if (wrong || this.busy) return;
		this.busy = true;
		try {
			await changePassword(this.values.current, this.values.next);
			notify('success', t('password.changed'));
			this.done();
		} catch (error) {
			this.#show(error);
		} finally {
			this.busy = false;
		}
	}

	#show(error: unknown): void {
		if (sessionWasLost(error)) return;
		const wrongCurrent =
			error instanceof ApiError && (error.field === 'currentPassword' || error.code === 'wrong_credentials');
		const wrongNext = error instanceof ApiError && error.field === 'password';
		this.problems = { [wrongCurrent ? 'current' : wrongNext ? 'next' : 'form']: errorText(error) };
	}

	#field(field: keyof Values, label: Key, autocomplete: string, autofocus = false, hint?: string) {
		return textField({
			name: field,
			label: t(label),
			value: this.values[field],
			type: 'password',
			required: true,
			autocomplete,
			autofocus,
			hint,
			problem: this.problems[field],
			change: (value) => {
				this.values = { ...this.values, [field]: value };
			},
		});
	}

	/* The hidden user name is for password managers. */
	protected fields() {
		return html`
			<input hidden autocomplete="username" .value=${this.state.session?.user.username ?? ''} />
			${errorBar(this.problems.form)}
			<div class="fields">
				${this.#field('current', 'password.current', 'current-password', true)}
				${this.#field('next', 'password.next', 'new-password', false, t('password.hint', { least: LEAST_LENGTH }))}
				${this.#field('again', 'password.again', 'new-password')}
			</div>`;
	}
}

@customElement('pt-first-password')
export class FirstPassword extends PasswordForm {
	static override styles = [
		baseStyles,
		formStyles,
		cardPageStyles,
		css`
		:host { display: flex; flex-direction: column; min-height: 0; }
		form { display: flex; flex-direction: column; gap: 20px; }
		.actions { display: flex; justify-content: end; gap: 8px; }
	`,
	];

	protected override done(): void {
		/* the store has a session without the demand now, and the shell replaces this page */
	}

	protected override render() {
		return html`
			<main class="outer">
				<div class="box">
					<div class="brand"><img src=${logo} alt="" />Partita</div>
					<h1>${t('password.firstTitle')}</h1>
					<p class="lead">${t('password.firstText')}</p>
					<form novalidate @submit=${this.submit}>
						${this.fields()}
						<div class="actions">
							<fluent-button @click=${() => void signOut()}>${t('account.signOut')}</fluent-button>
							<fluent-button type="submit" appearance="primary" ?disabled=${this.busy}>${t('password.action')}</fluent-button>
						</div>
					</form>
				</div>
			</main>`;
	}
}

@customElement('pt-change-password')
export class ChangePassword extends PasswordForm {
	@query('pt-panel') private panel!: Panel;

	static override styles = [baseStyles, formStyles];

	protected override done(): void {
		this.panel.close();
	}

	protected override render() {
		return html`
			<form novalidate @submit=${this.submit}>
				<pt-panel .heading=${t('account.changePassword')}>
					${this.fields()}
					${formButtons(t('password.action'), this.busy, () => this.panel.close())}
				</pt-panel>
			</form>`;
	}
}
