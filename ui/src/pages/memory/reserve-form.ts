// SPDX-License-Identifier: Apache-2.0
// <pt-reserve-form>: how much memory is kept for the host itself: reckoned, or a size of the person's choice.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { updateHostMemory } from '../../api/metrics.js';
import type { HostMemory } from '../../api/types.js';
import { radioField } from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { refresh } from '../../state/sync.js';
import { bytesOf, sizeField, sizeOf, type Size } from '../vms/form.js';

const fieldsOfServer = [['reserveBytes', 'size']] as const;

@customElement('pt-reserve-form')
export class ReserveForm extends FormPanel {
	@property({ attribute: false }) memory!: HostMemory;
	@state() private kind: 'computed' | 'chosen' = 'computed';
	@state() private size: Size = { value: '', unit: 'MiB' };

	protected readonly serverFields = fieldsOfServer;

	override connectedCallback(): void {
		super.connectedCallback();
		this.kind = this.memory.reserveIsComputed ? 'computed' : 'chosen';
		this.size = sizeOf(this.memory.reserveBytes);
	}

	protected check(): Problems {
		return this.kind === 'chosen' && bytesOf(this.size) === undefined ? { size: t('form.size') } : {};
	}

	protected async save(): Promise<void> {
		await updateHostMemory(this.kind === 'chosen' ? (bytesOf(this.size) ?? null) : null, this.memory.etag);
		refresh('host');
	}

	protected heading(): string {
		return t('memory.changeReserve');
	}

	protected button(): string {
		return t('common.save');
	}

	protected fields() {
		return html`
			${radioField({
				name: 'kind',
				label: t('memory.reserve'),
				value: this.kind,
				choices: [
					{ value: 'computed', label: t('memory.computedChoice'), note: t('memory.computedNote') },
					{ value: 'chosen', label: t('memory.chosenChoice') },
				],
				change: (kind) => {
					this.kind = kind as typeof this.kind;
				},
			})}
			${
				this.kind === 'chosen'
					? sizeField({
							name: 'size',
							label: t('memory.reserve'),
							size: this.size,
							problem: this.problems.size,
							change: (size) => {
								this.size = size;
							},
						})
					: nothing
			}`;
	}
}
