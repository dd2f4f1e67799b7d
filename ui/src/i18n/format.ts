// SPDX-License-Identifier: Apache-2.0
// Sizes, durations and times as people read them, in the language chosen.
import { store } from '../state/store.js';
import { t } from './index.js';

export const KIB = 1024;
export const MIB = KIB * 1024;
export const GIB = MIB * 1024;
const UNITS: readonly (readonly [number, string])[] = [
	[GIB * 1024, 'TiB'],
	[GIB, 'GiB'],
	[MIB, 'MiB'],
	[KIB, 'KiB'],
];

export function formatNumber(value: number, digits = 0): string {
	return new Intl.NumberFormat(store.state.language, { maximumFractionDigits: digits }).format(value);
}

export function formatBytes(bytes: number): string {
	const [size, unit] = UNITS.find(([least]) => bytes >= least) ?? [1, 'B'];
	const value = bytes / size;
	return `${formatNumber(value, value < 10 && size > 1 ? 1 : 0)} ${unit}`;
}

export function formatPercent(part: number, whole: number): string {
	return `${formatNumber(whole > 0 ? (100 * part) / whole : 0)} %`;
}

function twoDigits(value: number): string {
	return String(value).padStart(2, '0');
}

/* 4:03:09, or "2 days 4:03:09" */
export function formatDuration(seconds: number): string {
	const days = Math.floor(seconds / 86400);
	const hours = Math.floor((seconds % 86400) / 3600);
	const clock = `${hours}:${twoDigits(Math.floor((seconds % 3600) / 60))}:${twoDigits(Math.floor(seconds % 60))}`;
	return days > 0 ? t('format.days', { days, clock }) : clock;
}

export function formatTime(time: string): string {
	return new Intl.DateTimeFormat(store.state.language, { dateStyle: 'medium', timeStyle: 'medium' }).format(
		new Date(time),
	);
}

export function formatClock(time: Date): string {
	return new Intl.DateTimeFormat(store.state.language, { timeStyle: 'medium' }).format(time);
}

export function formatRate(bytesPerSecond: number): string {
	return `${formatBytes(bytesPerSecond)}/s`;
}
