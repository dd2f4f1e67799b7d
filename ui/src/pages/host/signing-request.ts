// SPDX-License-Identifier: Apache-2.0
// What the pending signing request can have done to it: taken to the authority, or discarded with its key.
import { deleteSigningRequest } from '../../api/host.js';
import { confirm } from '../../components/confirm.js';
import { t } from '../../i18n/index.js';
import { notify, notifyError } from '../../state/notices.js';

export async function copyRequest(pem: string): Promise<void> {
	try {
		await navigator.clipboard.writeText(pem);
		notify('success', t('signingRequest.copied'));
	} catch (error) {
		notifyError('signingRequest.copyFailed', error);
	}
}

export function downloadRequest(pem: string): void {
	const link = document.createElement('a');
	link.href = `data:application/pkcs10,${encodeURIComponent(pem)}`;
	link.download = `${location.hostname}.csr`;
	link.click();
}

/* Tells whether it is gone. */
export async function discardRequest(): Promise<boolean> {
	const yes = await confirm({
		title: t('signingRequest.discardTitle'),
		text: t('signingRequest.discardText'),
		action: t('signingRequest.discard'),
	});
	if (!yes) return false;
	try {
		await deleteSigningRequest();
		return true;
	} catch (error) {
		notifyError('signingRequest.discardFailed', error);
		return false;
	}
}
