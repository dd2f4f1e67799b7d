// SPDX-License-Identifier: Apache-2.0
// The network adapters on a VM's page: the table, and removing one.
import { html, type TemplateResult } from 'lit';
import { detachNetworkAdapter } from '../../api/vms.js';
import type { NetworkAdapter, Vm } from '../../api/types.js';
import { confirm } from '../../components/confirm.js';
import '../../components/command-bar.js';
import '../../components/table.js';
import type { Column } from '../../components/table.js';
import { t } from '../../i18n/index.js';
import { notifyError } from '../../state/notices.js';
import { store } from '../../state/store.js';
import { refresh } from '../../state/sync.js';
import { mayAdminister, vmChanged } from '../../state/vms.js';

const ADAPTERS_MOST = 8;

async function remove(vm: Vm, adapter: NetworkAdapter): Promise<void> {
	const yes = await confirm({
		title: t('adapters.removeTitle'),
		text: t('adapters.removeText'),
		details: [`${adapter.name}, ${adapter.macAddress}`],
		action: t('drives.remove'),
	});
	if (!yes) return;
	try {
		vmChanged(await detachNetworkAdapter(vm.id, adapter.id));
		refresh('switches');
	} catch (error) {
		notifyError('adapters.changeFailed', error, { name: vm.name });
	}
}

function switchText(adapter: NetworkAdapter): string {
	const name = store.state.switches?.find((item) => item.id === adapter.switchId)?.name;
	if (!adapter.switchId) return t('adapters.notConnected');
	return adapter.vlan
		? t('adapters.onVlan', { name: name ?? '…', vlan: adapter.vlan.id })
		: (name ?? '…');
}

export function adapterSection(vm: Vm, edit: (adapter?: NetworkAdapter) => void): TemplateResult {
	const button = (adapter: NetworkAdapter, label: string, run: () => void) => html`
		<fluent-button size="small" @click=${run} aria-label="${label}: ${adapter.name}, ${adapter.macAddress}">${label}</fluent-button>`;
	const columns: Column<NetworkAdapter>[] = [
		{
			id: 'name',
			label: t('adapters.name'),
			cell: (adapter) =>
				html`<span class="cell"><pt-icon name="network"></pt-icon>${adapter.name}</span>`,
		},
		{ id: 'switch', label: t('adapters.switch'), cell: switchText },
		{ id: 'mac', label: t('adapters.mac'), secondary: true, cell: (adapter) => adapter.macAddress },
		{
			id: 'commands',
			label: t('table.actions'),
			cell: (adapter) =>
				mayAdminister()
					? html`<span class="cell">
						${button(adapter, t('action.settings'), () => edit(adapter))}
						${button(adapter, t('drives.remove'), () => void remove(vm, adapter))}
					</span>`
					: '',
		},
	];
	return html`
		<section class="card wide" aria-labelledby="adapters">
			<div class="heading">
				<h2 id="adapters">${t('vm.adapters')}</h2>
				<pt-command-bar .label=${t('vm.adapters')} .commands=${[
					{
						id: 'add-adapter',
						label: t('adapters.add'),
						icon: 'add' as const,
						disabled: vm.networkAdapters.length >= ADAPTERS_MOST || !mayAdminister(),
						run: () => edit(),
					},
				]}></pt-command-bar>
			</div>
			<pt-table .label=${t('vm.adapters')} .columns=${columns} .rows=${vm.networkAdapters} .empty=${t('adapters.none')}></pt-table>
		</section>`;
}
