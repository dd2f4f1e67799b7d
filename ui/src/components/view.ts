// SPDX-License-Identifier: Apache-2.0
// What every component that shows the store's state is: it renders again when the store changes.
import { LitElement } from 'lit';
import { store, type State } from '../state/store.js';

export abstract class View extends LitElement {
	#unsubscribe: (() => void) | undefined;

	protected get state(): State {
		return store.state;
	}

	override connectedCallback(): void {
		super.connectedCallback();
		this.#unsubscribe = store.subscribe(() => this.requestUpdate());
	}

	override disconnectedCallback(): void {
		super.disconnectedCallback();
		this.#unsubscribe?.();
	}
}
