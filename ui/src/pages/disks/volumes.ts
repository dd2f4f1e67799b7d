// SPDX-License-Identifier: Apache-2.0
// The volumes: how full each is, and what is wrong with it.
import { html, nothing, type TemplateResult } from 'lit';
import type { Volume } from '../../api/types.js';
import { meter } from '../../components/meter.js';
import { formatBytes } from '../../i18n/format.js';
import { t } from '../../i18n/index.js';
import './volume-form.js';

function health(volume: Volume): TemplateResult | typeof nothing {
	if (volume.health.level === 'ok') return nothing;
	const intent = volume.health.level === 'critical' ? 'error' : 'warning';
	return html`<fluent-message-bar intent=${intent} layout="multiline">
		<pt-icon slot="icon" name=${intent}></pt-icon>${volume.health.reasons.join(' ')}
	</fluent-message-bar>`;
}

function one(volume: Volume): TemplateResult {
	return html`
		<div data-volume=${volume.name}>
			${meter(volume.name, volume.sizeBytes - volume.freeBytes, volume.sizeBytes)}
			<p class="subtitle">${t('volumes.figures', {
				free: formatBytes(volume.freeBytes),
				fileSystem: volume.fileSystem,
				percent: volume.warningFreePercent,
			})}</p>
			${health(volume)}
			<pt-volume-warning .volume=${volume}></pt-volume-warning>
		</div>`;
}

export function volumesCard(volumes: readonly Volume[] | undefined): TemplateResult {
	return html`
		<section class="card" aria-labelledby="volumes">
			<h2 id="volumes">${t('volumes.title')}</h2>
			${volumes ? volumes.map(one) : html`<fluent-spinner aria-label=${t('table.loading')}></fluent-spinner>`}
			${volumes?.length === 0 ? html`<p class="empty">${t('volumes.empty')}</p>` : nothing}
		</section>`;
}
