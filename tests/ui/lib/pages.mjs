// SPDX-License-Identifier: Apache-2.0
// The pages of the ui as the test uses them: where things are, in one place.
import AxeBuilder from '@axe-core/playwright';

export function input(scope, name) {
	return scope.locator(`fluent-text-input[name="${name}"] input`);
}

/* Fluent's buttons tell their role by ElementInternals, where getByRole does not look. */
export function button(scope, label) {
	return scope.locator(`fluent-button[aria-label="${label}"]`);
}

export function command(page, id) {
	return page.locator(`[data-command="${id}"]`);
}

export function row(page, name) {
	return page.locator('pt-table tr[data-id]', { has: page.getByRole('link', { name, exact: true }) });
}

export async function open(page, path) {
	await page.evaluate((hash) => {
		location.hash = hash;
	}, `#/${path}`);
}

export async function signIn(page, user, password) {
	await input(page, 'username').fill(user);
	await input(page, 'password').fill(password);
	await page.keyboard.press('Enter');
}

export async function confirmYes(page) {
	await page.locator('pt-confirm [data-yes]').click();
}

/* The list page with only this VM selected. */
export async function selectVm(page, name) {
	await open(page, 'vms');
	const box = row(page, name).locator('input[type=checkbox]');
	await box.waitFor();
	for (const other of await page.locator('pt-table tr.selected input[type=checkbox]').all())
		await other.uncheck();
	await box.check();
}

export async function waitForState(page, name, state, timeout) {
	await open(page, 'vms');
	await row(page, name).locator(`pt-vm-state[value="${state}"]`).waitFor({ timeout });
}

export async function turnOff(page, name) {
	await selectVm(page, name);
	await command(page, 'turn-off').click();
	await confirmYes(page);
	await waitForState(page, name, 'off', 60000);
}

/* Also when an earlier step left it running. */
export async function remove(page, name) {
	await selectVm(page, name);
	if (await row(page, name).locator('pt-vm-state[value="running"]').isVisible()) await turnOff(page, name);
	await command(page, 'delete').click();
	await confirmYes(page);
	await row(page, name).waitFor({ state: 'detached', timeout: 30000 });
}

/* fields: name, processors, memory (MiB), diskSize (GiB), iso */
export async function createVm(page, fields) {
	await open(page, 'vms');
	await command(page, 'new').click();
	const form = page.locator('pt-new-vm');
	await input(form, 'name').fill(fields.name);
	await input(form, 'processors').fill(String(fields.processors));
	await form.locator('select[name="memory-unit"]').selectOption('MiB');
	await input(form, 'memory').fill(String(fields.memory));
	await input(form, 'diskSize').fill(String(fields.diskSize));
	await form.locator('select[name="isoId"]').selectOption({ label: fields.iso });
	await form.locator('[data-submit]').click();
	await form.waitFor({ state: 'detached' });
}

export async function openConsole(page, name) {
	await open(page, 'vms');
	await row(page, name).getByRole('link', { name, exact: true }).click();
	await command(page, 'console').click();
	await page.locator('.stage[data-status="connected"]').waitFor({ timeout: 60000 });
}

/* Serious accessibility mistakes on the page as it is. `region` knows no alert dialogs and is left out. */
export async function accessibilityProblems(page) {
	const { violations } = await new AxeBuilder({ page }).disableRules(['region']).analyze();
	return violations.map(
		({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`,
	);
}
