// SPDX-License-Identifier: Apache-2.0
// <pt-vm-state>: a VM's state as a mark and a word, never by colour alone.
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { VmState } from '../api/types.js';
import { t } from '../i18n/index.js';
import type { IconName } from './icon.js';

const marks: Record<VmState, IconName> = {
	off: 'stop',
	starting: 'refresh',
	running: 'ok',
	stopping: 'refresh',
	paused: 'pause',
	failed: 'error',
	saved: 'save',
	saving: 'refresh',
	restoring: 'refresh',
};

@customElement('pt-vm-state')
export class VmStateMark extends LitElement {
	@property() value: VmState = 'off';

	static override styles = css`
		:host { display: inline-flex; align-items: center; gap: 6px; white-space: nowrap; --ptIconSize: 16px; }
		.running { color: var(--colorPaletteGreenForeground1); }
		.failed { color: var(--colorPaletteRedForeground1); }
		.paused, .starting, .stopping, .saving, .restoring { color: var(--colorPaletteDarkOrangeForeground1); }
		.off, .saved { color: var(--colorNeutralForeground3); }
	`;

	protected override render() {
		return html`<pt-icon class=${this.value} name=${marks[this.value]}></pt-icon><span>${t(`state.${this.value}`)}</span>`;
	}
}
