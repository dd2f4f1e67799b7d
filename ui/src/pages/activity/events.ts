// SPDX-License-Identifier: Apache-2.0
// <pt-events>: the event log, newest first, with a filter over what is shown.
import { html } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { eventList } from '../../components/event-list.js';
import { filterBox, filterStyles, matches } from '../../components/filter.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import { View } from '../../components/view.js';
import { t } from '../../i18n/index.js';

@customElement('pt-events')
export class EventsPage extends View {
	@state() private filter = '';

	static override styles = [baseStyles, pageStyles, filterStyles];

	protected override render() {
		const events = this.state.events?.filter((event) =>
			matches(this.filter, event.message, event.object.name, event.type),
		);
		return html`
			<div class="heading"><h1>${t('nav.events')}</h1></div>
			<p class="subtitle">${t('events.text')}</p>
			${filterBox(this.filter, (value) => {
				this.filter = value;
			})}
			<div class="card">${eventList(events)}</div>`;
	}
}
