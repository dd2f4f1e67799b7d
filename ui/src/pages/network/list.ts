// SPDX-License-Identifier: Apache-2.0
// <pt-switches>: the virtual switches: what they connect, who is connected; new, change and delete.
import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { deleteSwitch } from '../../api/switches.js';
import type { Switch } from '../../api/types.js';
import { attachedTo } from '../../components/attached-to.js';
import '../../components/command-bar.js';
import type { Command } from '../../components/command-bar.js';
import { confirm } from '../../components/confirm.js';
import { filterBox, filterStyles, matches } from '../../components/filter.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import '../../components/table.js';
import type { Column } from '../../components/table.js';
import { View } from '../../components/view.js';
import { t } from '../../i18n/index.js';
import { notifyError } from '../../state/notices.js';
import { refresh } from '../../state/sync.js';
import { mayAdminister } from '../../state/vms.js';
import './switch-form.js';

function typeText(item: Switch): string {
	if (item.type === 'external') return t('switches.externalOn', { uplink: item.uplink ?? '' });
	return t(item.nat ? 'switches.nat' : `switchType.${item.type}`);
}

@customElement('pt-switches')
export class SwitchesPage extends View {
	@state() private selected: ReadonlySet<string> = new Set();
	@state() private filter = '';
	@state() private form: 'none' | 'new' | 'change' = 'none';

	static override styles = [baseStyles, pageStyles, filterStyles];

	async #delete(items: Switch[]): Promise<void> {
		const yes = await confirm({
			title: t('switches.deleteTitle'),
			text: t('confirm.forGood'),
			details: items.map((item) => item.name),
			action: t('common.delete'),
		});
		if (!yes) return;
		await Promise.all(
			items.map((item) =>
				deleteSwitch(item.id).catch((error: unknown) =>
					notifyError('switches.deleteFailed', error, { name: item.name }),
				),
			),
		);
		refresh('switches');
	}

	#commands(selected: Switch[]): Command[] {
		const used = selected.some((item) => item.attachedTo.length > 0);
		return [
			{
				id: 'new',
				label: t('action.new'),
				icon: 'add',
				disabled: !mayAdminister(),
				run: () => {
					this.form = 'new';
				},
			},
			{
				id: 'change',
				label: t('action.settings'),
				icon: 'settings',
				disabled: !mayAdminister() || selected.length !== 1,
				run: () => {
					this.form = 'change';
				},
			},
			{
				id: 'delete',
				label: t('common.delete'),
				icon: 'remove',
				group: true,
				disabled: !mayAdminister() || selected.length === 0 || used,
				title: used ? t('switches.deleteUsed') : '',
				run: () => void this.#delete(selected),
			},
		];
	}

	#columns(): Column<Switch>[] {
		return [
			{
				id: 'name',
				label: t('switches.name'),
				cell: (item) => html`<span class="cell"><pt-icon name="network"></pt-icon>${item.name}</span>`,
				order: (item) => item.name,
			},
			{ id: 'type', label: t('switches.type'), cell: typeText, order: typeText },
			{
				id: 'state',
				label: t('switches.state'),
				secondary: true,
				cell: (item) =>
					item.state === 'ready'
						? t('switches.ready')
						: html`<span class="cell"><pt-icon name="warning"></pt-icon>${t('switches.unavailable', { reason: item.stateReason })}</span>`,
				order: (item) => item.state,
			},
			{ id: 'used', label: t('switches.connected'), cell: (item) => attachedTo(item.attachedTo) },
		];
	}

	protected override render() {
		const rows = this.state.switches?.filter((item) => matches(this.filter, item.name));
		const selected = (rows ?? []).filter((item) => this.selected.has(item.id));
		return html`
			<div class="heading"><h1>${t('nav.switches')}</h1></div>
			<pt-command-bar .label=${t('nav.switches')} .commands=${this.#commands(selected)}></pt-command-bar>
			<div class="tools">${filterBox(this.filter, (value) => {
				this.filter = value;
			})}</div>
			<div class="card">
				<pt-table selectable .label=${t('nav.switches')} .columns=${this.#columns()} .rows=${rows} .rowName=${(item: Switch) => item.name}
					.selected=${this.selected} .empty=${this.filter ? t('table.noMatch') : t('switches.empty')}
					@select=${(event: CustomEvent<Set<string>>) => {
						this.selected = event.detail;
					}}></pt-table>
			</div>
			${
				this.form === 'none'
					? nothing
					: html`<pt-switch-form .item=${this.form === 'change' ? selected[0] : undefined} @close=${() => {
							this.form = 'none';
						}}></pt-switch-form>`
			}`;
	}
}
