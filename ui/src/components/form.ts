// SPDX-License-Identifier: Apache-2.0
// The frame of a form in a side panel: checks before asking the server, one request at a time, and every problem at its
// field with the keyboard put there. A form says what its fields are, what is wrong with them, and how to save.
import { html, type TemplateResult } from 'lit';
import { query, state } from 'lit/decorators.js';
import { ApiError } from '../api/http.js';
import { errorText, sessionWasLost } from '../state/notices.js';
import { errorBar, formButtons } from './fields.js';
import './panel.js';
import type { Panel } from './panel.js';
import { baseStyles, formStyles } from './styles.js';
import { View } from './view.js';

export type Problems = Partial<Record<string, string>>;
export type ServerFields = readonly (readonly [string, string])[];

export function hasProblems(problems: Problems): boolean {
	return Object.values(problems).some(Boolean);
}

/* `disks[0].source.newDisk.sizeBytes` belongs to the form's field whose prefix comes first in the table. */
export function problemsFrom(error: unknown, fields: ServerFields): Problems {
	if (sessionWasLost(error)) return {};
	const text = errorText(error);
	const field = error instanceof ApiError ? error.field : undefined;
	const match = field === undefined ? undefined : fields.find(([prefix]) => field.startsWith(prefix));
	if (!match && error instanceof ApiError && error.code === 'name_in_use') return { name: text };
	return { [match?.[1] ?? 'form']: text };
}

export abstract class FormPanel extends View {
	@query('pt-panel') private panel!: Panel;
	@state() protected problems: Problems = {};
	@state() protected busy = false;

	static override styles = [baseStyles, formStyles];

	protected abstract readonly serverFields: ServerFields;
	protected abstract heading(): string;
	protected abstract button(): string; /* what the button that saves says */
	protected abstract fields(): TemplateResult;
	protected abstract check(): Problems;
	protected abstract save(): Promise<void>; /* when it is done without an error the panel closes */

	/* There is nothing to save to. */
	protected unsavable(): boolean {
		return false;
	}

	protected async failed(error: unknown): Promise<void> {
		this.problems = problemsFrom(error, this.serverFields);
	}

	async #submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		if (this.busy) return;
		this.problems = this.check();
		if (!hasProblems(this.problems)) await this.#save();
		if (hasProblems(this.problems)) this.#focusProblem();
	}

	async #save(): Promise<void> {
		this.busy = true;
		try {
			await this.save();
			this.panel.close();
		} catch (error) {
			await this.failed(error);
		} finally {
			this.busy = false;
		}
	}

	#focusProblem(): void {
		void this.updateComplete.then(() => {
			const problem = this.renderRoot.querySelector('.problem, fluent-message-bar');
			problem?.closest('.field')?.querySelector<HTMLElement>('fluent-text-input, select, textarea, input')?.focus();
			problem?.scrollIntoView({ block: 'nearest' });
		});
	}

	protected override render() {
		return html`
			<form novalidate @submit=${this.#submit}>
				<pt-panel .heading=${this.heading()}>
					<div class="fields">${errorBar(this.problems.form)}${this.fields()}</div>
					${formButtons(this.button(), this.busy || this.unsavable(), () => this.panel.close())}
				</pt-panel>
			</form>`;
	}
}
