// SPDX-License-Identifier: Apache-2.0
// <pt-copy-file>: puts a file into a guest that runs; a job tells how it went.
import { html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { copyToGuest } from '../../api/guests.js';
import type { Vm } from '../../api/types.js';
import { checkField, textField } from '../../components/fields.js';
import { FormPanel, type Problems } from '../../components/form.js';
import { t } from '../../i18n/index.js';
import { jobStarted } from '../../state/jobs.js';

const fieldsOfServer = [
	['folder', 'folder'],
	['name', 'name'],
] as const;

@customElement('pt-copy-file')
export class CopyFile extends FormPanel {
	@property({ attribute: false }) vm!: Vm;
	@state() private file: File | undefined;
	@state() private folder = '';
	@state() private name = '';
	@state() private overwrite = false;
	@state() private createFolder = false;

	protected readonly serverFields = fieldsOfServer;

	protected check(): Problems {
		return {
			form: this.file ? undefined : t('guestFile.choose'),
			folder: this.folder.trim() ? undefined : t('form.required'),
			name: this.name.trim() ? undefined : t('form.required'),
		};
	}

	protected async save(): Promise<void> {
		const { folder, name, overwrite, createFolder } = this;
		if (this.file)
			jobStarted(await copyToGuest(this.vm.id, { folder: folder.trim(), name: name.trim(), overwrite, createFolder }, this.file));
	}

	protected heading(): string {
		return t('guestFile.title', { name: this.vm.name });
	}

	protected button(): string {
		return t('guestFile.copy');
	}

	#chosen(event: globalThis.Event): void {
		this.file = (event.target as HTMLInputElement).files?.[0];
		this.name ||= this.file?.name ?? '';
	}

	protected fields() {
		return html`
			<label class="field"><span class="label required">${t('guestFile.file')}</span>
				<input type="file" name="file" autofocus @change=${this.#chosen} /></label>
			${textField({ name: 'folder', label: t('guestFile.folder'), value: this.folder, required: true, hint: t('guestFile.folderHint'), problem: this.problems.folder, change: (folder) => { this.folder = folder; } })}
			${textField({ name: 'name', label: t('guestFile.name'), value: this.name, required: true, problem: this.problems.name, change: (name) => { this.name = name; } })}
			${checkField(t('guestFile.overwrite'), this.overwrite, (on) => { this.overwrite = on; })}
			${checkField(t('guestFile.createFolder'), this.createFolder, (on) => { this.createFolder = on; })}`;
	}
}
