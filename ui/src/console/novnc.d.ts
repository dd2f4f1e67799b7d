// SPDX-License-Identifier: Apache-2.0
// What the ui uses of noVNC, which ships no types (see its docs/API.md).
declare module '@novnc/novnc' {
	export default class RFB extends EventTarget {
		constructor(
			target: Element,
			url: string | WebSocket,
			options?: { shared?: boolean; wsProtocols?: string[] },
		);
		viewOnly: boolean;
		scaleViewport: boolean;
		resizeSession: boolean;
		clipViewport: boolean;
		focusOnClick: boolean;
		background: string;
		showDotCursor: boolean;
		qualityLevel: number;
		compressionLevel: number;
		disconnect(): void;
		focus(options?: FocusOptions): void;
		blur(): void;
		sendCtrlAltDel(): void;
		sendKey(keysym: number, code: string | null, down?: boolean): void;
	}
}
