// SPDX-License-Identifier: Apache-2.0
// <pt-table>: rows that can be sorted and, if wanted, selected: by checkbox, by a click on the row (Ctrl adds), or all.
// Selection is by row id and survives new rows of the same id. Sends `select` with the selected ids.
import { LitElement, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { t } from '../i18n/index.js';
import './icon.js';
import { baseStyles } from './styles.js';
import { tableStyles } from './table-styles.js';

export interface Row {
	id: string;
}

export interface Column<R extends Row> {
	id: string;
	label: string;
	cell(row: R): TemplateResult | string;
	order?(row: R): string | number; /* sortable by it */
	numeric?: boolean;
	secondary?: boolean; /* left out on narrow screens */
}

@customElement('pt-table')
export class Table<R extends Row> extends LitElement {
	@property({ attribute: false }) columns: Column<R>[] = [];
	@property({ attribute: false }) rows: R[] | undefined;
	@property({ attribute: false }) rowName: (row: R) => string = (row) => row.id;
	@property({ attribute: false }) selected: ReadonlySet<string> = new Set();
	@property({ type: Boolean }) selectable = false;
	@property() label = '';
	@property() empty = '';
	@state() private sortBy = '';
	@state() private descending = false;

	static override styles = [baseStyles, tableStyles];

	/* Rows that went away must not stay selected and be acted on. */
	protected override updated(changed: PropertyValues<this>): void {
		if (!changed.has('rows') || !this.rows) return;
		const here = new Set(this.rows.map((row) => row.id));
		const kept = [...this.selected].filter((id) => here.has(id));
		if (kept.length !== this.selected.size) this.#select(kept);
	}

	#select(ids: Iterable<string>): void {
		this.dispatchEvent(new CustomEvent('select', { detail: new Set(ids) }));
	}

	#toggle(id: string): void {
		const next = new Set(this.selected);
		if (!next.delete(id)) next.add(id);
		this.#select(next);
	}

	#clickRow(event: MouseEvent, row: R): void {
		const path = event.composedPath() as Element[];
		if (
			!this.selectable ||
			path.some((element) => element instanceof HTMLElement && element.matches('a, button, label, input'))
		)
			return;
		if (event.ctrlKey || event.metaKey) this.#toggle(row.id);
		else this.#select(this.selected.size === 1 && this.selected.has(row.id) ? [] : [row.id]);
	}

	#sortOn(column: Column<R>): void {
		this.descending = this.sortBy === column.id && !this.descending;
		this.sortBy = column.id;
	}

	#sorted(): R[] {
		const order = this.columns.find((column) => column.id === this.sortBy)?.order;
		if (!order || !this.rows) return this.rows ?? [];
		const sign = this.descending ? -1 : 1;
		return [...this.rows].sort((a, b) => {
			const [x, y] = [order(a), order(b)];
			return (
				sign * (typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y)))
			);
		});
	}

	#headCell(column: Column<R>) {
		const sorted = this.sortBy === column.id;
		const direction = this.descending ? 'descending' : 'ascending';
		return html`
			<th scope="col" class=${this.#cellClass(column)} aria-sort=${column.order ? (sorted ? direction : 'none') : nothing}>
				${
					column.order
						? html`<button type="button" @click=${() => this.#sortOn(column)}>
							${column.label}<span class="arrow" aria-hidden="true">${sorted ? (this.descending ? '↓' : '↑') : ''}</span>
						</button>`
						: column.label
				}
			</th>`;
	}

	#cellClass(column: Column<R>): string {
		return `${column.numeric ? 'numeric' : ''} ${column.secondary ? 'secondary' : ''}`;
	}

	#checkAll() {
		const count = this.rows?.length ?? 0;
		return html`
			<th class="check"><label><input
				type="checkbox"
				aria-label=${t('table.selectAll')}
				.checked=${count > 0 && this.selected.size === count}
				.indeterminate=${this.selected.size > 0 && this.selected.size < count}
				?disabled=${count === 0}
				@change=${() => this.#select(this.selected.size === count ? [] : (this.rows ?? []).map((row) => row.id))}
			/></label></th>`;
	}

	#row(row: R) {
		const selected = this.selected.has(row.id);
		return html`
			<tr class=${selected ? 'selected' : ''} data-id=${row.id} @click=${(event: MouseEvent) => this.#clickRow(event, row)}>
				${
					this.selectable
						? html`<td class="check"><label><input
							type="checkbox"
							aria-label=${t('table.select', { name: this.rowName(row) })}
							.checked=${selected}
							@change=${() => this.#toggle(row.id)}
						/></label></td>`
						: nothing
				}
				${this.columns.map((column) => html`<td class=${this.#cellClass(column)}>${column.cell(row)}</td>`)}
			</tr>`;
	}

	protected override render() {
		if (!this.rows)
			return html`<div class="loading"><fluent-spinner size="small" aria-label=${t('table.loading')}></fluent-spinner></div>`;
		return html`
			<div class="scroll" role="group" aria-label=${this.label} tabindex="0">
				<table>
					<caption class="visually-hidden">${this.label}</caption>
					<thead><tr>${this.selectable ? this.#checkAll() : nothing}${this.columns.map((column) => this.#headCell(column))}</tr></thead>
					<tbody>${repeat(
						this.#sorted(),
						(row) => row.id,
						(row) => this.#row(row),
					)}</tbody>
				</table>
			</div>
			${this.rows.length === 0 ? html`<p class="empty">${this.empty}</p>` : nothing}`;
	}
}
