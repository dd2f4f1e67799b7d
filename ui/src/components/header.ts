// SPDX-License-Identifier: Apache-2.0
// <pt-header>: product and appliance name, and the account menu: password, theme, language, sign out.
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { t } from '../i18n/index.js';
import { signOut } from '../state/session.js';
import { chooseLanguage, chooseTheme } from '../state/settings.js';
import type { Language, Theme } from '../state/store.js';
import './icon.js';
import { baseStyles } from './styles.js';
import { View } from './view.js';

const themes: readonly Theme[] = ['system', 'light', 'dark'];
const languages: readonly (readonly [Language, string])[] = [
	['en', 'English'],
	['ja', '日本語'],
];

@customElement('pt-header')
export class Header extends View {
	@property({ type: Boolean }) navOpen = false;

	static override styles = [
		baseStyles,
		css`
		:host { display: flex; align-items: center; gap: 8px; height: 48px; padding: 0 12px; background: #0b2f4f; color: #fff; }
		.name { font-size: var(--fontSizeBase400); font-weight: var(--fontWeightSemibold); color: #fff; }
		.host { color: #c7dcef; border-inline-start: 1px solid #5a7d9c; padding-inline-start: 10px; margin-inline-start: 2px;
			white-space: nowrap; overflow: hidden; text-overflow: ellipsis; min-width: 0; }
		.space { flex: 1; }
		button {
			font: inherit; color: #fff; background: transparent; border: 0; border-radius: var(--borderRadiusMedium); min-height: 36px; padding: 4px 10px;
			display: inline-flex; align-items: center; gap: 8px; cursor: pointer;
		}
		button:hover { background: #ffffff26; }
		button:focus-visible { outline: 2px solid #fff; outline-offset: -2px; }
		.menu-button { display: none; }
		.heading { padding: 8px 12px 2px; font-size: var(--fontSizeBase200); color: var(--colorNeutralForeground3); }
		fluent-menu-list { min-width: 220px; max-width: none; max-height: none; }
		@media (max-width: 820px) {
			.menu-button { display: inline-flex; }
		}
		@media (max-width: 480px) {
			.user { display: none; }
		}
	`,
	];

	#toggleNav(): void {
		this.dispatchEvent(new CustomEvent('toggle-nav'));
	}

	#changePassword(): void {
		this.dispatchEvent(new CustomEvent('change-password'));
	}

	#accountMenu(username: string) {
		return html`
			<fluent-menu>
				<button slot="trigger" type="button" aria-haspopup="menu" aria-label=${t('account.menu', { username })} data-account>
					<pt-icon name="person"></pt-icon><span class="user">${username}</span>
				</button>
				<fluent-menu-list role="menu" aria-label=${t('account.menu', { username })}>
					<fluent-menu-item data-change-password @click=${this.#changePassword}>${t('account.changePassword')}</fluent-menu-item>
					<fluent-divider role="separator"></fluent-divider>
					${themes.map(
						(theme) => html`
						<fluent-menu-item role="menuitemradio" name="theme" data-theme=${theme}
							?checked=${this.state.theme === theme} aria-checked=${String(this.state.theme === theme)}
							@click=${() => chooseTheme(theme)}>${t(`theme.${theme}`)}</fluent-menu-item>`,
					)}
					<fluent-divider role="separator"></fluent-divider>
					${languages.map(
						([language, label]) => html`
						<fluent-menu-item role="menuitemradio" name="language" data-language=${language} lang=${language}
							?checked=${this.state.language === language} aria-checked=${String(this.state.language === language)}
							@click=${() => chooseLanguage(language)}>${label}</fluent-menu-item>`,
					)}
					<fluent-divider role="separator"></fluent-divider>
					<fluent-menu-item data-sign-out @click=${() => void signOut()}>${t('account.signOut')}</fluent-menu-item>
				</fluent-menu-list>
			</fluent-menu>`;
	}

	protected override render() {
		const { session, host } = this.state;
		return html`
			<button class="menu-button" type="button" aria-label=${t('nav.toggle')} aria-expanded=${String(this.navOpen)} @click=${this.#toggleNav}>
				<pt-icon name="navigation"></pt-icon>
			</button>
			<a class="name" href="#/overview">Partita</a>
			${host ? html`<span class="host">${host.name}</span>` : nothing}
			<span class="space"></span>
			${session ? this.#accountMenu(session.user.username) : nothing}`;
	}
}
