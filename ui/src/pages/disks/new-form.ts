// SPDX-License-Identifier: Apache-2.0
// <pt-new-disk>: the form that makes a virtual disk.
import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { createDisk } from '../../api/disks.js';
import { radioField, selectField, textField } from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { notify } from '../../state/notices.js';
import { refresh } from '../../state/sync.js';
import { bytesOf, sizeField, type Size } from '../vms/form.js';

type Format = 'vhdx' | 'vhd' | 'raw';

const serverFields = [
	['name', 'name'],
	['sizeBytes', 'size'],
	['parentId', 'parent'],
	['format', 'format'],
] as const;

@customElement('pt-new-disk')
export class NewDisk extends FormPanel {
	@state() private name = '';
	@state() private size: Size = { value: '16', unit: 'GiB' };
	@state() private format: Format = 'vhdx';
	@state() private type: 'dynamic' | 'fixed' | 'differencing' = 'dynamic';
	@state() private parent = '';

	protected readonly serverFields = serverFields;

	protected check(): Problems {
		return {
			name: this.name.trim() ? undefined : t('form.required'),
			size: bytesOf(this.size) === undefined ? t('form.size') : undefined,
			parent: this.#isDifferencing() && !this.parent ? t('form.required') : undefined,
		};
	}

	protected async save(): Promise<void> {
		const disk = await createDisk({
			name: this.name.trim(),
			format: this.format,
			...(this.format === 'raw' ? {} : { type: this.type }),
			...(this.#isDifferencing() ? { parentId: this.parent } : { sizeBytes: bytesOf(this.size) ?? 0 }),
		});
		notify('success', t('disks.created', { name: disk.name }));
		refresh('disks', 'host');
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

	protected heading(): string {
		return t('disks.new');
	}

	protected button(): string {
		return t('common.create');
	}

	protected fields() {
		const { problems } = this;
		return html`
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
			${this.format === 'raw' ? nothing : this.#typeFields()}`;
	}
}
