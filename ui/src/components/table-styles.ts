// SPDX-License-Identifier: Apache-2.0
// The look of <pt-table>.
import { css } from 'lit';

export const tableStyles = css`
	:host { display: block; min-width: 0; }
	.scroll { overflow-x: auto; }
	table { border-collapse: collapse; width: 100%; }
	th, td { text-align: start; padding: 6px 10px; vertical-align: middle; }
	th {
		font-weight: var(--fontWeightSemibold); color: var(--colorNeutralForeground2); white-space: nowrap;
		border-bottom: 1px solid var(--colorNeutralStroke1);
	}
	th button {
		font: inherit; color: inherit; background: none; border: 0; padding: 2px 4px; margin: -2px -4px; cursor: pointer;
		border-radius: var(--borderRadiusSmall);
	}
	th button:hover { background: var(--colorSubtleBackgroundHover); }
	.arrow { display: inline-block; width: 0; }
	td { border-bottom: 1px solid var(--colorNeutralStroke3); height: 40px; }
	tbody tr:hover { background: var(--colorSubtleBackgroundHover); }
	tbody tr.selected { background: var(--colorNeutralBackground1Selected); box-shadow: inset 3px 0 var(--colorCompoundBrandStroke); }
	.check { width: 40px; padding: 0; }
	.check label { display: flex; align-items: center; justify-content: center; width: 40px; min-height: 40px; cursor: pointer; }
	input[type='checkbox'] { accent-color: var(--colorCompoundBrandBackground); width: 16px; height: 16px; margin: 0; }
	input:focus-visible { outline: 2px solid var(--colorStrokeFocus2); outline-offset: 2px; }
	.numeric { text-align: end; font-variant-numeric: tabular-nums; }
	.empty { color: var(--colorNeutralForeground3); text-align: center; padding: 24px 12px; margin: 0; }
	.thumb { width: 72px; }
	td.numeric { white-space: nowrap; }
	.loading { display: flex; justify-content: center; padding: 24px; }
	.cell { display: flex; align-items: center; gap: 8px; min-width: 0; }
	.note { color: var(--colorNeutralForeground3); font-size: var(--fontSizeBase200); }
	tr.selected a { color: var(--colorBrandForegroundLinkHover); }
	.stamp { white-space: nowrap; font-variant-numeric: tabular-nums; }
	.cell { --ptIconSize: 16px; }
	.cell.info pt-icon { color: var(--colorNeutralForeground3); }
	.cell.warning pt-icon { color: var(--colorPaletteDarkOrangeForeground1); }
	.cell.error pt-icon, .cell.failed pt-icon { color: var(--colorPaletteRedForeground1); }
	.cell.succeeded pt-icon { color: var(--colorPaletteGreenForeground1); }
	.bad { color: var(--colorPaletteRedForeground1); }
	fluent-progress-bar { width: 100%; min-width: 80px; }
	@media (max-width: 720px) {
		.secondary { display: none; }
	}
`;
