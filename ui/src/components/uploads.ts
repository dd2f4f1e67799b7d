// SPDX-License-Identifier: Apache-2.0
// The uploads under way of one kind: name, bar, how far and how fast, and their buttons.
import { css, html, nothing, type TemplateResult } from 'lit';
import { formatBytes, formatDuration, formatPercent } from '../i18n/format.js';
import { t } from '../i18n/index.js';
import { store, type Upload } from '../state/store.js';
import { cancelUpload, pauseUpload, resumeUpload } from '../state/uploads.js';

export const uploadStyles = css`
	.uploads { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; gap: 16px; }
	.uploads li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 4px 12px; align-items: center; }
	.uploads .name { overflow-wrap: anywhere; font-weight: var(--fontWeightSemibold); }
	.uploads .buttons { display: flex; gap: 8px; grid-row: span 2; }
	.uploads .bar { grid-column: 1; }
	.uploads .figures { grid-column: 1 / -1; color: var(--colorNeutralForeground3); font-variant-numeric: tabular-nums; }
	.uploads .problem { grid-column: 1 / -1; color: var(--colorPaletteRedForeground1); }
`;

function figures(upload: Upload): string {
	const done = t('media.progress', {
		sent: formatBytes(upload.sentBytes),
		total: formatBytes(upload.sizeBytes),
		percent: formatPercent(upload.sentBytes, upload.sizeBytes),
	});
	if (upload.state === 'paused') return `${done} – ${t('media.paused')}`;
	if (upload.state === 'sending' && upload.bytesPerSecond > 0) {
		const left = (upload.sizeBytes - upload.sentBytes) / upload.bytesPerSecond;
		return `${done} – ${t('media.speed', { rate: formatBytes(upload.bytesPerSecond), left: formatDuration(Math.ceil(left)) })}`;
	}
	return done;
}

function uploadRow(upload: Upload): TemplateResult {
	const { id, name } = upload;
	const button = (label: string, run: () => void) =>
		html`<fluent-button size="small" aria-label="${label}: ${name}" @click=${run}>${label}</fluent-button>`;
	return html`
		<li data-upload=${upload.state}>
			<span class="name">${name}</span>
			<span class="buttons">
				${upload.state === 'sending' ? button(t('media.pause'), () => pauseUpload(id)) : nothing}
				${upload.state === 'paused' || upload.state === 'failed' ? button(t('media.resume'), () => void resumeUpload(id)) : nothing}
				${button(t(upload.state === 'refused' ? 'media.discard' : 'common.cancel'), () => void cancelUpload(upload))}
			</span>
			<fluent-progress-bar class="bar" thickness="large" aria-label=${t('media.uploading', { name })}
				validation-state=${upload.error ? 'error' : 'none'}
				min="0" max=${Math.max(1, upload.sizeBytes)} value=${upload.sentBytes}></fluent-progress-bar>
			<span class="figures">${figures(upload)}</span>
			<span role="alert" class=${upload.error ? 'problem' : ''}>${upload.error || nothing}</span>
		</li>`;
}

export function uploadCard(kind: Upload['kind']): TemplateResult | typeof nothing {
	const uploads = store.state.uploads.filter((upload) => upload.kind === kind);
	if (uploads.length === 0) return nothing;
	return html`
		<section class="card" aria-labelledby="uploads">
			<h2 id="uploads">${t('media.uploads')}</h2>
			<ul class="uploads">${uploads.map(uploadRow)}</ul>
		</section>`;
}
