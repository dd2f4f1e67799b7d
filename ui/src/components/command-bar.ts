// SPDX-License-Identifier: Apache-2.0
// <pt-command-bar>: the row of commands above a table or page; a toolbar for keyboard and screen readers (one tab
// stop, arrow keys inside). Commands that do not fit the state stay visible and disabled.
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { IconName } from './icon.js';
import { baseStyles } from './styles.js';

export interface Command {
	id: string;
	label: string;
	icon: IconName;
	run(): void;
	disabled?: boolean;
	pressed?: boolean; /* a switch: on or off */
	group?: boolean; /* a line before it */
	title?: string;
}

@customElement('pt-command-bar')
export class CommandBar extends LitElement {
	@property({ attribute: false }) commands: Command[] = [];
	@property() label = '';

	static override styles = [
		baseStyles,
		css`
		:host { display: block; min-width: 0; }
		[role='toolbar'] { display: flex; flex-wrap: wrap; gap: 2px; align-items: center; }
		button {
			font: inherit; display: inline-flex; align-items: center; gap: 6px; min-height: 32px; padding: 5px 10px; cursor: pointer;
			color: var(--colorNeutralForeground1); background: transparent; border: 0; border-radius: var(--borderRadiusMedium);
		}
		button pt-icon { color: var(--colorCompoundBrandForeground1); }
		button:hover { background: var(--colorSubtleBackgroundHover); }
		button:active { background: var(--colorSubtleBackgroundPressed); }
		button[aria-pressed='true'] { background: var(--colorSubtleBackgroundSelected); box-shadow: inset 0 -2px var(--colorCompoundBrandStroke); }
		button[aria-disabled='true'] { color: var(--colorNeutralForegroundDisabled); background: transparent; cursor: default; }
		button[aria-disabled='true'] pt-icon { color: inherit; }
		.line { width: 1px; height: 20px; margin: 0 6px; background: var(--colorNeutralStroke2); }
		@media (max-width: 640px) {
			button { padding: 5px 8px; }
		}
	`,
	];

	#move(event: KeyboardEvent): void {
		const buttons = [...this.renderRoot.querySelectorAll<HTMLButtonElement>('button')];
		const at = buttons.indexOf(event.target as HTMLButtonElement);
		const steps: Record<string, number> = {
			ArrowRight: at + 1,
			ArrowLeft: at - 1,
			Home: 0,
			End: buttons.length - 1,
		};
		const to = steps[event.key];
		if (at < 0 || to === undefined) return;
		event.preventDefault();
		const next = buttons[(to + buttons.length) % buttons.length];
		buttons.forEach((button) => {
			button.tabIndex = button === next ? 0 : -1;
		});
		next?.focus();
	}

	override focus(): void {
		this.renderRoot.querySelector<HTMLElement>('button[tabindex="0"]')?.focus();
	}

	protected override updated(): void {
		const buttons = [...this.renderRoot.querySelectorAll<HTMLButtonElement>('button')];
		if (!buttons.some((button) => button.tabIndex === 0) && buttons[0]) buttons[0].tabIndex = 0;
	}

	#button(command: Command) {
		return html`
			${command.group ? html`<span class="line"></span>` : nothing}
			<button
				type="button"
				tabindex="-1"
				data-command=${command.id}
				aria-disabled=${command.disabled ? 'true' : 'false'}
				aria-pressed=${command.pressed === undefined ? nothing : String(command.pressed)}
				title=${command.title ?? nothing}
				@click=${() => command.disabled || command.run()}
			>
				<pt-icon name=${command.icon}></pt-icon>${command.label}
			</button>`;
	}

	protected override render() {
		return html`
			<div role="toolbar" aria-label=${this.label} @keydown=${this.#move}>
				${this.commands.map((command) => this.#button(command))}
			</div>`;
	}
}
