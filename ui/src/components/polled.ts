// SPDX-License-Identifier: Apache-2.0
// A view of something that no event tells of: it asks when it comes into the page and again after a while, for as long as it
// is there. What was last known stays when an answer fails; the failure is said in words.
import { state } from 'lit/decorators.js';
import { errorText, sessionWasLost } from '../state/notices.js';
import { View } from './view.js';

export abstract class PolledView extends View {
	@state() protected failure = '';
	#timer = 0;
	#round = 0;

	protected abstract load(): Promise<void>;
	protected abstract periodMs(): number;

	override connectedCallback(): void {
		super.connectedCallback();
		this.reload();
	}

	override disconnectedCallback(): void {
		super.disconnectedCallback();
		clearTimeout(this.#timer);
		this.#round++;
	}

	/* Asks now; an answer to an older question does not start another round. */
	protected reload(): void {
		clearTimeout(this.#timer);
		void this.#ask(++this.#round);
	}

	async #ask(round: number): Promise<void> {
		let failure = '';
		try {
			await this.load();
		} catch (error) {
			failure = sessionWasLost(error) ? '' : errorText(error);
		}
		if (round !== this.#round) return;
		this.failure = failure;
		this.#timer = window.setTimeout(() => this.reload(), this.periodMs());
	}
}
