// SPDX-License-Identifier: Apache-2.0
// Events as a table: when, about what, what happened. Used by the overview, a VM's page and the event log.
import { html, type TemplateResult } from 'lit';
import type { Event } from '../api/types.js';
import { formatTime } from '../i18n/format.js';
import { t } from '../i18n/index.js';
import type { IconName } from './icon.js';
import './table.js';
import type { Column } from './table.js';

interface EventRow extends Event {
	id: string;
}

const icons: Record<Event['severity'], IconName> = { info: 'info', warning: 'warning', error: 'error' };

function objectCell(event: Event): TemplateResult | string {
	const { object } = event;
	const name = object.name ?? '';
	if (object.type === 'vm' && object.id && event.type !== 'vm.deleted')
		return html`<a href="#/vms/${object.id}">${name}</a>`;
	return name;
}

function columns(withObject: boolean): Column<EventRow>[] {
	const object: Column<EventRow> = {
		id: 'object',
		label: t('events.object'),
		cell: objectCell,
		order: (event) => event.object.name ?? '',
	};
	return [
		{
			id: 'time',
			label: t('events.time'),
			cell: (event) => html`<span class="stamp">${formatTime(event.time)}</span>`,
			order: (event) => event.seq,
		},
		{
			id: 'severity',
			label: t('events.severity'),
			secondary: true,
			order: (event) => event.severity,
			cell: (event) =>
				html`<span class="cell ${event.severity}"><pt-icon name=${icons[event.severity]}></pt-icon>${t(`severity.${event.severity}`)}</span>`,
		},
		...(withObject ? [object] : []),
		{ id: 'message', label: t('events.message'), cell: (event) => event.message },
	];
}

export function eventList(events: Event[] | undefined, withObject = true): TemplateResult {
	const rows = events?.map((event) => ({ ...event, id: String(event.seq) }));
	return html`<pt-table .label=${t('nav.events')} .columns=${columns(withObject)} .rows=${rows} .empty=${t('events.empty')}></pt-table>`;
}
