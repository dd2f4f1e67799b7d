// SPDX-License-Identifier: Apache-2.0
// <pt-disk-action>: what a job on a disk must be told first: the new size, or the name and format of the copy.
import { html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { runDiskAction } from '../../api/disks.js';
import type { Disk, DiskActionOptions } from '../../api/types.js';
import { selectField, textField } from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { jobStarted } from '../../state/jobs.js';
import { bytesOf, freeDiskName, sizeField, sizeOf, type Size } from '../vms/form.js';

const serverFields = [
	['name', 'name'],
	['sizeBytes', 'size'],
	['format', 'kind'],
	['type', 'kind'],
] as const;

const kinds = { 'vhdx-dynamic': ['vhdx', 'dynamic'], 'vhdx-fixed': ['vhdx', 'fixed'], 'vhd-dynamic': ['vhd', 'dynamic'], 'raw-fixed': ['raw', 'fixed'] } as const;
type Kind = keyof typeof kinds;

@customElement('pt-disk-action')
export class DiskAction extends FormPanel {
	@property({ attribute: false }) disk!: Disk;
	@property() action: 'resize' | 'convert' = 'resize';
	@state() private size: Size | undefined;
	@state() private name = '';
	@state() private kind: Kind = 'vhdx-dynamic';

	override willUpdate(): void {
		if (this.size) return;
		this.size = sizeOf(this.disk.sizeBytes);
		this.name = freeDiskName(this.disk.name);
	}

	protected readonly serverFields = serverFields;

	#options(): DiskActionOptions {
		if (this.action === 'resize') return { sizeBytes: (this.size && bytesOf(this.size)) ?? 0 };
		const [format, type] = kinds[this.kind];
		return { name: this.name.trim(), format, type };
	}

	protected check(): Problems {
		if (this.action === 'resize') return { size: this.size && bytesOf(this.size) ? undefined : t('form.size') };
		return { name: this.name.trim() ? undefined : t('form.required') };
	}

	protected async save(): Promise<void> {
		jobStarted(await runDiskAction(this.disk.id, this.action, this.#options()));
	}

	protected heading(): string {
		return t(this.action === 'resize' ? 'disks.resizeTitle' : 'disks.copyTitle', { name: this.disk.name });
	}

	protected button(): string {
		return t(this.action === 'resize' ? 'disks.resize' : 'disks.copy');
	}

	protected fields() {
		const { problems } = this;
		if (this.action === 'resize')
			return sizeField({ name: 'size', label: t('form.diskSize'), size: this.size ?? sizeOf(0), problem: problems.size, hint: t('disks.resizeHint'), change: (size) => { this.size = size; } });
		return html`
			${textField({ name: 'name', label: t('disks.name'), value: this.name, required: true, autofocus: true, problem: problems.name, change: (name) => { this.name = name; } })}
			${selectField({
				name: 'kind',
				label: t('disks.format'),
				value: this.kind,
				problem: problems.kind,
				choices: (Object.keys(kinds) as Kind[]).map((value) => ({ value, label: `${kinds[value][0].toUpperCase()}, ${t(`diskType.${kinds[value][1]}`)}` })),
				change: (value) => { this.kind = value as Kind; },
			})}`;
	}
}
