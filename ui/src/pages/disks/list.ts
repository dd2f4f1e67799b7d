// SPDX-License-Identifier: Apache-2.0
// <pt-disks>: the virtual disks: what they are, what they take, who uses them; new and delete.
import { css, html, nothing, type TemplateResult } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { deleteDisk, diskFileUrl, runDiskAction } from '../../api/disks.js';
import type { Disk, DiskUpload } from '../../api/types.js';
import { attachedTo } from '../../components/attached-to.js';
import '../../components/command-bar.js';
import type { Command } from '../../components/command-bar.js';
import { confirm } from '../../components/confirm.js';
import { filterBox, filterStyles, matches } from '../../components/filter.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import '../../components/table.js';
import type { Column } from '../../components/table.js';
import { uploadCard, uploadStyles } from '../../components/uploads.js';
import { View } from '../../components/view.js';
import { formatBytes, formatPercent, formatTime } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { notify, notifyError } from '../../state/notices.js';
import { refresh } from '../../state/sync.js';
import { jobStarted } from '../../state/jobs.js';
import { adoptUpload, cancelUpload, freeFileName, startUpload } from '../../state/uploads.js';
import { mayAdminister, mayOperate } from '../../state/vms.js';
import './action-form.js';
import './new-form.js';
import { asTree, type TreeRow } from './tree.js';
import { volumesCard } from './volumes.js';

/* Raw images cannot be told by their contents; VHDX and VHD can, whatever they are called. */
const rawFile = /\.(img|raw|bin)$/i;

/* Differencing disks stand below their parents, each step further in. */
function branch(disk: TreeRow): TemplateResult | typeof nothing {
	if (disk.depth === 0) return nothing;
	return html`<span class="branch" aria-label=${t('disks.childOf', { name: disk.parent?.name ?? '' })}>${'\u2003'.repeat(disk.depth - 1)}└ </span>`;
}

@customElement('pt-disks')
export class DisksPage extends View {
	@state() private selected: ReadonlySet<string> = new Set();
	@state() private filter = '';
	@state() private creating = false;
	@state() private asking: { disk: Disk; action: 'resize' | 'convert' } | undefined;

	@query('input[type=file]') private fileInput!: HTMLInputElement;
	#adopting: DiskUpload | undefined;

	static override styles = [
		baseStyles,
		pageStyles,
		filterStyles,
		uploadStyles,
		css`
		.unfinished { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; gap: 8px; }
		.unfinished li { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
	`,
	];

