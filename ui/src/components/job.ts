// SPDX-License-Identifier: Apache-2.0
// The parts of a job that several pages show: how far it is, and a way to cancel it.
import { html, nothing, type TemplateResult } from 'lit';
import type { Job } from '../api/types.js';
import { t } from '../i18n/index.js';
import { isUnfinished, jobTitle, stopJob } from '../state/jobs.js';

export function jobProgress(job: Job): TemplateResult | typeof nothing {
	if (!isUnfinished(job)) return nothing;
	return html`<fluent-progress-bar aria-label=${jobTitle(job)} min="0" max="100" value=${job.progressPercent}></fluent-progress-bar>`;
}

export function cancelButton(job: Job): TemplateResult | typeof nothing {
	if (!isUnfinished(job) || !job.cancellable) return nothing;
	const label = t('common.cancel');
	return html`<fluent-button size="small" aria-label="${label}: ${jobTitle(job)}" @click=${() => void stopJob(job)}>${label}</fluent-button>`;
}
