// SPDX-License-Identifier: Apache-2.0
// <pt-volume-warning>: a button, and the form behind it: below how much free space a volume's health is a warning.
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { updateVolume } from '../../api/volumes.js';
import type { Volume } from '../../api/types.js';
import { textField } from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { View } from '../../components/view.js';
import { t } from '../../i18n/index.js';
import { refresh } from '../../state/sync.js';
import { mayAdminister } from '../../state/vms.js';
import { wholeNumber } from '../vms/form.js';

const LEAST = 1;
const MOST = 50;
const fieldsOfServer = [['warningFreePercent', 'percent']] as const;

@customElement('pt-volume-form')
export class VolumeForm extends FormPanel {
	@property({ attribute: false }) volume!: Volume;
	@state() private percent = '';

	protected readonly serverFields = fieldsOfServer;

	override connectedCallback(): void {
		super.connectedCallback();
		this.percent = String(this.volume.warningFreePercent);
	}

	protected check(): Problems {
		const value = wholeNumber(this.percent);
		const wrong = value === undefined || value < LEAST || value > MOST;
		return { percent: wrong ? t('form.range', { least: LEAST, most: MOST }) : undefined };
	}

	protected async save(): Promise<void> {
		await updateVolume(this.volume, wholeNumber(this.percent) ?? LEAST);
		refresh('volumes');
	}

	protected heading(): string {
		return t('volumes.warnTitle', { name: this.volume.name });
	}

	protected button(): string {
		return t('common.save');
	}

	protected fields() {
		return textField({
			name: 'percent',
			label: t('volumes.warn'),
			value: this.percent,
			numeric: true,
			required: true,
			autofocus: true,
			unit: '%',
			problem: this.problems.percent,
			change: (percent) => {
				this.percent = percent;
			},
		});
	}
}

@customElement('pt-volume-warning')
export class VolumeWarning extends View {
	@property({ attribute: false }) volume!: Volume;
	@state() private open = false;

	static override styles = css`
		:host { display: block; margin-top: 8px; }
	`;

	protected override render() {
		if (!mayAdminister()) return nothing;
		const show = (open: boolean) => () => {
			this.open = open;
		};
		return html`
			<fluent-button size="small" aria-label="${t('volumes.change')}: ${this.volume.name}" @click=${show(true)}>${t('volumes.change')}</fluent-button>
			${this.open ? html`<pt-volume-form .volume=${this.volume} @close=${show(false)}></pt-volume-form>` : nothing}`;
	}
}
