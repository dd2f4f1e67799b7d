// SPDX-License-Identifier: Apache-2.0
// Processor and memory in a VM's settings: the fields, what is wrong with them before the server is asked, and the patch.
import { html, nothing, type TemplateResult } from 'lit';
import type { Vm, VmPatch } from '../../api/types.js';
import { checkField, textField } from '../../components/fields.js';
import type { Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { bytesOf, checkMemory, checkProcessors, sizeField, sizeOf, wholeNumber, type Size } from './form.js';

export interface Resources {
	processors: string;
	cpuWeight: string;
	cpuLimit: string;
	cpuReserve: string;
	memory: Size;
	dynamic: boolean;
	minimum: Size;
	maximum: Size;
	buffer: string;
	memoryWeight: string;
}

/* Where the problems that the server finds belong; the longest names first. */
export const resourceServerFields = [
	['processor.weight', 'cpuWeight'],
	['processor.limitPercent', 'cpuLimit'],
	['processor.reservePercent', 'cpuReserve'],
	['processor', 'processors'],
	['memory.minimumBytes', 'minimum'],
	['memory.maximumBytes', 'maximum'],
	['memory.bufferPercent', 'buffer'],
	['memory.weight', 'memoryWeight'],
	['memory', 'memory'],
] as const;

export function resourcesOf(vm: Vm): Resources {
	return {
		processors: String(vm.processor.count),
		cpuWeight: String(vm.processor.weight ?? 100),
		cpuLimit: String(vm.processor.limitPercent ?? 100),
		cpuReserve: String(vm.processor.reservePercent ?? 0),
		memory: sizeOf(vm.memory.startupBytes),
		dynamic: vm.memory.dynamic,
		minimum: sizeOf(vm.memory.minimumBytes),
		maximum: sizeOf(vm.memory.maximumBytes),
		buffer: String(vm.memory.bufferPercent),
		memoryWeight: String(vm.memory.weight),
	};
}

function outside(text: string, least: number, most: number): string | undefined {
	const value = wholeNumber(text);
	return value === undefined || value < least || value > most ? t('form.range', { least, most }) : undefined;
}

export function resourceProblems(draft: Resources): Problems {
	const startup = bytesOf(draft.memory) ?? 0;
	const problems: Problems = {
		processors: checkProcessors(draft.processors),
		cpuWeight: outside(draft.cpuWeight, 1, 10000),
		cpuLimit: outside(draft.cpuLimit, 1, 100),
		cpuReserve: outside(draft.cpuReserve, 0, wholeNumber(draft.cpuLimit) ?? 100),
		memory: checkMemory(draft.memory),
	};
	if (!draft.dynamic) return problems;
	problems.buffer = outside(draft.buffer, 5, 2000);
	problems.memoryWeight = outside(draft.memoryWeight, 1, 10000);
	if ((bytesOf(draft.minimum) ?? Infinity) > startup) problems.minimum = t('resources.minimumTooLarge');
	if ((bytesOf(draft.maximum) ?? 0) < startup) problems.maximum = t('resources.maximumTooSmall');
	return problems;
}

type Changed<T> = { [key in keyof T]?: T[key] };

/* Only what differs from the VM as it was shown. */
function changed<T extends object>(before: T, after: T): Changed<T> | undefined {
	const names = (Object.keys(after) as (keyof T)[]).filter((name) => after[name] !== before[name]);
	return names.length ? (Object.fromEntries(names.map((name) => [name, after[name]])) as Changed<T>) : undefined;
}

function sections(draft: Resources) {
	return {
		processor: {
			count: wholeNumber(draft.processors) ?? 1,
			weight: wholeNumber(draft.cpuWeight) ?? 100,
			limitPercent: wholeNumber(draft.cpuLimit) ?? 100,
			reservePercent: wholeNumber(draft.cpuReserve) ?? 0,
		},
		memory: {
			startupBytes: bytesOf(draft.memory) ?? 0,
			dynamic: draft.dynamic,
			...(draft.dynamic && {
				minimumBytes: bytesOf(draft.minimum) ?? 0,
				maximumBytes: bytesOf(draft.maximum) ?? 0,
				bufferPercent: wholeNumber(draft.buffer) ?? 20,
				weight: wholeNumber(draft.memoryWeight) ?? 5000,
			}),
		},
	};
}

export function resourcePatch(vm: Vm, draft: Resources): Pick<VmPatch, 'processor' | 'memory'> {
	const before = sections({ ...resourcesOf(vm), dynamic: vm.memory.dynamic });
	const after = sections(draft);
	const processor = changed(before.processor, after.processor);
	const memory = changed<typeof after.memory>(before.memory, after.memory);
	return {
		...(processor && { processor: { ...processor, count: after.processor.count } }),
		...(memory && { memory }),
	};
}

export type Change = (patch: Partial<Resources>) => void;

function number(name: keyof Resources, label: string, draft: Resources, problems: Problems, change: Change, hint?: string) {
	return textField({
		name,
		label,
		value: draft[name] as string,
		numeric: true,
		required: true,
		hint,
		problem: problems[name],
		change: (value) => change({ [name]: value }),
	});
}

/* What needs the VM to be off: the number of processors, startup memory, and whether memory is dynamic. */
export function coldFields(draft: Resources, problems: Problems, change: Change, off: boolean): TemplateResult {
	return html`
		${textField({ name: 'processors', label: t('vms.vps'), value: draft.processors, numeric: true, required: true, disabled: !off, problem: problems.processors, change: (processors) => change({ processors }) })}
		${sizeField({ name: 'memory', label: draft.dynamic ? t('resources.startup') : t('vms.memory'), size: draft.memory, problem: problems.memory, change: (memory) => change({ memory }) })}
		${checkField(t('resources.dynamic'), draft.dynamic, (dynamic) => change({ dynamic }))}`;
}

/* What can be changed at any time. */
export function warmFields(draft: Resources, problems: Problems, change: Change): TemplateResult {
	return html`
		${number('cpuWeight', t('resources.cpuWeight'), draft, problems, change, t('resources.cpuWeightHint'))}
		${number('cpuLimit', t('resources.cpuLimit'), draft, problems, change)}
		${number('cpuReserve', t('resources.cpuReserve'), draft, problems, change)}
		${
			draft.dynamic
				? html`
			${sizeField({ name: 'minimum', label: t('resources.minimum'), size: draft.minimum, problem: problems.minimum, change: (minimum) => change({ minimum }) })}
			${sizeField({ name: 'maximum', label: t('resources.maximum'), size: draft.maximum, problem: problems.maximum, change: (maximum) => change({ maximum }) })}
			${number('buffer', t('resources.buffer'), draft, problems, change, t('resources.bufferHint'))}
			${number('memoryWeight', t('resources.memoryWeight'), draft, problems, change, t('resources.memoryWeightHint'))}`
				: nothing
		}`;
}
