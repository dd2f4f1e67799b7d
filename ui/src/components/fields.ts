// SPDX-License-Identifier: Apache-2.0
// The parts of a form: label, control, hint and what is wrong with it. Functions, not elements, so that the controls
// belong to the form they stand in. `problem` is shown beside the control and told to screen readers with it.
import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { ref } from 'lit/directives/ref.js';
import type { TextInput } from '@fluentui/web-components';
import { t } from '../i18n/index.js';
import './icon.js';

export interface FieldOptions {
	name: string;
	label: string;
	value: string;
	change(value: string): void;
	problem?: string | undefined;
	hint?: string | undefined;
	required?: boolean;
	disabled?: boolean;
}

export interface TextOptions extends FieldOptions {
	type?: 'text' | 'password';
	autocomplete?: string;
	autofocus?: boolean;
	numeric?: boolean;
	unit?: string;
}

function below(options: FieldOptions): TemplateResult {
	return html`
		${options.hint ? html`<p class="hint" id="${options.name}-hint">${options.hint}</p>` : nothing}
		<div role="alert" id="${options.name}-problem">
			${options.problem ? html`<p class="problem"><pt-icon name="error"></pt-icon><span>${options.problem}</span></p>` : nothing}
		</div>`;
}

/* The real input is inside Fluent's component, where ids of this form do not reach. */
function describe(element: Element | undefined, options: FieldOptions): void {
	const control = (element as TextInput | undefined)?.control;
	if (!control) return;
	control.setAttribute('aria-invalid', String(Boolean(options.problem)));
	control.setAttribute('aria-description', [options.problem, options.hint].filter(Boolean).join(' '));
}

export function textField(options: TextOptions): TemplateResult {
	return html`
		<div class="field">
			<fluent-text-input
				name=${options.name}
				type=${options.type ?? 'text'}
				autocomplete=${options.autocomplete ?? 'off'}
				inputmode=${options.numeric ? 'decimal' : nothing}
				.value=${live(options.value)}
				?required=${options.required}
				?disabled=${options.disabled}
				?autofocus=${options.autofocus}
				@input=${(event: InputEvent) => options.change((event.target as TextInput).value)}
				${ref((element) => describe(element, options))}
				><span class=${options.required ? 'required' : ''}>${options.label}</span
				>${options.unit ? html`<span slot="end">${options.unit}</span>` : nothing}</fluent-text-input
			>
			${below(options)}
		</div>`;
}

/* Several names or addresses in one field. */
export function listOf(text: string): string[] {
	return text.split(/[\s,;]+/).filter(Boolean);
}

export interface Choice {
	value: string;
	label: string;
	disabled?: boolean;
	note?: string;
}

export function selectField(options: FieldOptions & { choices: Choice[] }): TemplateResult {
	return html`
		<div class="field">
			<label for=${options.name}>${options.label}</label>
			<select
				id=${options.name}
				name=${options.name}
				?disabled=${options.disabled}
				aria-invalid=${options.problem ? 'true' : 'false'}
				aria-describedby="${options.name}-problem"
				@change=${(event: Event) => options.change((event.target as HTMLSelectElement).value)}
			>
				${options.choices.map(
					(choice) => html`
					<option value=${choice.value} ?disabled=${choice.disabled} ?selected=${choice.value === options.value}>
						${choice.label}
					</option>`,
				)}
			</select>
			${below(options)}
		</div>`;
}

export function radioField(options: FieldOptions & { choices: Choice[] }): TemplateResult {
	return html`
		<fieldset class="field">
			<legend>${options.label}</legend>
			${options.choices.map(
				(choice) => html`
				<label class="choice ${choice.disabled ? 'disabled' : ''}">
					<input
						type="radio"
						name=${options.name}
						value=${choice.value}
						.checked=${choice.value === options.value}
						?disabled=${choice.disabled}
						@change=${() => options.change(choice.value)}
					/>
					<span>${choice.label}${choice.note ? html`<small>${choice.note}</small>` : nothing}</span>
				</label>`,
			)}
			${below(options)}
		</fieldset>`;
}

export function textAreaField(options: FieldOptions): TemplateResult {
	return html`
		<div class="field">
			<label for=${options.name}>${options.label}</label>
			<textarea
				id=${options.name}
				name=${options.name}
				rows="3"
				.value=${live(options.value)}
				@input=${(event: InputEvent) => options.change((event.target as HTMLTextAreaElement).value)}
			></textarea>
			${below(options)}
		</div>`;
}

export function checkField(
	label: string,
	checked: boolean,
	change: (checked: boolean) => void,
): TemplateResult {
	return html`
		<label class="choice">
			<input type="checkbox" .checked=${checked}
				@change=${(event: Event) => change((event.target as HTMLInputElement).checked)} />
			<span>${label}</span>
		</label>`;
}

/* Something is wrong that no field is to blame for. */
export function errorBar(text: string | undefined): TemplateResult {
	return html`<div role="alert">
		${
			text
				? html`<fluent-message-bar intent="error" layout="multiline">
					<pt-icon slot="icon" name="error"></pt-icon>${text}
				</fluent-message-bar>`
				: nothing
		}
	</div>`;
}

/* The two buttons below a form in a panel. */
export function formButtons(action: string, disabled: boolean, cancel: () => void): TemplateResult {
	return html`
		<fluent-button slot="footer" type="submit" appearance="primary" ?disabled=${disabled} data-submit
			>${action}</fluent-button>
		<fluent-button slot="footer" @click=${cancel}>${t('common.cancel')}</fluent-button>`;
}
