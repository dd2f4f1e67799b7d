// SPDX-License-Identifier: Apache-2.0
// The one store. Pages read `store.state` and are told of every change; only the files of this folder write it.
import type { Alarm, Disk, DiskUpload, Event, Host, Iso, Job, Session, Switch, Vm, Volume } from '../api/types.js';
import type { UploadTarget } from '../api/uploads.js';

export type Theme = 'system' | 'light' | 'dark';
export type Language = 'en' | 'ja';
export type Intent = 'info' | 'success' | 'warning' | 'error';

export interface Notice {
	id: number;
	intent: Intent;
	title: string;
	detail: string;
}

/* Its id is that of the ISO or disk to be. */
export interface Upload extends UploadTarget {
	sizeBytes: number;
	sentBytes: number;
	bytesPerSecond: number;
	state:
		| 'sending'
		| 'paused'
		| 'failed'
		| 'refused'; /* refused: the file itself is wrong, trying again is no use */
	error: string;
}

export interface State {
	/* 'expired' keeps the pages and what was typed into them, and asks for the password on top */
	sessionState: 'unknown' | 'signed-out' | 'signed-in' | 'expired';
	session?: Session;
	host?: Host;
	hostAt: number; /* performance.now() of the answers that carry uptimes */
	vms?: Vm[];
	vmsAt: number;
	disks?: Disk[];
	isos?: Iso[];
	diskUploads?: DiskUpload[]; /* unfinished ones, of whatever browser */
	volumes?: Volume[];
	alarms?: Alarm[];
	switches?: Switch[];
	jobs?: Job[];
	events?: Event[]; /* newest first */
	live: boolean; /* the event stream is connected */
	reachable: boolean; /* the last request got an answer */
	notices: Notice[];
	uploads: Upload[];
	theme: Theme;
	language: Language;
}

type Listener = () => void;

class Store {
	readonly #listeners = new Set<Listener>();
	#told = false;

	state: State = {
		sessionState: 'unknown',
		hostAt: 0,
		vmsAt: 0,
		live: false,
		reachable: true,
		notices: [],
		uploads: [],
		theme: 'system',
		language: 'en',
	};

	set(patch: Partial<State>): void {
		this.state = { ...this.state, ...patch };
		if (this.#told) return;
		this.#told = true;
		queueMicrotask(() => {
			this.#told = false;
			for (const listener of [...this.#listeners]) listener();
		});
	}

	subscribe(listener: Listener): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}
}

export const store = new Store();
