// SPDX-License-Identifier: Apache-2.0
// What the person prefers in this browser: theme and language. Kept in localStorage, applied to the page.
import { setTheme } from '@fluentui/web-components/theme/set-theme.js';
import { webDarkTheme, webLightTheme } from '@fluentui/tokens';
import { store, type Language, type Theme } from './store.js';

const THEME_KEY = 'partita.theme';
const LANGUAGE_KEY = 'partita.language';
const FONTS =
	'"Segoe UI", "Segoe UI Variable", "Yu Gothic UI", Meiryo, "Noto Sans", "Noto Sans CJK JP", system-ui, sans-serif';
const prefersDark = matchMedia('(prefers-color-scheme: dark)');

function isDark(): boolean {
	const { theme } = store.state;
	return theme === 'system' ? prefersDark.matches : theme === 'dark';
}

function applyTheme(): void {
	const dark = isDark();
	const fluent = dark ? webDarkTheme : webLightTheme;
	setTheme({ ...fluent, fontFamilyBase: FONTS });
	document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
}

function remembered<T extends string>(key: string, allowed: readonly T[]): T | undefined {
	const value = localStorage.getItem(key) as T | null;
	return value && allowed.includes(value) ? value : undefined;
}

function browserLanguage(): Language {
	return navigator.language.toLowerCase().startsWith('ja') ? 'ja' : 'en';
}

export function chooseTheme(theme: Theme): void {
	localStorage.setItem(THEME_KEY, theme);
	store.set({ theme });
	applyTheme();
}

export function chooseLanguage(language: Language): void {
	localStorage.setItem(LANGUAGE_KEY, language);
	store.set({ language });
	document.documentElement.lang = language;
}

export function loadSettings(): void {
	const theme = remembered<Theme>(THEME_KEY, ['system', 'light', 'dark']) ?? 'system';
	const language = remembered<Language>(LANGUAGE_KEY, ['en', 'ja']) ?? browserLanguage();
	store.set({ theme, language });
	document.documentElement.lang = language;
	applyTheme();
	prefersDark.addEventListener('change', applyTheme);
}
