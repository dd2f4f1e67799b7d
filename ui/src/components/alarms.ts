// SPDX-License-Identifier: Apache-2.0
// What is wrong now, each in words with its object; nothing when all is well.
import { html, nothing, type TemplateResult } from 'lit';
import type { Alarm } from '../api/types.js';
import { formatTime } from '../i18n/format.js';
import { t } from '../i18n/index.js';
import './icon.js';

function about(alarm: Alarm): TemplateResult | typeof nothing {
	const { type, id, name = '' } = alarm.object;
	return type === 'vm' && id ? html`<a href="#/vms/${id}">${name}</a>` : nothing;
}

export function alarmList(alarms: readonly Alarm[]): TemplateResult | typeof nothing {
	if (alarms.length === 0) return nothing;
	return html`
		<section aria-label=${t('alarms.title')} class="alarms">
			${alarms.map((alarm) => html`
				<fluent-message-bar intent=${alarm.severity} layout="multiline" data-alarm=${alarm.type}>
					<pt-icon slot="icon" name=${alarm.severity}></pt-icon>
					${about(alarm)} ${alarm.message} <span class="subtitle">${t('alarms.since', { time: formatTime(alarm.since) })}</span>
				</fluent-message-bar>`)}
		</section>`;
}
