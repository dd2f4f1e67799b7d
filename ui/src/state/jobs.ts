// SPDX-License-Identifier: Apache-2.0
// Jobs in the store: a job that failed tells why in a message bar, once, whoever started it in this browser.
import { cancelJob } from '../api/jobs.js';
import type { Job } from '../api/types.js';
import { t, type Key } from '../i18n/index.js';
import { notify, notifyError } from './notices.js';
import { store } from './store.js';

const mine = new Set<string>();

export function isUnfinished(job: Job): boolean {
	return job.state === 'queued' || job.state === 'running';
}

export function jobTitle(job: Job): string {
	const key = `job.${job.type}` as Key;
	return t(key, { name: job.object.name ?? '' });
}

export function jobChanged(job: Job): void {
	const others = (store.state.jobs ?? []).filter((other) => other.id !== job.id);
	const jobs = [job, ...others].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
	store.set({ jobs });
	if (isUnfinished(job) || !mine.delete(job.id)) return;
	if (job.state === 'failed')
		notify('error', t('job.failed', { job: jobTitle(job) }), job.error?.detail ?? '');
}

/* For the answer 202: the event of the job's end may have come before it. */
function jobAnswered(job: Job): void {
	const known = store.state.jobs?.find((other) => other.id === job.id);
	jobChanged(known && !isUnfinished(known) ? known : job);
}

/* From now on the end of this job concerns the person at this page. */
export function jobStarted(job: Job): void {
	mine.add(job.id);
	jobAnswered(job);
}

export async function stopJob(job: Job): Promise<void> {
	try {
		jobAnswered(await cancelJob(job.id));
	} catch (error) {
		notifyError('job.cancelFailed', error);
	}
}
