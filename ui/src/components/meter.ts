// SPDX-License-Identifier: Apache-2.0
// How much of something is used: a bar with the figures in words.
import { html, type TemplateResult } from 'lit';
import { formatBytes, formatPercent } from '../i18n/format.js';
import { t } from '../i18n/index.js';

const NEARLY_FULL = 0.9;

export function meter(label: string, used: number, total: number): TemplateResult {
	const full = total > 0 && used / total > NEARLY_FULL;
	return html`
		<div>
			<div class="number">
				<strong>${label}</strong> ${t('meter.used', {
					used: formatBytes(used),
					total: formatBytes(total),
					percent: formatPercent(used, total),
				})}
			</div>
			<fluent-progress-bar thickness="large" validation-state=${full ? 'error' : 'none'} aria-label=${label}
				min="0" max=${Math.max(1, total)} value=${used}></fluent-progress-bar>
		</div>`;
}
