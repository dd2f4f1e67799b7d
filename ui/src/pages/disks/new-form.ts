// SPDX-License-Identifier: Apache-2.0
// <pt-new-disk>: the form that makes a virtual disk.
import { css, html, nothing } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { createDisk } from '../../api/disks.js';
import { errorBar, formButtons, radioField, selectField, textField } from '../../components/fields.js';
import '../../components/panel.js';
import type { Panel } from '../../components/panel.js';
import { baseStyles, formStyles } from '../../components/styles.js';
import { View } from '../../components/view.js';
import { t } from '../../i18n/index.js';
import { notify } from '../../state/notices.js';
import { refresh } from '../../state/sync.js';
import { bytesOf, hasProblems, problemsFrom, sizeField, type Problems, type Size } from '../vms/form.js';

type Format = 'vhdx' | 'vhd' | 'raw';

const serverFields = [
	['name', 'name'],
	['sizeBytes', 'size'],
	['parentId', 'parent'],
	['format', 'format'],
] as const;

@customElement('pt-new-disk')
export class NewDisk extends View {
	@query('pt-panel') private panel!: Panel;
	@state() private name = '';
	@state() private size: Size = { value: '16', unit: 'GiB' };
	@state() private format: Format = 'vhdx';
	@state() private type: 'dynamic' | 'fixed' | 'differencing' = 'dynamic';
	@state() private parent = '';
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
			parent: this.#isDifferencing() && !this.parent ? t('form.required') : undefined,
		};
		if (this.busy || hasProblems(this.problems) || sizeBytes === undefined) return;
		this.busy = true;
		try {
			const disk = await createDisk({
				name: this.name.trim(),
				format: this.format,
				...(this.format === 'raw' ? {} : { type: this.type }),
				...(this.#isDifferencing() ? { parentId: this.parent } : { sizeBytes }),
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

	#isDifferencing(): boolean {
		return this.format !== 'raw' && this.type === 'differencing';
	}

	#sizeField() {
		return sizeField({
			name: 'size',
			label: t('form.diskSize'),
			size: this.size,
			problem: this.problems.size,
			change: (size) => {
				this.size = size;
			},
		});
	}

	#typeFields() {
		const parents = (this.state.disks ?? []).filter((disk) => disk.format === this.format && disk.attachedTo.length === 0);
		return html`
			${selectField({
				name: 'type',
				label: t('disks.type'),
				value: this.type,
				choices: (['dynamic', 'fixed', 'differencing'] as const).map((value) => ({ value, label: t(`diskType.${value}`) })),
				change: (value) => {
					this.type = value as typeof this.type;
				},
			})}
			${
				this.#isDifferencing()
					? selectField({
							name: 'parent',
							label: t('disks.parent'),
							value: this.parent,
							problem: this.problems.parent,
							hint: t('disks.parentHint'),
							choices: [{ value: '', label: '–' }, ...parents.map((disk) => ({ value: disk.id, label: disk.name }))],
							change: (value) => {
								this.parent = value;
							},
						})
					: nothing
			}`;
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
						${this.#isDifferencing() ? nothing : this.#sizeField()}
						${radioField({
							name: 'format',
							label: t('disks.format'),
							value: this.format,
							problem: problems.format,
							choices: [
								{ value: 'vhdx', label: 'VHDX', note: t('disks.vhdxNote') },
								{ value: 'vhd', label: 'VHD', note: t('disks.vhdNote') },
								{ value: 'raw', label: t('disks.raw'), note: t('disks.rawNote') },
							],
							change: (format) => {
								this.format = format as Format;
								this.parent = '';
							},
						})}
						${this.format === 'raw' ? nothing : this.#typeFields()}
					</div>
					${formButtons(t('common.create'), this.busy, () => this.panel.close())}
				</pt-panel>
			</form>`;
	}
}
