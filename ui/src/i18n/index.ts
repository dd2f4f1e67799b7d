// SPDX-License-Identifier: Apache-2.0
// t('key', {name}) gives the text in the language chosen now. Every text of the ui is in strings.ts.
import { store, type Language } from '../state/store.js';
import { strings } from './strings.js';

export type Key = keyof typeof strings;

const column: Record<Language, 0 | 1> = { en: 0, ja: 1 };

/* Keys made from a server's word (a job's or event's type) may be unknown to this version: then the word is shown. */
export function t(key: Key, params: Record<string, string | number> = {}): string {
	const text: string = strings[key]?.[column[store.state.language]] ?? key.replace(/^\w+\./, '');
	return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}
