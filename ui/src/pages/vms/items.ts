// SPDX-License-Identifier: Apache-2.0
// <pt-guest-items>: the pairs of key and value that the host gives to the guest of a VM. What the guest says of itself is on its card.
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { getGuestItems, updateGuestItems } from '../../api/guests.js';
import type { Vm } from '../../api/types.js';
import '../../components/command-bar.js';
import { confirm } from '../../components/confirm.js';
import { errorBar } from '../../components/fields.js';
import { PolledView } from '../../components/polled.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import '../../components/table.js';
import type { Column } from '../../components/table.js';
import { t } from '../../i18n/index.js';
import { notifyError } from '../../state/notices.js';
import { mayAdminister } from '../../state/vms.js';
import './item-form.js';

const PERIOD_MS = 15000;
const ITEMS_MOST = 64;

interface Item {
	id: string; /* its key */
	value: string;
}

@customElement('pt-guest-items')
export class GuestItemList extends PolledView {
	@property({ attribute: false }) vm!: Vm;
	@state() private items: Item[] | undefined;
	@state() private form: 'none' | 'add' | Item = 'none';

	static override styles = [
		baseStyles,
		pageStyles,
		css`
		:host { display: contents; }
		pt-guest-item-form { position: absolute; }
	`,
	];

	protected periodMs(): number {
		return PERIOD_MS;
	}

	protected async load(): Promise<void> {
		const { items } = await getGuestItems(this.vm.id);
		this.items = Object.entries(items).map(([id, value]) => ({ id, value }));
	}

	async #remove(item: Item): Promise<void> {
		const yes = await confirm({
			title: t('guestItems.removeTitle'),
			text: t('guestItems.removeText'),
			details: [`${item.id}: ${item.value}`],
			action: t('drives.remove'),
		});
		if (!yes) return;
		try {
			await updateGuestItems(this.vm.id, { [item.id]: null });
			this.reload();
		} catch (error) {
			notifyError('guestItems.changeFailed', error, { name: this.vm.name });
		}
	}

	#itemCommands(item: Item) {
		if (!mayAdminister()) return '';
		const button = (label: string, run: () => void) => html`
			<fluent-button size="small" @click=${run} aria-label="${label}: ${item.id}">${label}</fluent-button>`;
		const edit = () => {
			this.form = item;
		};
		return html`<span class="cell">${button(t('guestItems.change'), edit)}${button(t('drives.remove'), () => void this.#remove(item))}</span>`;
	}

	#columns(): Column<Item>[] {
		return [
			{ id: 'key', label: t('guestItems.key'), cell: (item) => item.id, order: (item) => item.id },
			{ id: 'value', label: t('guestItems.value'), cell: (item) => item.value, order: (item) => item.value },
			{ id: 'commands', label: t('table.actions'), cell: (item) => this.#itemCommands(item) },
		];
	}

	#form() {
		if (this.form === 'none') return nothing;
		const close = () => {
			this.form = 'none';
			this.reload();
		};
		const item = this.form === 'add' ? undefined : this.form;
		const keys = (this.items ?? []).map((known) => known.id);
		return html`<pt-guest-item-form .vm=${this.vm} .item=${item} .keys=${keys} @close=${close}></pt-guest-item-form>`;
	}

	protected override render() {
		const off = this.vm.integrationServices.keyValue === false;
		return html`
			<section class="card wide" aria-labelledby="items">
				<div class="heading">
					<h2 id="items">${t('guestItems.title')}</h2>
					<pt-command-bar .label=${t('guestItems.title')} .commands=${[
						{
							id: 'add-item',
							label: t('guestItems.add'),
							icon: 'add' as const,
							disabled: !mayAdminister() || !this.items || this.items.length >= ITEMS_MOST,
							run: () => {
								this.form = 'add';
							},
						},
					]}></pt-command-bar>
				</div>
				<p class="subtitle">${t(off ? 'guestItems.serviceOff' : 'guestItems.text')}</p>
				${this.failure ? errorBar(this.failure) : nothing}
				<pt-table .label=${t('guestItems.title')} .columns=${this.#columns()} .rows=${this.items} .empty=${t('guestItems.none')}></pt-table>
			</section>
			${this.#form()}`;
	}
}
