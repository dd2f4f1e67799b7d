// SPDX-License-Identifier: Apache-2.0
// <pt-attach>: adds a drive to a VM, or, when `drive` is given, puts another ISO into that DVD drive.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { attachDisk } from '../../api/vms.js';
import type { Vm, VmDisk, VmDiskCreate } from '../../api/types.js';
import { radioField, selectField } from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { isOff, vmChanged } from '../../state/vms.js';
import {
	bytesOf,
	freeDiskChoices,
	freeDiskName,
	isoChoices,
	sizeField,
	type Size,
} from './form.js';

type Kind = 'new' | 'existing' | 'dvd';
type Bus = 'scsi' | 'ide';

const places = { scsi: { numbers: 4, locations: 64 }, ide: { numbers: 2, locations: 2 } } as const;

function freePlace(vm: Vm, type: Bus) {
	const taken = new Set(vm.disks.map(({ controller: c }) => `${c.type} ${c.number} ${c.location}`));
	const { numbers, locations } = places[type];
	for (let i = 0; i < numbers * locations; i++) {
		const place = { type, number: Math.floor(i / locations), location: i % locations };
		if (!taken.has(`${type} ${place.number} ${place.location}`)) return place;
	}
	return undefined;
}

const serverFields = [
	['source.newDisk', 'size'],
	['source.diskId', 'diskId'],
	['source', 'isoId'],
] as const;

@customElement('pt-attach')
export class Attach extends FormPanel {
	@property({ attribute: false }) vm!: Vm;
	@property({ attribute: false }) drive: VmDisk | undefined;
	@state() private kind: Kind = 'new';
	@state() private bus: Bus = 'scsi';
	@state() private size: Size = { value: '16', unit: 'GiB' };
	@state() private diskId = '';
	@state() private isoId = '';

	protected readonly serverFields = serverFields;

	override connectedCallback(): void {
		super.connectedCallback();
		if (this.drive) this.kind = 'dvd';
		this.isoId = this.drive?.source?.isoId ?? '';
	}

	/* Without a free place of that kind the service says what is wrong. */
	#place(): Pick<VmDiskCreate, 'controller'> {
		const controller = this.drive?.controller ?? freePlace(this.vm, this.bus);
		return controller ? { controller } : {};
	}

	#body(): VmDiskCreate {
		if (this.kind === 'dvd')
			return {
				medium: 'dvd',
				source: this.isoId ? { isoId: this.isoId } : null,
				...this.#place(),
			};
		if (this.kind === 'existing')
			return {
				medium: 'disk',
				source: { diskId: this.diskId || (freeDiskChoices()[0]?.value ?? '') },
				...this.#place(),
			};
		return {
			medium: 'disk',
			source: {
				newDisk: {
					name: freeDiskName(this.vm.name),
					format: 'vhdx',
					type: 'dynamic',
					sizeBytes: bytesOf(this.size) ?? 0,
				},
			},
			...this.#place(),
		};
	}

	protected check(): Problems {
		return this.kind === 'new' && bytesOf(this.size) === undefined ? { size: t('form.size') } : {};
	}

	protected async save(): Promise<void> {
		vmChanged(await attachDisk(this.vm.id, this.#body()));
	}

	#kindField() {
		const free = freeDiskChoices();
		return radioField({
			name: 'kind',
			label: t('drives.kind'),
			value: this.kind,
			change: (kind) => {
				this.kind = kind as Kind;
			},
			choices: [
				{ value: 'new', label: t('form.newDisk') },
				{
					value: 'existing',
					label: t('form.existingDisk'),
					disabled: free.length === 0,
					note: free.length === 0 ? t('form.noFreeDisk') : '',
				},
				{ value: 'dvd', label: t('medium.dvd') },
			],
		});
	}

	#busField() {
		const ide = this.vm.generation === 1 && isOff(this.vm) && freePlace(this.vm, 'ide') !== undefined;
		return radioField({
			name: 'bus',
			label: t('drives.bus'),
			value: this.bus,
			change: (bus) => {
				this.bus = bus as Bus;
			},
			choices: [
				{ value: 'scsi', label: t('drives.scsi'), note: t('drives.scsiNote') },
				{ value: 'ide', label: t('drives.ide'), note: t('drives.ideNote'), disabled: !ide },
			],
		});
	}

	#mediumField() {
		if (this.kind === 'dvd')
			return selectField({
				name: 'isoId',
				label: t('form.iso'),
				value: this.isoId,
				choices: isoChoices(),
				problem: this.problems.isoId,
				change: (value) => {
					this.isoId = value;
				},
			});
		if (this.kind === 'existing')
			return selectField({
				name: 'diskId',
				label: t('form.existingDisk'),
				value: this.diskId,
				choices: freeDiskChoices(),
				problem: this.problems.diskId,
				change: (value) => {
					this.diskId = value;
				},
			});
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

	protected heading(): string {
		return t(this.drive ? 'drives.insertTitle' : 'drives.add');
	}

	protected button(): string {
		return t(this.drive ? 'drives.insert' : 'drives.add');
	}

	protected fields() {
		return html`${this.drive ? nothing : this.#kindField()}${this.#mediumField()}${this.drive ? nothing : this.#busField()}`;
	}
}
