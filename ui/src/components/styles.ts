// SPDX-License-Identifier: Apache-2.0
// Styles that several components share, in terms of Fluent's design tokens.
import { css } from 'lit';

export const baseStyles = css`
	:host, *, *::before, *::after { box-sizing: border-box; }
	[hidden] { display: none !important; }
	a { color: var(--colorBrandForegroundLink); text-decoration: none; border-radius: var(--borderRadiusSmall); }
	a:hover { color: var(--colorBrandForegroundLinkHover); text-decoration: underline; }
	a:focus-visible, button:focus-visible, select:focus-visible, [tabindex]:focus-visible {
		outline: 2px solid var(--colorStrokeFocus2);
		outline-offset: 1px;
	}
	fluent-message-bar { font-size: var(--fontSizeBase300); line-height: var(--lineHeightBase300); color: var(--colorNeutralForeground1); --ptIconSize: 18px; }
	.visually-hidden {
		position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
	}
`;

export const pageStyles = css`
	:host { display: flex; flex-direction: column; min-height: 100%; padding: 20px 24px 32px; gap: 12px; }
	h1 { font-size: var(--fontSizeBase600); line-height: var(--lineHeightBase600); font-weight: var(--fontWeightSemibold); margin: 0; }
	h2 { font-size: var(--fontSizeBase400); line-height: var(--lineHeightBase400); font-weight: var(--fontWeightSemibold); margin: 0; }
	.subtitle { color: var(--colorNeutralForeground3); margin: 0; }
	.heading { display: flex; align-items: center; gap: 12px; flex-wrap: wrap; min-width: 0; }
	.heading h1 { overflow-wrap: anywhere; }
	.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); gap: 16px; align-items: start; }
	.card {
		background: var(--colorNeutralBackground1);
		border: 1px solid var(--colorNeutralStroke2);
		border-radius: var(--borderRadiusLarge);
		padding: 16px 20px 20px;
		display: flex; flex-direction: column; gap: 12px; min-width: 0;
	}
	.card.wide { grid-column: 1 / -1; }
	dl { display: grid; grid-template-columns: minmax(110px, max-content) 1fr; gap: 8px 20px; margin: 0; }
	dt { color: var(--colorNeutralForeground3); }
	dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
	.empty { color: var(--colorNeutralForeground3); margin: 0; padding: 8px 0; }
	.number { font-variant-numeric: tabular-nums; }
	@media (max-width: 640px) {
		:host { padding: 16px 12px 24px; }
	}
`;

export const formStyles = css`
	.fields { display: flex; flex-direction: column; gap: 16px; }
	.field { display: flex; flex-direction: column; gap: 4px; min-width: 0; border: 0; padding: 0; margin: 0; }
	.field > label, .field > legend, .label { font-size: var(--fontSizeBase300); line-height: var(--lineHeightBase300); padding: 0; margin-bottom: 2px; }
	.row { display: flex; gap: 8px; align-items: end; }
	.row > * { flex: 1 1 0; }
	.row > .narrow { flex: 0 0 96px; }
	.unit { align-self: start; padding-top: 26px; }
	input[type=file] { font: inherit; }
	fluent-text-input { width: 100%; max-width: none; }
	.required::after { content: ' *' / ''; color: var(--colorPaletteRedForeground1); }
	.hint { color: var(--colorNeutralForeground3); font-size: var(--fontSizeBase200); line-height: var(--lineHeightBase200); margin: 0; }
	.problem {
		color: var(--colorPaletteRedForeground1); font-size: var(--fontSizeBase200); line-height: var(--lineHeightBase200); margin: 0;
		display: flex; gap: 4px; align-items: start; --ptIconSize: 14px;
	}
	select, textarea {
		font: inherit; color: var(--colorNeutralForeground1); background: var(--colorNeutralBackground1); width: 100%;
		border: 1px solid var(--colorNeutralStroke1); border-bottom-color: var(--colorNeutralStrokeAccessible);
		border-radius: var(--borderRadiusMedium); padding: 5px 10px; min-height: 32px;
	}
	textarea { resize: vertical; min-height: 64px; }
	select:disabled { color: var(--colorNeutralForegroundDisabled); }
	[aria-invalid='true'] { border-color: var(--colorPaletteRedBorder2); }
	.choice { display: flex; gap: 8px; align-items: start; padding: 4px 0; }
	.choice input { accent-color: var(--colorCompoundBrandBackground); width: 16px; height: 16px; margin: 2px 0 0; flex: none; }
	.choice.disabled { color: var(--colorNeutralForegroundDisabled); }
	.choice small { display: block; color: var(--colorNeutralForeground3); font-size: var(--fontSizeBase200); }
`;
