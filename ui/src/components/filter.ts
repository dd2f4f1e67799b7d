// SPDX-License-Identifier: Apache-2.0
// The box that narrows a table to the rows that contain what is typed.
import { css, html, type TemplateResult } from 'lit';
import type { TextInput } from '@fluentui/web-components';
import { t } from '../i18n/index.js';

export const filterStyles = css`
	.filter { width: min(280px, 100%); max-width: none; }
	.tools { display: flex; gap: 8px 16px; align-items: center; justify-content: space-between; flex-wrap: wrap; }
`;

export function filterBox(value: string, change: (value: string) => void): TemplateResult {
	return html`
		<fluent-text-input class="filter" type="text" name="filter" autocomplete="off" placeholder=${t('table.filter')} .value=${value}
			@input=${(event: InputEvent) => change((event.target as TextInput).value)}
			><span class="visually-hidden">${t('table.filter')}</span><pt-icon slot="start" name="search"></pt-icon></fluent-text-input>`;
}

export function matches(filter: string, ...texts: (string | undefined)[]): boolean {
	const wanted = filter.trim().toLocaleLowerCase();
	return texts.some((text) => text?.toLocaleLowerCase().includes(wanted));
}
