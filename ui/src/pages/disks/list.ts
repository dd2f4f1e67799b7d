// SPDX-License-Identifier: Apache-2.0
// <pt-disks>: the virtual disks: what they are, what they take, who uses them; new and delete.
import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { deleteDisk, runDiskAction } from '../../api/disks.js';
import type { Disk } from '../../api/types.js';
import { attachedTo } from '../../components/attached-to.js';
import '../../components/command-bar.js';
import type { Command } from '../../components/command-bar.js';
import { confirm } from '../../components/confirm.js';
import { filterBox, filterStyles, matches } from '../../components/filter.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import '../../components/table.js';
import type { Column } from '../../components/table.js';
import { View } from '../../components/view.js';
import { formatBytes, formatTime } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { notifyError } from '../../state/notices.js';
import { refresh } from '../../state/sync.js';
import { mayAdminister } from '../../state/vms.js';
import { jobStarted } from '../../state/jobs.js';
import './action-form.js';
import './new-form.js';

@customElement('pt-disks')
export class DisksPage extends View {
	@state() private selected: ReadonlySet<string> = new Set();
	@state() private filter = '';
	@state() private creating = false;
	@state() private asking: { disk: Disk; action: 'resize' | 'convert' } | undefined;

	static override styles = [baseStyles, pageStyles, filterStyles];

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

	/* Commands on one disk that nobody uses. */
	#work(selected: Disk[], used: boolean): Command[] {
		const [disk] = selected;
		const free = mayAdminister() && selected.length === 1 && !used && disk !== undefined && !disk.busy;
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
			command('merge', t('disks.merge'), !unchangeable && disk?.parent != null, (one) => void this.#run(one, 'merge')),
			command('check', t('disks.check'), true, (one) => void this.#run(one, 'check')),
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

	#columns(): Column<Disk>[] {
		return [
			{
				id: 'name',
				label: t('disks.name'),
				cell: (disk) => html`<span class="cell"><pt-icon name="disk"></pt-icon>${disk.name}</span>`,
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
		const rows = this.state.disks?.filter((disk) => matches(this.filter, disk.name));
		const selected = (rows ?? []).filter((disk) => this.selected.has(disk.id));
		return html`
			<div class="heading"><h1>${t('nav.disks')}</h1></div>
			<pt-command-bar .label=${t('nav.disks')} .commands=${this.#commands(selected)}></pt-command-bar>
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
