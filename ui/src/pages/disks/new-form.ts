// SPDX-License-Identifier: Apache-2.0
// <pt-new-disk>: the form that makes a virtual disk.
import { css, html } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { createDisk } from '../../api/disks.js';
import { errorBar, formButtons, radioField, textField } from '../../components/fields.js';
import '../../components/panel.js';
import type { Panel } from '../../components/panel.js';
import { baseStyles, formStyles } from '../../components/styles.js';
import { View } from '../../components/view.js';
import { t } from '../../i18n/index.js';
import { notify } from '../../state/notices.js';
import { refresh } from '../../state/sync.js';
import { bytesOf, hasProblems, problemsFrom, sizeField, type Problems, type Size } from '../vms/form.js';

const serverFields = [
	['name', 'name'],
	['sizeBytes', 'size'],
	['format', 'format'],
] as const;

@customElement('pt-new-disk')
export class NewDisk extends View {
	@query('pt-panel') private panel!: Panel;
	@state() private name = '';
	@state() private size: Size = { value: '16', unit: 'GiB' };
	@state() private format: 'vhd' | 'raw' = 'vhd';
	@state() private problems: Problems = {};
	@state() private busy = false;

	static override styles = [
		baseStyles,
		formStyles,
		css`
		.unit { align-self: start; padding-top: 26px; }
	`,
	];

	async #submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		const sizeBytes = bytesOf(this.size);
		this.problems = {
			name: this.name.trim() ? undefined : t('form.required'),
			size: sizeBytes === undefined ? t('form.size') : undefined,
		};
		if (this.busy || hasProblems(this.problems) || sizeBytes === undefined) return;
		this.busy = true;
		try {
			const disk = await createDisk({
				name: this.name.trim(),
				format: this.format,
				type: 'fixed',
				sizeBytes,
			});
			notify('success', t('disks.created', { name: disk.name }));
			refresh('disks', 'host');
			this.panel.close();
		} catch (error) {
			this.problems = problemsFrom(error, serverFields);
		} finally {
			this.busy = false;
		}
	}

	protected override render() {
		const { problems } = this;
		return html`
			<form novalidate @submit=${this.#submit}>
				<pt-panel .heading=${t('disks.new')}>
					<div class="fields">
						${errorBar(problems.form)}
						${textField({
							name: 'name',
							label: t('disks.name'),
							value: this.name,
							required: true,
							autofocus: true,
							problem: problems.name,
							change: (name) => {
								this.name = name;
							},
						})}
						${sizeField({
							name: 'size',
							label: t('form.diskSize'),
							size: this.size,
							problem: problems.size,
							change: (size) => {
								this.size = size;
							},
						})}
						${radioField({
							name: 'format',
							label: t('disks.format'),
							value: this.format,
							problem: problems.format,
							choices: [
								{ value: 'vhd', label: 'VHD', note: t('disks.vhdNote') },
								{ value: 'raw', label: t('disks.raw'), note: t('disks.rawNote') },
							],
							change: (format) => {
								this.format = format === 'raw' ? 'raw' : 'vhd';
							},
						})}
					</div>
					${formButtons(t('common.create'), this.busy, () => this.panel.close())}
				</pt-panel>
			</form>`;
	}
}
