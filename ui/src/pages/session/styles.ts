// SPDX-License-Identifier: Apache-2.0
// The pages before the shell: one card in the middle.
import { css } from 'lit';

export const cardPageStyles = css`
	.outer {
		flex: 1; min-height: 100vh; min-height: 100dvh; display: flex; flex-direction: column; align-items: center; justify-content: center;
		gap: 16px; padding: 16px; overflow: auto;
	}
	.box {
		width: min(400px, 100%); background: var(--colorNeutralBackground1); border: 1px solid var(--colorNeutralStroke2);
		border-radius: var(--borderRadiusXLarge); box-shadow: var(--shadow8); padding: 32px; display: flex; flex-direction: column; gap: 20px;
	}
	.brand { display: flex; align-items: center; gap: 10px; font-size: var(--fontSizeBase500); font-weight: var(--fontWeightSemibold); }
	.brand img { width: 32px; height: 32px; }
	h1 { font-size: var(--fontSizeBase500); line-height: var(--lineHeightBase500); font-weight: var(--fontWeightSemibold); margin: 0; }
	p { margin: 0; }
	.lead { color: var(--colorNeutralForeground2); }
	fluent-message-bar { overflow-wrap: anywhere; --ptIconSize: 18px; }
	fluent-message-bar pt-icon { color: var(--colorPaletteRedForeground1); }
	.language { display: flex; gap: 4px; }
	.language button {
		font: inherit; background: none; border: 0; color: var(--colorNeutralForeground2); padding: 6px 10px; cursor: pointer; border-radius: var(--borderRadiusMedium);
	}
	.language button:hover { background: var(--colorSubtleBackgroundHover); }
	.language [aria-pressed='true'] { font-weight: var(--fontWeightSemibold); color: var(--colorBrandForegroundLink); }
`;
