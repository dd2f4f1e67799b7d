// SPDX-License-Identifier: Apache-2.0
// <pt-app>: which of the outer pages is shown (signing in, first password, the shell) and the shell itself: header,
// navigation, message bars and the page of the route. When the session expires the page stays below the dialog.
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import './components/header.js';
import './components/nav.js';
import './components/notices.js';
import { baseStyles } from './components/styles.js';
import { View } from './components/view.js';
import { t } from './i18n/index.js';
import './pages/activity/events.js';
import './pages/activity/jobs.js';
import './pages/disks/list.js';
import './pages/host/page.js';
import './pages/media/list.js';
import './pages/memory/page.js';
import './pages/network/list.js';
import './pages/overview/page.js';
import './pages/session/password.js';
import './pages/session/sign-in.js';
import './pages/vms/details.js';
import './pages/vms/list.js';
import { currentRoute, type Route } from './state/route.js';
import { findVm } from './state/vms.js';

/* noVNC and xterm.js come only when a console is opened. */
const loadConsole = () => import('./console/page.js');
const loadSerial = () => import('./console/serial-page.js');

@customElement('pt-app')
export class App extends View {
	@state() private navOpen = false;
	@state() private changingPassword = false;
	@query('main') private main!: HTMLElement | null;
	#shown = '';

	static override styles = [
		baseStyles,
		css`
		:host { display: flex; flex-direction: column; height: 100vh; height: 100dvh; }
		.waiting { flex: 1; display: flex; align-items: center; justify-content: center; }
		.shell { flex: 1; min-height: 0; display: grid; grid-template: minmax(0, 1fr) / 232px minmax(0, 1fr); }
		.content { min-width: 0; min-height: 0; display: flex; flex-direction: column; }
		main { flex: 1; min-height: 0; overflow: auto; }
		main[tabindex]:focus-visible { outline: none; }
		.skip { position: absolute; inset: 8px auto auto 8px; z-index: 10; padding: 6px 12px; background: var(--colorNeutralBackground1); }
		.skip:not(:focus) { clip-path: inset(50%); pointer-events: none; }
		@media (max-width: 820px) {
			.shell { grid-template: minmax(0, 1fr) / minmax(0, 1fr); position: relative; }
			pt-nav { position: absolute; inset: 0 auto 0 0; width: min(280px, 85vw); z-index: 5; box-shadow: var(--shadow16); }
			pt-nav:not([open]) { display: none; }
		}
	`,
	];

	protected override willUpdate(): void {
		const route = currentRoute();
		if (route.page === 'console') void loadConsole();
		if (route.page === 'serial') void loadSerial();
	}

	/* A new page: the title says which, and the keyboard starts there. */
	protected override updated(_changed: PropertyValues): void {
		const route = currentRoute();
		document.title = `${this.#title(route)} – Partita`;
		const where = location.hash;
		if (this.#shown === where || !this.main) return;
		if (this.#shown) {
			this.navOpen = false;
			this.main.focus();
			this.main.scrollTop = 0;
		}
		this.#shown = where;
	}

	#title(route: Route): string {
		if (this.state.sessionState !== 'signed-in' && this.state.sessionState !== 'expired')
			return t('signIn.title');
		if ('id' in route) return findVm(route.id)?.name ?? t('nav.vms');
		return t(`nav.${route.page}`);
	}

	#page(route: Route): TemplateResult {
		switch (route.page) {
			case 'overview':
				return html`<pt-overview></pt-overview>`;
			case 'vms':
				return html`<pt-vms></pt-vms>`;
			case 'vm':
				return html`<pt-vm .vmId=${route.id}></pt-vm>`;
			case 'console':
				return html`<pt-console .vmId=${route.id}></pt-console>`;
			case 'serial':
				return html`<pt-serial .vmId=${route.id} .port=${route.port}></pt-serial>`;
			case 'disks':
				return html`<pt-disks></pt-disks>`;
			case 'media':
				return html`<pt-media></pt-media>`;
			case 'switches':
				return html`<pt-switches></pt-switches>`;
			case 'memory':
				return html`<pt-memory></pt-memory>`;
			case 'host':
				return html`<pt-host></pt-host>`;
			case 'jobs':
				return html`<pt-jobs></pt-jobs>`;
			case 'events':
				return html`<pt-events></pt-events>`;
		}
	}

	#skip(event: globalThis.Event): void {
		event.preventDefault();
		this.main?.focus();
	}

	#shell() {
		return html`
			<header>
				<a class="skip" href="#main" @click=${this.#skip}>${t('nav.skip')}</a>
				<pt-header
					.navOpen=${this.navOpen}
					@toggle-nav=${() => {
						this.navOpen = !this.navOpen;
					}}
					@change-password=${() => {
						this.changingPassword = true;
					}}
				></pt-header>
			</header>
			<div class="shell">
				<pt-nav ?open=${this.navOpen}></pt-nav>
				<div class="content">
					<pt-notices></pt-notices>
					<main tabindex="-1" id="main">${this.#page(currentRoute())}</main>
				</div>
			</div>
			${
				this.changingPassword
					? html`<pt-change-password @close=${() => {
							this.changingPassword = false;
						}}></pt-change-password>`
					: nothing
			}
			${this.state.sessionState === 'expired' ? html`<pt-sign-in expired></pt-sign-in>` : nothing}`;
	}

	protected override render() {
		const { sessionState, session } = this.state;
		if (sessionState === 'unknown')
			return html`<div class="waiting"><fluent-spinner aria-label=${t('table.loading')}></fluent-spinner></div>`;
		if (sessionState === 'signed-out') return html`<pt-sign-in></pt-sign-in>`;
		if (session?.passwordChangeRequired) return html`<pt-first-password></pt-first-password>`;
		return this.#shell();
	}
}
