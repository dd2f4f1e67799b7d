// SPDX-License-Identifier: Apache-2.0
// <pt-icon name="start">: Fluent's system icons, decorative; the words stand beside them.
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { unsafeHTML } from 'lit/directives/unsafe-html.js';
import add from '@fluentui/svg-icons/icons/add_20_regular.svg?raw';
import album from '@fluentui/svg-icons/icons/album_20_regular.svg?raw';
import refresh from '@fluentui/svg-icons/icons/arrow_clockwise_20_regular.svg?raw';
import reset from '@fluentui/svg-icons/icons/arrow_reset_20_regular.svg?raw';
import download from '@fluentui/svg-icons/icons/arrow_download_20_regular.svg?raw';
import upload from '@fluentui/svg-icons/icons/arrow_upload_20_regular.svg?raw';
import certificate from '@fluentui/svg-icons/icons/certificate_20_regular.svg?raw';
import ok from '@fluentui/svg-icons/icons/checkmark_circle_20_filled.svg?raw';
import chevron from '@fluentui/svg-icons/icons/chevron_right_20_regular.svg?raw';
import jobs from '@fluentui/svg-icons/icons/clipboard_task_20_regular.svg?raw';
import copy from '@fluentui/svg-icons/icons/copy_20_regular.svg?raw';
import theme from '@fluentui/svg-icons/icons/dark_theme_20_regular.svg?raw';
import remove from '@fluentui/svg-icons/icons/delete_20_regular.svg?raw';
import desktop from '@fluentui/svg-icons/icons/desktop_20_regular.svg?raw';
import consoleIcon from '@fluentui/svg-icons/icons/desktop_keyboard_20_regular.svg?raw';
import dismiss from '@fluentui/svg-icons/icons/dismiss_20_regular.svg?raw';
import error from '@fluentui/svg-icons/icons/error_circle_20_filled.svg?raw';
import fullscreen from '@fluentui/svg-icons/icons/full_screen_maximize_20_regular.svg?raw';
import disk from '@fluentui/svg-icons/icons/hard_drive_20_regular.svg?raw';
import events from '@fluentui/svg-icons/icons/history_20_regular.svg?raw';
import home from '@fluentui/svg-icons/icons/home_20_regular.svg?raw';
import info from '@fluentui/svg-icons/icons/info_20_filled.svg?raw';
import key from '@fluentui/svg-icons/icons/key_20_regular.svg?raw';
import keyboard from '@fluentui/svg-icons/icons/keyboard_20_regular.svg?raw';
import language from '@fluentui/svg-icons/icons/local_language_20_regular.svg?raw';
import navigation from '@fluentui/svg-icons/icons/navigation_20_regular.svg?raw';
import memory from '@fluentui/svg-icons/icons/developer_board_20_regular.svg?raw';
import network from '@fluentui/svg-icons/icons/organization_20_regular.svg?raw';
import pause from '@fluentui/svg-icons/icons/pause_20_regular.svg?raw';
import person from '@fluentui/svg-icons/icons/person_20_regular.svg?raw';
import start from '@fluentui/svg-icons/icons/play_20_regular.svg?raw';
import power from '@fluentui/svg-icons/icons/power_20_regular.svg?raw';
import save from '@fluentui/svg-icons/icons/save_20_regular.svg?raw';
import scale from '@fluentui/svg-icons/icons/scale_fit_20_regular.svg?raw';
import search from '@fluentui/svg-icons/icons/search_20_regular.svg?raw';
import server from '@fluentui/svg-icons/icons/server_20_regular.svg?raw';
import settings from '@fluentui/svg-icons/icons/settings_20_regular.svg?raw';
import signOut from '@fluentui/svg-icons/icons/sign_out_20_regular.svg?raw';
import stop from '@fluentui/svg-icons/icons/stop_20_regular.svg?raw';
import warning from '@fluentui/svg-icons/icons/warning_20_filled.svg?raw';
import serial from '@fluentui/svg-icons/icons/window_console_20_regular.svg?raw';

const icons = {
	add,
	album,
	certificate,
	chevron,
	console: consoleIcon,
	copy,
	desktop,
	disk,
	download,
	dismiss,
	error,
	events,
	fullscreen,
	home,
	info,
	jobs,
	key,
	keyboard,
	language,
	memory,
	navigation,
	network,
	ok,
	pause,
	person,
	power,
	refresh,
	remove,
	reset,
	save,
	scale,
	search,
	serial,
	server,
	settings,
	signOut,
	start,
	stop,
	theme,
	upload,
	warning,
};

export type IconName = keyof typeof icons;

@customElement('pt-icon')
export class Icon extends LitElement {
	@property() name: IconName = 'info';

	static override styles = css`
		:host { display: inline-flex; flex: none; }
		svg { fill: currentColor; width: var(--ptIconSize, 20px); height: var(--ptIconSize, 20px); display: block; }
	`;

	override connectedCallback(): void {
		super.connectedCallback();
		this.setAttribute('aria-hidden', 'true');
	}

	protected override render() {
		return html`${unsafeHTML(icons[this.name])}`;
	}
}
