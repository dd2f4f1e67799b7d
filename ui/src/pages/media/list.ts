// SPDX-License-Identifier: Apache-2.0
// <pt-media>: install media: uploads with their progress, and the ISOs that are here. Files can also be dropped.
import { css, html, nothing } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { deleteIso } from '../../api/isos.js';
import type { Iso } from '../../api/types.js';
import '../../components/command-bar.js';
import type { Command } from '../../components/command-bar.js';
import { confirm } from '../../components/confirm.js';
import { filterBox, filterStyles, matches } from '../../components/filter.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import '../../components/table.js';
import { uploadCard, uploadStyles } from '../../components/uploads.js';
import type { Column } from '../../components/table.js';
import { View } from '../../components/view.js';
import { attachedTo } from '../../components/attached-to.js';
import { formatBytes, formatPercent, formatTime } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { notify, notifyError } from '../../state/notices.js';
import { refresh } from '../../state/sync.js';
import { adoptUpload, cancelUpload, freeFileName, startUpload } from '../../state/uploads.js';
import { mayAdminister } from '../../state/vms.js';

@customElement('pt-media')
export class MediaPage extends View {
	@state() private selected: ReadonlySet<string> = new Set();
	@state() private filter = '';
	@state() private dropping = false;
	@query('input[type=file]') private fileInput!: HTMLInputElement;
	#adopting: Iso | undefined;

	static override styles = [
		baseStyles,
		pageStyles,
		filterStyles,
		uploadStyles,
		css`
		:host([dropping]) { outline: 2px dashed var(--colorCompoundBrandStroke); outline-offset: -8px; }
	`,
	];

	override connectedCallback(): void {
		super.connectedCallback();
		this.addEventListener('dragover', this.#dragOver);
		this.addEventListener('dragleave', this.#dragLeave);
		this.addEventListener('drop', this.#drop);
	}

	readonly #dragOver = (event: DragEvent): void => {
		event.preventDefault();
		this.dropping = mayAdminister();
	};

	readonly #dragLeave = (): void => {
		this.dropping = false;
	};

	readonly #drop = (event: DragEvent): void => {
		event.preventDefault();
		this.dropping = false;
		if (mayAdminister()) this.#take([...(event.dataTransfer?.files ?? [])]);
	};

	protected override updated(): void {
		this.toggleAttribute('dropping', this.dropping);
	}

	#take(files: File[]): void {
		const unfinished = this.#adopting;
		this.#adopting = undefined;
		for (const file of files) {
			if (!unfinished) startUpload(file, { kind: 'iso', name: freeFileName(file.name, this.state.isos ?? []) });
			else if (file.size === unfinished.sizeBytes) void adoptUpload({ kind: 'iso', id: unfinished.id, name: unfinished.name }, file);
			else
				notify(
					'error',
					t('media.otherFile'),
					t('media.otherFileDetail', { name: unfinished.name, size: formatBytes(unfinished.sizeBytes) }),
				);
		}
	}

	#choose(unfinished?: Iso): void {
		this.#adopting = unfinished;
		this.fileInput.value = '';
		this.fileInput.click();
	}

	async #delete(isos: Iso[]): Promise<void> {
		const yes = await confirm({
			title: t('media.deleteTitle'),
			text: t('confirm.forGood'),
			details: isos.map((iso) => iso.name),
			action: t('common.delete'),
		});
		if (!yes) return;
		await Promise.all(
			isos.map((iso) =>
				deleteIso(iso.id).catch((error: unknown) => notifyError('media.deleteFailed', error)),
			),
		);
		refresh('isos', 'host');
	}

	#commands(selected: Iso[]): Command[] {
		const used = selected.some((iso) => iso.attachedTo.length > 0);
		return [
			{
				id: 'upload',
				label: t('media.upload'),
				icon: 'upload',
				disabled: !mayAdminister(),
				run: () => this.#choose(),
			},
			{
				id: 'delete',
				label: t('common.delete'),
				icon: 'remove',
				group: true,
				disabled: !mayAdminister() || selected.length === 0 || used,
				title: used ? t('media.deleteUsed') : '',
				run: () => void this.#delete(selected),
			},
		];
	}

	#stateCell(iso: Iso) {
		if (iso.state === 'ready') return t('isoState.ready');
		return html`
			${t('isoState.uploading', { percent: formatPercent(iso.receivedBytes, iso.sizeBytes) })}
			${
				mayAdminister()
					? html`<fluent-button size="small" @click=${() => this.#choose(iso)}>${t('media.resume')}</fluent-button>
					<fluent-button size="small" @click=${() => void cancelUpload({ kind: 'iso', id: iso.id })}>${t('media.discard')}</fluent-button>`
					: nothing
			}`;
	}

	#columns(): Column<Iso>[] {
		return [
			{
				id: 'name',
				label: t('media.name'),
				cell: (iso) => html`<span class="cell"><pt-icon name="album"></pt-icon>${iso.name}</span>`,
				order: (iso) => iso.name,
			},
			{
				id: 'size',
				label: t('media.size'),
				numeric: true,
				cell: (iso) => formatBytes(iso.sizeBytes),
				order: (iso) => iso.sizeBytes,
			},
			{
				id: 'state',
				label: t('media.state'),
				cell: (iso) => this.#stateCell(iso),
				order: (iso) => iso.state,
			},
			{ id: 'used', label: t('media.usedBy'), cell: (iso) => attachedTo(iso.attachedTo) },
			{
				id: 'created',
				label: t('media.created'),
				secondary: true,
				cell: (iso) => html`<span class="stamp">${formatTime(iso.createdAt)}</span>`,
				order: (iso) => iso.createdAt,
			},
		];
	}

	protected override render() {
		const mine = new Set(this.state.uploads.map((upload) => upload.id));
		const rows = this.state.isos?.filter((iso) => !mine.has(iso.id) && matches(this.filter, iso.name));
		const selected = (rows ?? []).filter((iso) => this.selected.has(iso.id));
		return html`
			<div class="heading"><h1>${t('nav.media')}</h1></div>
			<p class="subtitle">${t('media.text')}</p>
			<pt-command-bar .label=${t('nav.media')} .commands=${this.#commands(selected)}></pt-command-bar>
			<input type="file" accept=".iso,application/x-iso9660-image" multiple hidden aria-label=${t('media.upload')}
				@change=${() => this.#take([...(this.fileInput.files ?? [])])} />
			${uploadCard('iso')}
			<div class="tools">${filterBox(this.filter, (value) => {
				this.filter = value;
			})}</div>
			<div class="card">
				<pt-table selectable .label=${t('nav.media')} .columns=${this.#columns()} .rows=${rows} .rowName=${(iso: Iso) => iso.name}
					.selected=${this.selected} .empty=${this.filter ? t('table.noMatch') : t('media.empty')}
					@select=${(event: CustomEvent<Set<string>>) => {
						this.selected = event.detail;
					}}></pt-table>
			</div>`;
	}
}
