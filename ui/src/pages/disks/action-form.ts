// SPDX-License-Identifier: Apache-2.0
// <pt-disk-action>: what a job on a disk must be told first: the new size, or the name and format of the copy.
import { css, html } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { runDiskAction } from '../../api/disks.js';
import type { Disk, DiskActionOptions } from '../../api/types.js';
import { errorBar, formButtons, selectField, textField } from '../../components/fields.js';
import '../../components/panel.js';
import type { Panel } from '../../components/panel.js';
import { baseStyles, formStyles } from '../../components/styles.js';
import { View } from '../../components/view.js';
import { t } from '../../i18n/index.js';
import { jobStarted } from '../../state/jobs.js';
import { bytesOf, freeDiskName, hasProblems, problemsFrom, sizeField, sizeOf, type Problems, type Size } from '../vms/form.js';

const serverFields = [
	['name', 'name'],
	['sizeBytes', 'size'],
	['format', 'kind'],
	['type', 'kind'],
] as const;

const kinds = { 'vhdx-dynamic': ['vhdx', 'dynamic'], 'vhdx-fixed': ['vhdx', 'fixed'], 'vhd-dynamic': ['vhd', 'dynamic'], 'raw-fixed': ['raw', 'fixed'] } as const;
type Kind = keyof typeof kinds;

@customElement('pt-disk-action')
export class DiskAction extends View {
	@property({ attribute: false }) disk!: Disk;
	@property() action: 'resize' | 'convert' = 'resize';
	@query('pt-panel') private panel!: Panel;
	@state() private size: Size | undefined;
	@state() private name = '';
	@state() private kind: Kind = 'vhdx-dynamic';
	@state() private problems: Problems = {};
	@state() private busy = false;

	static override styles = [baseStyles, formStyles, css`.unit { align-self: start; padding-top: 26px; }`];

	override willUpdate(): void {
		if (this.size) return;
		this.size = sizeOf(this.disk.sizeBytes);
		this.name = freeDiskName(this.disk.name);
	}

	#options(): DiskActionOptions | undefined {
		if (this.action === 'resize') {
			const sizeBytes = this.size && bytesOf(this.size);
			this.problems = { size: sizeBytes === undefined ? t('form.size') : undefined };
			return hasProblems(this.problems) ? undefined : { sizeBytes: sizeBytes ?? 0 };
		}
		const [format, type] = kinds[this.kind];
		this.problems = { name: this.name.trim() ? undefined : t('form.required') };
		return hasProblems(this.problems) ? undefined : { name: this.name.trim(), format, type };
	}

	async #submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		const options = this.#options();
		if (this.busy || !options) return;
		this.busy = true;
		try {
			jobStarted(await runDiskAction(this.disk.id, this.action, options));
			this.panel.close();
		} catch (error) {
			this.problems = problemsFrom(error, serverFields);
		} finally {
			this.busy = false;
		}
	}

	#fields() {
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

	protected override render() {
		return html`
			<form novalidate @submit=${this.#submit}>
				<pt-panel .heading=${t(this.action === 'resize' ? 'disks.resizeTitle' : 'disks.copyTitle', { name: this.disk.name })}>
					<div class="fields">${errorBar(this.problems.form)}${this.#fields()}</div>
					${formButtons(t(this.action === 'resize' ? 'disks.resize' : 'disks.copy'), this.busy, () => this.panel.close())}
				</pt-panel>
			</form>`;
	}
}
