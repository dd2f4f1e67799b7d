// SPDX-License-Identifier: Apache-2.0
// The two console pages fill the window: a bar, the stage, one line of hint.
import { css } from 'lit';

export const consoleStyles = css`
	:host { display: flex; flex-direction: column; height: 100%; min-height: 320px; padding: 8px 12px 4px; gap: 6px; }
	.bar { display: flex; align-items: center; gap: 4px 16px; flex-wrap: wrap; }
	h1 { font-size: var(--fontSizeBase500); line-height: var(--lineHeightBase500); font-weight: var(--fontWeightSemibold); margin: 0; overflow-wrap: anywhere; }
	h1 a { color: inherit; }
	.stage { position: relative; flex: 1; min-height: 0; background: #000; border-radius: var(--borderRadiusMedium); overflow: hidden; }
	.stage:fullscreen { border-radius: 0; }
	.notice {
		position: absolute; inset: 0; display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 12px; padding: 16px;
		text-align: center; color: #e6e6e6; background: #1b1b1b; --ptIconSize: 48px;
	}
	.notice p { margin: 0; max-width: 60ch; }
	.hint { margin: 0; min-height: 20px; color: var(--colorNeutralForeground3); font-size: var(--fontSizeBase200); }
	.gone { padding: 16px; }
`;
