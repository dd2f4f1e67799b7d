// SPDX-License-Identifier: Apache-2.0
// <pt-new-vm>: the form that makes a virtual machine. Mistakes are shown at their fields, those the server finds too,
// and nothing typed is lost by them.
import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { createVm } from '../../api/vms.js';
import type { Vm, VmCreate, VmDiskCreate } from '../../api/types.js';
import {
	checkField,
	radioField,
	selectField,
	textField,
} from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { formatBytes } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { notify } from '../../state/notices.js';
import { runAction, vmChanged } from '../../state/vms.js';
import {
	bytesOf,
	checkMemory,
	checkProcessors,
	freeDiskChoices,
	freeDiskName,
	isoChoices,
	sizeField,
	switchChoices,
	wholeNumber,
	type Size,
} from './form.js';

interface Draft {
	name: string;
	generation: string;
	processors: string;
	memory: Size;
	disk: 'new' | 'existing' | 'none';
	diskSize: Size;
	diskId: string;
	isoId: string;
	switchId: string | undefined; /* undefined: not chosen, the Default Switch */
	start: boolean;
}

/* Where the server's field names are in this form; the disk comes first in `disks` when there is one. */
const serverFields = [
	['name', 'name'],
	['generation', 'generation'],
	['processor', 'processors'],
	['memory', 'memory'],
	['disks[0].source.newDisk', 'diskSize'],
	['disks[0].source.diskId', 'diskId'],
	['disks', 'isoId'],
	['networkAdapters', 'switchId'],
] as const;

@customElement('pt-new-vm')
export class NewVm extends FormPanel {
	@state() private draft: Draft = {
		name: '',
		generation: '1',
		processors: '1',
		memory: { value: '1', unit: 'GiB' },
		disk: 'new',
		diskSize: { value: '16', unit: 'GiB' },
		diskId: '',
		isoId: '',
		switchId: undefined,
		start: true,
	};

	protected readonly serverFields = serverFields;

	#change(patch: Partial<Draft>): void {
		this.draft = { ...this.draft, ...patch };
		const kept = { ...this.problems };
		for (const field of Object.keys(patch)) delete kept[field];
		this.problems = kept;
	}

	protected check(): Problems {
		const { draft } = this;
		return {
			name: draft.name.trim() ? undefined : t('form.required'),
			processors: checkProcessors(draft.processors),
			memory: checkMemory(draft.memory),
			diskSize: draft.disk === 'new' && bytesOf(draft.diskSize) === undefined ? t('form.size') : undefined,
			diskId: draft.disk === 'existing' && !this.#diskId() ? t('form.noFreeDisk') : undefined,
		};
	}

	#diskId(): string {
		return this.draft.diskId || (freeDiskChoices()[0]?.value ?? '');
	}

	#switchId(): string {
		return this.draft.switchId ?? this.state.switches?.find((item) => item.nat)?.id ?? '';
	}

	#drives(): VmDiskCreate[] {
		const { draft } = this;
		const drives: VmDiskCreate[] = [];
		if (draft.disk === 'new')
			drives.push({
				medium: 'disk',
				source: {
					newDisk: {
						name: freeDiskName(draft.name.trim()),
						format: 'vhdx',
						type: 'dynamic',
						sizeBytes: bytesOf(draft.diskSize) ?? 0,
					},
				},
			});
		if (draft.disk === 'existing') drives.push({ medium: 'disk', source: { diskId: this.#diskId() } });
		drives.push({ medium: 'dvd', source: draft.isoId ? { isoId: draft.isoId } : null });
		return drives;
	}

	#body(): VmCreate {
		const { draft } = this;
		return {
			name: draft.name.trim(),
			generation: draft.generation === '2' ? 2 : 1,
			processor: { count: wholeNumber(draft.processors) ?? 1 },
			memory: { startupBytes: bytesOf(draft.memory) ?? 0, dynamic: false },
			disks: this.#drives(),
			networkAdapters: [{ switchId: this.#switchId() || null }],
		};
	}

	protected async save(): Promise<void> {
		this.#created(await createVm(this.#body()));
	}

	#created(vm: Vm): void {
		vmChanged(vm);
		notify('success', t('vm.created', { name: vm.name }));
		if (this.draft.start) void runAction('start', [vm]);
		this.dispatchEvent(new CustomEvent('created', { detail: vm }));
	}

	#machineFields() {
		const { draft, problems } = this;
		const limits = this.state.host?.limits;
		return html`
			${textField({
				name: 'name',
				label: t('vms.name'),
				value: draft.name,
				required: true,
				autofocus: true,
				problem: problems.name,
				change: (name) => this.#change({ name }),
			})}
			${radioField({
				name: 'generation',
				label: t('vms.generation'),
				value: draft.generation,
				problem: problems.generation,
				change: (generation) => this.#change({ generation }),
				choices: [
					{ value: '1', label: t('form.generation1'), note: t('form.generation1Note') },
					{ value: '2', label: t('form.generation2'), note: t('form.generation2Note') },
				],
			})}
			${textField({
				name: 'processors',
				label: t('vms.vps'),
				value: draft.processors,
				numeric: true,
				required: true,
				problem: problems.processors,
				hint: limits ? t('form.upTo', { most: limits.maximumProcessors }) : undefined,
				change: (processors) => this.#change({ processors }),
			})}
			${sizeField({
				name: 'memory',
				label: t('vms.memory'),
				size: draft.memory,
				problem: problems.memory,
				hint: limits ? t('form.upTo', { most: formatBytes(limits.maximumMemoryBytes) }) : undefined,
				change: (memory) => this.#change({ memory }),
			})}`;
	}

	#diskFields() {
		const { draft, problems } = this;
		const free = freeDiskChoices();
		const diskChoices = [
			{ value: 'new', label: t('form.newDisk') },
			{
				value: 'existing',
				label: t('form.existingDisk'),
				disabled: free.length === 0,
				note: free.length === 0 ? t('form.noFreeDisk') : '',
			},
			{ value: 'none', label: t('form.noDisk') },
		];
		return html`
			${radioField({
				name: 'disk',
				label: t('form.disk'),
				value: draft.disk,
				choices: diskChoices,
				change: (disk) => this.#change({ disk: disk as Draft['disk'] }),
			})}
			${
				draft.disk === 'new'
					? sizeField({
							name: 'diskSize',
							label: t('form.diskSize'),
							size: draft.diskSize,
							problem: problems.diskSize,
							change: (diskSize) => this.#change({ diskSize }),
						})
					: nothing
			}
			${
				draft.disk === 'existing'
					? selectField({
							name: 'diskId',
							label: t('form.existingDisk'),
							value: this.#diskId(),
							choices: free,
							problem: problems.diskId,
							change: (diskId) => this.#change({ diskId }),
						})
					: nothing
			}
			${selectField({
				name: 'isoId',
				label: t('form.iso'),
				value: draft.isoId,
				choices: isoChoices(),
				problem: problems.isoId,
				hint: t('form.isoHint'),
				change: (isoId) => this.#change({ isoId }),
			})}
			${selectField({
				name: 'switchId',
				label: t('adapters.switch'),
				value: this.#switchId(),
				choices: switchChoices(),
				problem: problems.switchId,
				change: (switchId) => this.#change({ switchId }),
			})}
			${checkField(t('form.start'), draft.start, (start) => this.#change({ start }))}`;
	}

	protected heading(): string {
		return t('form.newVm');
	}

	protected button(): string {
		return t('common.create');
	}

	protected fields() {
		return html`${this.#machineFields()}${this.#diskFields()}`;
	}
}
