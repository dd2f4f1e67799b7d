// SPDX-License-Identifier: Apache-2.0
// <pt-nav>: the navigation at the left; above the page instead of beside it when the window is narrow.
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { t, type Key } from '../i18n/index.js';
import { isUnfinished } from '../state/jobs.js';
import { currentRoute } from '../state/route.js';
import type { IconName } from './icon.js';
import { baseStyles } from './styles.js';
import { View } from './view.js';

const entries: { page: string; label: Key; icon: IconName }[] = [
	{ page: 'overview', label: 'nav.overview', icon: 'server' },
	{ page: 'vms', label: 'nav.vms', icon: 'desktop' },
	{ page: 'disks', label: 'nav.disks', icon: 'disk' },
	{ page: 'media', label: 'nav.media', icon: 'album' },
	{ page: 'switches', label: 'nav.switches', icon: 'network' },
	{ page: 'memory', label: 'nav.memory', icon: 'memory' },
	{ page: 'jobs', label: 'nav.jobs', icon: 'jobs' },
	{ page: 'events', label: 'nav.events', icon: 'events' },
	{ page: 'host', label: 'nav.host', icon: 'settings' },
];
const uploadPages: Record<string, 'iso' | 'disk'> = { media: 'iso', disks: 'disk' };
const parents: Record<string, string> = { vm: 'vms', console: 'vms', serial: 'vms' };

@customElement('pt-nav')
export class Nav extends View {
	@property({ type: Boolean, reflect: true }) open = false;

	static override styles = [
		baseStyles,
		css`
		:host { display: block; background: var(--colorNeutralBackground3); border-inline-end: 1px solid var(--colorNeutralStroke2); overflow-y: auto; }
		ul { list-style: none; margin: 0; padding: 8px; display: flex; flex-direction: column; gap: 2px; }
		a {
			display: flex; align-items: center; gap: 12px; padding: 8px 12px; color: var(--colorNeutralForeground1); position: relative;
			border-radius: var(--borderRadiusMedium); min-height: 40px;
		}
		a:hover { background: var(--colorNeutralBackground3Hover); color: inherit; text-decoration: none; }
		a[aria-current] { background: var(--colorNeutralBackground3Selected); font-weight: var(--fontWeightSemibold); }
		a[aria-current]::before {
			content: ''; position: absolute; inset-block: 8px; inset-inline-start: 0; width: 3px; border-radius: 2px;
			background: var(--colorCompoundBrandForeground1);
		}
		a[aria-current] pt-icon { color: var(--colorCompoundBrandForeground1); }
		span { flex: 1; }
		.count {
			flex: none; min-width: 20px; padding: 0 6px; border-radius: 10px; text-align: center; font-size: var(--fontSizeBase200);
			background: var(--colorBrandBackground); color: var(--colorNeutralForegroundOnBrand);
		}
	`,
	];

	#count(page: string): number {
		const { jobs = [], uploads, alarms = [] } = this.state;
		if (page === 'jobs') return jobs.filter(isUnfinished).length;
		if (page === 'overview') return alarms.length;
		const kind = uploadPages[page];
		return kind ? uploads.filter((upload) => upload.kind === kind).length : 0;
	}

	protected override render() {
		const { page } = currentRoute();
		const current = parents[page] ?? page;
		return html`
			<nav aria-label=${t('nav.label')}>
				<ul>
					${entries.map((entry) => {
						const count = this.#count(entry.page);
						return html`<li>
							<a href="#/${entry.page}" aria-current=${entry.page === current ? 'page' : nothing}>
								<pt-icon name=${entry.icon}></pt-icon><span>${t(entry.label)}</span>
								${count ? html`<span class="count" aria-label=${t(entry.page === 'overview' ? 'nav.alarms' : 'nav.count', { count })}>${count}</span>` : nothing}
							</a>
						</li>`;
					})}
				</ul>
			</nav>`;
	}
}
