// SPDX-License-Identifier: Apache-2.0
// <pt-jobs>: jobs, newest first, with their progress, why they failed, and a way to cancel those that can be.
import { html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { Job } from '../../api/types.js';
import { cancelButton, jobProgress } from '../../components/job.js';
import '../../components/table.js';
import type { Column } from '../../components/table.js';
import type { IconName } from '../../components/icon.js';
import { baseStyles, pageStyles } from '../../components/styles.js';
import { View } from '../../components/view.js';
import { formatTime } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import { jobTitle } from '../../state/jobs.js';

const icons: Record<Job['state'], IconName> = {
	queued: 'refresh',
	running: 'refresh',
	succeeded: 'ok',
	failed: 'error',
	cancelled: 'stop',
};

function stateCell(job: Job) {
	return html`
		<span class="cell ${job.state}"><pt-icon name=${icons[job.state]}></pt-icon>${t(`jobState.${job.state}`)}</span>
		${jobProgress(job)}
		${job.error ? html`<div class="bad">${job.error.detail}</div>` : nothing}`;
}

@customElement('pt-jobs')
export class JobsPage extends View {
	static override styles = [baseStyles, pageStyles];

	#columns(): Column<Job>[] {
		return [
			{ id: 'job', label: t('jobs.job'), cell: jobTitle, order: jobTitle },
			{ id: 'state', label: t('jobs.state'), cell: stateCell, order: (job) => job.state },
			{
				id: 'created',
				label: t('jobs.created'),
				cell: (job) => html`<span class="stamp">${formatTime(job.createdAt)}</span>`,
				order: (job) => job.createdAt,
			},
			{
				id: 'finished',
				label: t('jobs.finished'),
				secondary: true,
				cell: (job) => html`<span class="stamp">${job.finishedAt ? formatTime(job.finishedAt) : ''}</span>`,
				order: (job) => job.finishedAt ?? '',
			},
			{ id: 'cancel', label: t('table.actions'), cell: (job) => html`${cancelButton(job)}` },
		];
	}

	protected override render() {
		return html`
			<div class="heading"><h1>${t('nav.jobs')}</h1></div>
			<p class="subtitle">${t('jobs.text')}</p>
			<div class="card">
				<pt-table .label=${t('nav.jobs')} .columns=${this.#columns()} .rows=${this.state.jobs} .empty=${t('jobs.empty')}></pt-table>
			</div>`;
	}
}
