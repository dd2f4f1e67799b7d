// SPDX-License-Identifier: Apache-2.0
// What the VM forms share: sizes as numbers with a unit, and and what can be chosen from.
import { html, type TemplateResult } from 'lit';
import { textField, type Choice } from '../../components/fields.js';
import { GIB, MIB, formatBytes } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { store } from '../../state/store.js';

export type Unit = 'MiB' | 'GiB';

const unitBytes: Record<Unit, number> = { MiB: MIB, GiB: GIB };

export interface Size {
	value: string;
	unit: Unit;
}

export function sizeOf(bytes: number): Size {
	const unit: Unit = bytes >= GIB && bytes % (GIB / 4) === 0 ? 'GiB' : 'MiB';
	return { value: String(bytes / unitBytes[unit]), unit };
}

/* Whole steps of 2 MiB, the unit of a virtual machine's memory, or undefined when it is no number. */
export function bytesOf(size: Size): number | undefined {
	const value = Number(size.value.trim().replace(',', '.'));
	if (!size.value.trim() || !Number.isFinite(value) || value <= 0) return undefined;
	return Math.max(1, Math.round((value * unitBytes[size.unit]) / (2 * MIB))) * 2 * MIB;
}

export function wholeNumber(text: string): number | undefined {
	return /^\d{1,6}$/.test(text.trim()) ? Number(text) : undefined;
}

interface SizeOptions {
	name: string;
	label: string;
	size: Size;
	problem?: string | undefined;
	hint?: string | undefined;
	change(size: Size): void;
}

export function sizeField(options: SizeOptions): TemplateResult {
	const { size } = options;
	return html`
		<div class="row">
			${textField({
				name: options.name,
				label: options.label,
				value: size.value,
				numeric: true,
				required: true,
				problem: options.problem,
				hint: options.hint,
				change: (value) => options.change({ ...size, value }),
			})}
			<div class="field narrow unit">
				<select aria-label=${t('form.unit', { label: options.label })} name="${options.name}-unit"
					@change=${(event: Event) => options.change({ ...size, unit: (event.target as HTMLSelectElement).value as Unit })}>
					${(['MiB', 'GiB'] as const).map((unit) => html`<option value=${unit} ?selected=${unit === size.unit}>${unit}</option>`)}
				</select>
			</div>
		</div>`;
}

/* Problems known before asking the server: the limits it told us. */
export function checkProcessors(text: string): string | undefined {
	const most = store.state.host?.limits.maximumProcessors ?? 64;
	const count = wholeNumber(text);
	return count === undefined || count < 1 || count > most ? t('form.range', { least: 1, most }) : undefined;
}

export function checkMemory(size: Size): string | undefined {
	const limits = store.state.host?.limits;
	const bytes = bytesOf(size);
	const least = limits?.minimumMemoryBytes ?? 32 * MIB;
	const most = limits?.maximumMemoryBytes ?? Infinity;
	if (bytes === undefined || bytes < least || bytes > most)
		return t('form.range', { least: formatBytes(least), most: formatBytes(most) });
	return undefined;
}

export function isoChoices(): Choice[] {
	const ready = (store.state.isos ?? []).filter((iso) => iso.state === 'ready');
	return [{ value: '', label: t('form.noIso') }, ...ready.map((iso) => ({ value: iso.id, label: iso.name }))];
}

/* The first is no switch at all. */
export function switchChoices(): Choice[] {
	const switches = store.state.switches ?? [];
	return [
		{ value: '', label: t('adapters.notConnected') },
		...switches.map((item) => ({ value: item.id, label: item.name })),
	];
}

/* A disk belongs to one VM at a time. */
export function freeDiskChoices(): Choice[] {
	const free = (store.state.disks ?? []).filter((disk) => disk.attachedTo.length === 0);
	return free.map((disk) => ({ value: disk.id, label: `${disk.name} (${formatBytes(disk.sizeBytes)})` }));
}

/* Disk names are unique; where a VM's name is taken by a disk, the new disk is numbered. */
export function freeDiskName(vmName: string): string {
	const taken = new Set((store.state.disks ?? []).map((disk) => disk.name.toLowerCase()));
	let name = vmName;
	for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${vmName} ${number}`;
	return name;
}
