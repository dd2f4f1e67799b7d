// SPDX-License-Identifier: Apache-2.0
// <pt-notices>: the message bars above the page, and whether the appliance can be reached at all.
import { css, html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { t } from '../i18n/index.js';
import { dismissNotice } from '../state/notices.js';
import type { Intent, Notice } from '../state/store.js';
import type { IconName } from './icon.js';
import { baseStyles } from './styles.js';
import { View } from './view.js';

const icons: Record<Intent, IconName> = { info: 'info', success: 'ok', warning: 'warning', error: 'error' };

@customElement('pt-notices')
export class Notices extends View {
	static override styles = [
		baseStyles,
		css`
		:host { display: flex; flex-direction: column; gap: 4px; }
		fluent-message-bar { overflow-wrap: anywhere; }
		strong { font-weight: var(--fontWeightSemibold); }
		.error { color: var(--colorPaletteRedForeground1); }
		.warning { color: var(--colorPaletteDarkOrangeForeground1); }
		.success { color: var(--colorPaletteGreenForeground1); }
		.info { color: var(--colorNeutralForeground3); }
	`,
	];

	#bar(notice: Notice) {
		return html`
			<fluent-message-bar intent=${notice.intent} shape="square" layout="singleline" data-notice=${notice.intent}>
				<pt-icon slot="icon" class=${notice.intent} name=${icons[notice.intent]}></pt-icon>
				<span><strong>${notice.title}</strong> ${notice.detail}</span>
				<fluent-button slot="dismiss" size="small" appearance="transparent" icon-only aria-label=${t('common.dismiss')}
					@click=${() => dismissNotice(notice.id)}><pt-icon name="dismiss"></pt-icon></fluent-button>
			</fluent-message-bar>`;
	}

	#unreachable() {
		return html`
			<fluent-message-bar intent="warning" shape="square" layout="singleline">
				<pt-icon slot="icon" class="warning" name="warning"></pt-icon>
				<span><strong>${t('notice.unreachable')}</strong> ${t('notice.unreachableDetail')}</span>
			</fluent-message-bar>`;
	}

	protected override render() {
		const { notices, reachable, sessionState } = this.state;
		return html`
			<div role="status">${reachable || sessionState !== 'signed-in' ? nothing : this.#unreachable()}</div>
			<div role="alert">${notices.filter((notice) => notice.intent === 'error').map((notice) => this.#bar(notice))}</div>
			<div role="status">${notices.filter((notice) => notice.intent !== 'error').map((notice) => this.#bar(notice))}</div>`;
	}
}