	#choose(unfinished?: DiskUpload): void {
		this.#adopting = unfinished;
		this.fileInput.value = '';
		this.fileInput.click();
	}

	#take(files: File[]): void {
		const unfinished = this.#adopting;
		this.#adopting = undefined;
		for (const file of files) {
			const format = rawFile.test(file.name) ? { format: 'raw' as const } : {};
			const name = freeFileName(file.name.replace(/\.[^.]*$/, ''), this.state.disks ?? []);
			if (!unfinished) startUpload(file, { kind: 'disk', name, ...format });
			else if (file.size === unfinished.sizeBytes)
				void adoptUpload({ kind: 'disk', id: unfinished.id, name: unfinished.name, ...format }, file);
			else
				notify('error', t('media.otherFile'), t('media.otherFileDetail', { name: unfinished.name, size: formatBytes(unfinished.sizeBytes) }));
		}
	}

	#download(disk: Disk): void {
		const link = document.createElement('a');
		link.href = diskFileUrl(disk.id);
		link.download = '';
		link.click();
	}

	/* Uploads that another visit has begun. */
	#unfinished() {
		const mine = new Set(this.state.uploads.map((upload) => upload.id));
		const others = (this.state.diskUploads ?? []).filter((upload) => !mine.has(upload.id));
		if (others.length === 0) return nothing;
		const button = (upload: DiskUpload, label: string, run: () => void) =>
			html`<fluent-button size="small" aria-label="${label}: ${upload.name}" ?disabled=${!mayAdminister()} @click=${run}>${label}</fluent-button>`;
		return html`
			<section class="card" aria-labelledby="unfinished">
				<h2 id="unfinished">${t('disks.unfinished')}</h2>
				<ul class="unfinished">${others.map((upload) => html`
					<li>${upload.name} ${t('isoState.uploading', { percent: formatPercent(upload.receivedBytes, upload.sizeBytes) })}
						${button(upload, t('media.resume'), () => this.#choose(upload))}
						${button(upload, t('media.discard'), () => void cancelUpload({ kind: 'disk', id: upload.id }))}</li>`)}
				</ul>
			</section>`;
	}

	async #delete(disks: Disk[]): Promise<void> {
		const yes = await confirm({
			title: t('disks.deleteTitle'),
			text: t('confirm.forGood'),
			details: disks.map((disk) => disk.name),
			action: t('common.delete'),
		});
		if (!yes) return;
		await Promise.all(
			disks.map((disk) =>
				deleteDisk(disk.id).catch((error: unknown) =>
					notifyError('disks.deleteFailed', error, { name: disk.name }),
				),
			),
		);
		refresh('disks', 'host');
	}

	async #run(disk: Disk, action: 'compact' | 'merge' | 'check'): Promise<void> {
		try {
			jobStarted(await runDiskAction(disk.id, action));
		} catch (error) {
			notifyError('disks.actionFailed', error, { name: disk.name });
		}
		refresh('disks');
	}

	/* Commands on one disk that nobody uses; merging works while its VM runs, too. */
	#work(selected: Disk[], used: boolean): Command[] {
		const [disk] = selected;
		const idle = mayAdminister() && selected.length === 1 && disk !== undefined && !disk.busy;
		const free = idle && !used;
		const unchangeable = (disk?.children.length ?? 0) > 0;
		const command = (id: string, label: string, enabled: boolean, run: (disk: Disk) => void, group = false): Command => ({
			id,
			label,
			icon: 'settings',
			group,
			disabled: !free || !enabled,
			title: used ? t('disks.deleteUsed') : '',
			run: () => disk && run(disk),
		});
		const ask = (action: 'resize' | 'convert') => (one: Disk) => {
			this.asking = { disk: one, action };
		};
		return [
			command('resize', t('disks.resize'), !unchangeable, ask('resize'), true),
			command('copy', t('disks.copy'), true, ask('convert')),
			command('compact', t('disks.compact'), !unchangeable && disk?.type !== 'fixed', (one) => void this.#run(one, 'compact')),
			{ ...command('merge', t('disks.merge'), true, (one) => void this.#run(one, 'merge')), disabled: !idle || unchangeable || disk.parent == null, title: '' },
			command('check', t('disks.check'), true, (one) => void this.#run(one, 'check')),
		];
	}

	#files(selected: Disk[]): Command[] {
		const [disk] = selected;
		return [
			{ id: 'upload', label: t('disks.upload'), icon: 'upload', disabled: !mayAdminister(), run: () => this.#choose() },
			{
				id: 'download',
				label: t('disks.download'),
				icon: 'download',
				disabled: !mayOperate() || selected.length !== 1 || disk?.busy === true,
				run: () => disk && this.#download(disk),
			},
		];
	}

	#commands(selected: Disk[]): Command[] {
		const used = selected.some((disk) => disk.attachedTo.length > 0);
		const parents = selected.some((disk) => disk.children.length > 0);
		return [
			{
				id: 'new',
				label: t('action.new'),
				icon: 'add',
				disabled: !mayAdminister(),
				run: () => {
					this.creating = true;
				},
			},
			...this.#files(selected),
			{
				id: 'delete',
				label: t('common.delete'),
				icon: 'remove',
				group: true,
				disabled: !mayAdminister() || selected.length === 0 || used || parents,
				title: used ? t('disks.deleteUsed') : parents ? t('disks.deleteParent') : '',
				run: () => void this.#delete(selected),
			},
			...this.#work(selected, used),
		];
	}

	#columns(): Column<TreeRow>[] {
		return [
			{
				id: 'name',
				label: t('disks.name'),
				cell: (disk) => html`<span class="cell">${branch(disk)}<pt-icon name="disk"></pt-icon>${disk.name}</span>`,
				order: (disk) => disk.name,
			},
			{
				id: 'format',
				label: t('disks.format'),
				secondary: true,
				cell: (disk) => `${disk.format.toUpperCase()}, ${t(`diskType.${disk.type}`)}`,
				order: (disk) => disk.format,
			},
			{
				id: 'parent',
				label: t('disks.parent'),
				secondary: true,
				cell: (disk) => disk.parent?.name ?? '–',
				order: (disk) => disk.parent?.name ?? '',
			},
			{
				id: 'size',
				label: t('disks.size'),
				numeric: true,
				cell: (disk) => formatBytes(disk.sizeBytes),
				order: (disk) => disk.sizeBytes,
			},
			{
				id: 'allocated',
				label: t('disks.allocated'),
				numeric: true,
				secondary: true,
				cell: (disk) => formatBytes(disk.allocatedBytes),
				order: (disk) => disk.allocatedBytes,
			},
			{ id: 'used', label: t('media.usedBy'), cell: (disk) => attachedTo(disk.attachedTo) },
			{
				id: 'created',
				label: t('media.created'),
				secondary: true,
				cell: (disk) => html`<span class="stamp">${formatTime(disk.createdAt)}</span>`,
				order: (disk) => disk.createdAt,
			},
		];
	}

	protected override render() {
		const rows = this.state.disks && asTree(this.state.disks.filter((disk) => matches(this.filter, disk.name)));
		const selected = (rows ?? []).filter((disk) => this.selected.has(disk.id));
		return html`
			<div class="heading"><h1>${t('nav.disks')}</h1></div>
			<pt-command-bar .label=${t('nav.disks')} .commands=${this.#commands(selected)}></pt-command-bar>
			<input type="file" accept=".vhdx,.avhdx,.vhd,.avhd,.img,.raw,.bin" multiple hidden aria-label=${t('disks.upload')}
				@change=${() => this.#take([...(this.fileInput.files ?? [])])} />
			${uploadCard('disk')}
			${this.#unfinished()}
			<div class="tools">${filterBox(this.filter, (value) => {
				this.filter = value;
			})}</div>
			<div class="card">
				<pt-table selectable .label=${t('nav.disks')} .columns=${this.#columns()} .rows=${rows} .rowName=${(disk: Disk) => disk.name}
					.selected=${this.selected} .empty=${this.filter ? t('table.noMatch') : t('disks.empty')}
					@select=${(event: CustomEvent<Set<string>>) => {
						this.selected = event.detail;
					}}></pt-table>
			</div>
			<div class="cards">${volumesCard(this.state.volumes)}</div>
			${
				this.creating
					? html`<pt-new-disk @close=${() => {
							this.creating = false;
						}}></pt-new-disk>`
					: nothing
			}
			${
				this.asking
					? html`<pt-disk-action .disk=${this.asking.disk} .action=${this.asking.action} @close=${() => {
							this.asking = undefined;
						}}></pt-disk-action>`
					: nothing
			}`;
	}
}
