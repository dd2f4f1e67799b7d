// SPDX-License-Identifier: Apache-2.0
// What a newcomer does, in a real browser on the booted appliance: first password, install media, two virtual
// machines, their consoles with keyboard and mouse, and the way back. Environment: PARTITA_URL, PARTITA_USER,
// PARTITA_PASSWORD (one-time or already changed), PARTITA_NEW_PASSWORD, INSTALLER_ISO, MEMTEST_ISO, SCREENSHOTS,
// SCRATCH, TEST_RESULTS.
import { readFileSync, writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import {
	accessibilityProblems,
	button,
	command,
	confirmYes,
	createVm,
	input,
	open,
	openConsole,
	remove,
	row,
	selectVm,
	signIn,
	turnOff,
	waitForState,
} from './lib/pages.mjs';
import { finish, step, whenAStepFails } from './lib/runner.mjs';
import { canvasPng, waitForChange, waitForPicture, waitForText } from './lib/screen.mjs';

const env = process.env;
const flags = [
	'--headless=new',
	'--no-sandbox',
	'--disable-gpu',
	'--disable-background-networking',
	'--disable-dev-shm-usage',
];
const browser = await chromium.launch({ executablePath: env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const context = await browser.newContext({
	viewport: { width: 1280, height: 800 },
	locale: 'en-GB',
	ignoreHTTPSErrors: true,
	baseURL: env.PARTITA_URL,
});
context.setDefaultTimeout(20000);
const page = await context.newPage();
const second = await context.newPage();
const pageErrors = [];
for (const one of [page, second]) one.on('pageerror', (error) => pageErrors.push(error.message));

const picture = (name, of = page) => of.screenshot({ path: `${env.SCREENSHOTS}/${name}.png` });
const scratch = (name) => `${env.SCRATCH}/${name}`;
const figure = (what, begin) => console.log(`# ${what}: ${((Date.now() - begin) / 1000).toFixed(1)} s`);
const expect = (condition, message) => {
	if (!condition) throw new Error(message);
};
const expectAccessible = async () => {
	const problems = await accessibilityProblems(page);
	expect(problems.length === 0, problems.join('\n'));
};

const failurePictures = async (name) => {
	const file = name.replace(/\W+/g, '-').slice(0, 60);
	await picture(`failed-${file}`);
	await picture(`failed-${file}-second-page`, second);
};
whenAStepFails(failurePictures);

const INSTALLER = 'debian-installer.iso';
const MEMTEST = 'memtest.iso';
const installerVm = 'installer';
const memtestVm = 'memtest';
let started = 0;

await step('the sign-in page comes up', { limit: 60 }, async () => {
	await page.goto('/');
	await input(page, 'username').waitFor();
	await expectAccessible();
	await picture('sign-in');
});

await step('a wrong password is refused in words', { needs: ['the sign-in page comes up'] }, async () => {
	await signIn(page, env.PARTITA_USER, 'not the password');
	await page.locator('pt-sign-in fluent-message-bar').waitFor();
});

await step(
	'the one-time password must be changed before anything else',
	{ limit: 60, needs: ['the sign-in page comes up'] },
	async () => {
		await signIn(page, env.PARTITA_USER, env.PARTITA_PASSWORD);
		const form = page.locator('pt-first-password');
		await form.or(page.locator('pt-overview')).first().waitFor();
		if ((await form.count()) === 0)
			return; /* the appliance was used before this test: its password is an ordinary one */
		await expectAccessible();
		await input(form, 'current').fill(env.PARTITA_PASSWORD);
		await input(form, 'next').fill('short');
		await input(form, 'again').fill('short');
		await page.keyboard.press('Enter');
		await form.locator('.problem').waitFor();
		await input(form, 'next').fill(env.PARTITA_NEW_PASSWORD);
		await input(form, 'again').fill(env.PARTITA_NEW_PASSWORD);
		await page.keyboard.press('Enter');
		await page.locator('pt-overview').waitFor();
		writeFileSync(`${env.SCRATCH}/password-changed`, '');
	},
);
const signedIn = { needs: ['the one-time password must be changed before anything else'] };

await step('the overview shows the host and its hypervisor', { ...signedIn }, async () => {
	const overview = page.locator('pt-overview');
	await overview.getByText(/Partita hypervisor/).waitFor();
	await overview.getByText(/Partita \d/).waitFor();
	await picture('overview');
});

for (const name of ['overview', 'vms', 'disks', 'media', 'switches', 'memory', 'jobs', 'events', 'host']) {
	await step(
		`the page "${name}" has no accessibility mistakes in either theme`,
		{ limit: 60, ...signedIn },
		async () => {
			await open(page, name);
			await page.locator(`pt-${name}`).waitFor();
			for (const colorScheme of ['dark', 'light']) {
				await page.emulateMedia({ colorScheme });
				await expectAccessible();
			}
		},
	);
}

await step('a private switch is made and deleted', { limit: 60, ...signedIn }, async () => {
	const lab = page.locator('pt-switches pt-table tr[data-id]', { hasText: 'Laboratory' });
	await open(page, 'switches');
	await command(page, 'new').click();
	await input(page, 'name').fill('Laboratory');
	await page.locator('input[type=radio][value=private]').check();
	await page.locator('pt-switch-form fluent-button[data-submit]').click();
	await lab.locator('input[type=checkbox]').check();
	await picture('switches');
	await command(page, 'delete').click();
	await confirmYes(page);
	await lab.waitFor({ state: 'detached' });
});

/* A file for the browser to upload; by its path, which is much quicker than its bytes. */
function testFile(name, bytes) {
	writeFileSync(scratch(name), bytes);
	return scratch(name);
}

await step('a virtual disk is uploaded and comes back as it was', { limit: 240, ...signedIn }, async () => {
	const bytes = Buffer.alloc(3 << 20, 'partita');
	const disks = page.locator('pt-disks');
	const uploadedDisk = disks.locator('tr[data-id]', { hasText: 'sample' });
	await open(page, 'disks');
	await disks.locator('input[type=file]').setInputFiles(testFile('sample.img', bytes));
	await uploadedDisk.locator('input[type=checkbox]').check({ timeout: 60000 });
	await disks.locator('[data-volume]').first().waitFor();
	await picture('disks');
	const [download] = await Promise.all([page.waitForEvent('download', { timeout: 60000 }), command(page, 'download').click()]);
	expect(readFileSync(await download.path()).equals(bytes), 'the downloaded file is another one');
	await command(page, 'delete').click();
	await confirmYes(page);
	await uploadedDisk.waitFor({ state: 'detached', timeout: 60000 });
});

await step('a certificate that is none is refused at its field', { limit: 120, ...signedIn }, async () => {
	await open(page, 'host');
	await page.locator('pt-host').getByText('CN=Partita appliance').first().waitFor();
	await picture('host');
	await command(page, 'replace-certificate').click();
	const form = page.locator('pt-certificate-form');
	await form.locator('[data-submit]').click();
	await form.locator('#certificate-problem .problem').waitFor();
	for (const name of ['certificate', 'privateKey']) await form.locator(`textarea[name=${name}]`).fill('no PEM at all');
	await form.locator('[data-submit]').click();
	await form.locator('#privateKey-problem .problem').getByText(/not a private key/).waitFor({ timeout: 60000 });
	await expectAccessible();
	await page.keyboard.press('Escape');
	await form.waitFor({ state: 'detached' });
});

await step('the overview draws figures of the host', { limit: 150, ...signedIn }, async () => {
	await open(page, 'overview');
	await page.locator('pt-metrics pt-chart').first().getByText(/\d %/).first().waitFor({ timeout: 60000 });
	await page.locator('pt-metrics pt-chart polyline').first().waitFor({ state: 'attached', timeout: 60000 });
	await picture('figures');
});

/*
 * Lets `parts` parts of an upload through and holds the next one, so that there is something to pause on any machine.
 * The first try of part number `cut` loses its connection: the page must get over that by itself.
 */
async function holdUploadAfter(parts, cut = -1) {
	let seen = 0;
	await page.route('**/api/v1/isos/*', (route) => {
		if (route.request().method() !== 'PUT') return route.continue();
		if (cut-- === 0) return route.abort('connectionreset');
		return seen++ < parts ? route.continue() : undefined;
	});
	return () => page.unroute('**/api/v1/isos/*');
}

const uploaded = 'an upload shows its progress, can be paused and resumed, and ends as ready media';
await step(uploaded, { limit: 300, ...signedIn }, async () => {
	await open(page, 'media');
	const media = page.locator('pt-media');
	const release = await holdUploadAfter(2, 1);
	const begin = Date.now();
	try {
		await media.locator('input[type=file]').setInputFiles(env.INSTALLER_ISO);
		await media.locator('[data-upload="sending"] fluent-progress-bar').waitFor();
		await media.getByText(/32 MiB of/).waitFor({ timeout: 60000 });
		await picture('upload');
		await button(media, `Pause: ${INSTALLER}`).click();
		await media.locator('[data-upload="paused"]').waitFor();
	} finally {
		await release();
	}
	await button(media, `Resume: ${INSTALLER}`).click();
	await media.locator('pt-table tr', { hasText: INSTALLER }).getByText('Ready').waitFor({ timeout: 280000 });
	figure('upload of the installer ISO', begin);
});

await step('an upload can be cancelled and leaves nothing', { limit: 150, ...signedIn }, async () => {
	const media = page.locator('pt-media');
	const release = await holdUploadAfter(1);
	try {
		await media.locator('input[type=file]').setInputFiles(testFile('cancelled.iso', Buffer.alloc(20 << 20)));
		await button(media, 'Cancel: cancelled.iso').click({ timeout: 60000 });
	} finally {
		await release();
	}
	await media.locator('[data-upload]').waitFor({ state: 'detached' });
	await page.reload();
	await media.locator('pt-table tr', { hasText: INSTALLER }).waitFor();
	expect((await media.getByText('cancelled.iso').count()) === 0, 'the cancelled ISO is in the list');
});

await step('a truncated ISO is refused with the reason', { limit: 90, needs: [uploaded] }, async () => {
	const media = page.locator('pt-media');
	const part = readFileSync(env.INSTALLER_ISO).subarray(0, 4 << 20);
	await media.locator('input[type=file]').setInputFiles(testFile('truncated.iso', part));
	await media.locator('[data-upload="refused"] .problem').waitFor({ timeout: 60000 });
	await picture('truncated-iso');
	await button(media, 'Discard: truncated.iso').click();
	await media.locator('[data-upload]').waitFor({ state: 'detached' });
});

await step('a second, smaller ISO is uploaded', { limit: 120, ...signedIn }, async () => {
	const media = page.locator('pt-media');
	await media.locator('input[type=file]').setInputFiles(testFile(MEMTEST, readFileSync(env.MEMTEST_ISO)));
	await media.locator('pt-table tr', { hasText: MEMTEST }).getByText('Ready').waitFor({ timeout: 100000 });
});

await step(
	'mistakes in the form of a new virtual machine are shown at their fields',
	{ limit: 60, ...signedIn },
	async () => {
		await open(page, 'vms');
		await command(page, 'new').click();
		const form = page.locator('pt-new-vm');
		await input(form, 'processors').fill('10000');
		await input(form, 'memory').fill('999999');
		await form.locator('[data-submit]').click();
		await form.locator('#name-problem .problem').waitFor();
		await form.locator('#processors-problem .problem').waitFor();
		await form.locator('#memory-problem .problem').waitFor();
		await expectAccessible();
		await picture('new-vm-mistakes');
		await page.keyboard.press('Escape');
		await form.waitFor({ state: 'detached' });
	},
);

const created = 'a virtual machine with the installer ISO is created and starts';
await step(created, { limit: 90, needs: [uploaded] }, async () => {
	await createVm(page, { name: installerVm, processors: 1, memory: 1024, diskSize: 4, iso: INSTALLER });
	started = Date.now();
	await waitForState(page, installerVm, 'running', 60000);
});

await step(
	'a name that exists is refused at the name field and nothing typed is lost',
	{ limit: 60, needs: [created] },
	async () => {
		await command(page, 'new').click();
		const form = page.locator('pt-new-vm');
		await input(form, 'name').fill(installerVm.toUpperCase());
		await input(form, 'memory').fill('0.5');
		await form.locator('[data-submit]').click();
		await form.locator('#name-problem .problem').waitFor();
		expect((await input(form, 'memory').inputValue()) === '0.5', 'the memory field lost its value');
		await page.keyboard.press('Escape');
		await form.waitFor({ state: 'detached' });
	},
);

const firmware = 'its console shows the firmware, then the boot menu of the ISO';
await step(firmware, { limit: 180, needs: [created] }, async () => {
	await openConsole(page, installerVm);
	await waitForPicture(page, 60);
	figure('Start to a picture on the console (the page was opened meanwhile)', started);
	await waitForText(page, /Debian installer menu/i, 110, scratch('menu'));
	figure('Start to the boot menu', started);
	await expectAccessible();
	await picture('boot-menu');
});

const arrows = 'the arrow keys move the selection of the boot menu';
await step(arrows, { limit: 60, needs: [firmware] }, async () => {
	await page.locator('pt-screen canvas').first().click();
	const before = await canvasPng(page);
	await page.keyboard.press('ArrowDown');
	const after = await waitForChange(page, before, 20);
	await page.keyboard.press('ArrowUp');
	await waitForChange(page, after, 20);
});

const firstScreen = 'Enter starts the installer, and its first screen comes up';
await step(firstScreen, { limit: 620, needs: [arrows] }, async () => {
	const begin = Date.now();
	await page.keyboard.press('Enter');
	await waitForText(page, /Select a language/i, 600, scratch('language'));
	figure("Enter in the boot menu to the installer's first screen", begin);
	await picture('installer');
});

await step(
	'the installer takes keys: the next screen comes up',
	{ limit: 240, needs: [firstScreen] },
	async () => {
		const before = await canvasPng(page);
		await page.keyboard.press('ArrowDown');
		await waitForChange(page, before, 60);
		await page.keyboard.press('ArrowUp');
		await page.keyboard.press('Enter');
		await waitForText(page, /Select your location|Country, territory/i, 170, scratch('location'));
		await picture('installer-location');
	},
);

const beside = 'a second guest runs beside the first';
await step(beside, { limit: 240, needs: [created] }, async () => {
	await second.goto('/');
	await second.locator('pt-overview').waitFor();
	await createVm(second, { name: memtestVm, processors: 1, memory: 128, diskSize: 1, iso: MEMTEST });
	await waitForState(second, memtestVm, 'running', 60000);
	await openConsole(second, memtestVm);
	await waitForText(second, /Memtest86\+? ?v|Pass|Errors/i, 170, scratch('memtest'));
	await picture('memtest', second);
});

await step('the list shows both running, with their screens', { limit: 60, needs: [beside] }, async () => {
	await open(second, 'vms');
	for (const name of [installerVm, memtestVm])
		await row(second, name).locator('pt-vm-state[value="running"]').waitFor();
	await row(second, installerVm).locator('pt-screenshot img').waitFor({ timeout: 40000 });
	await selectVm(second, memtestVm);
	await picture('list', second);
	await turnOff(second, memtestVm);
});

await step('the memory page says what the running machine holds', { limit: 60, needs: [beside] }, async () => {
	await open(second, 'memory');
	await second.locator('pt-memory tr[data-id]', { hasText: installerVm }).getByText('1 GiB').first().waitFor();
	await picture('memory', second);
});

const graphical = 'after a reset the graphical installer comes up in a VBE mode';
await step(graphical, { limit: 800, needs: [arrows] }, async () => {
	await command(page, 'reset').click();
	await confirmYes(page);
	await waitForText(page, /Debian installer menu/i, 120, scratch('menu'));
	await page.locator('pt-screen canvas').first().click();
	const before = await canvasPng(page);
	await page.keyboard.press('ArrowDown');
	await waitForChange(page, before, 20);
	const begin = Date.now();
	await page.keyboard.press('Enter');
	await waitForText(page, /Select a language/i, 640, scratch('graphical'));
	figure("Enter in the boot menu to the graphical installer's first screen", begin);
	await picture('installer-graphical');
});

await step(
	'the mouse moves the pointer of the graphical installer',
	{ limit: 90, needs: [graphical] },
	async () => {
		const box = await page.locator('pt-screen canvas').first().boundingBox();
		const pointAt = (part) =>
			page.mouse.move(box.x + (box.width * part) / 8, box.y + (box.height * part) / 8, { steps: 4 });
		const before = await canvasPng(page);
		for (const part of [1, 2, 3, 4]) await pointAt(part);
		const after = await waitForChange(page, before, 60);
		for (const part of [3, 2]) await pointAt(part);
		await waitForChange(page, after, 60);
		await picture('installer-mouse');
	},
);

await step('the console says when the machine is turned off', { limit: 90, needs: [created] }, async () => {
	await open(page, 'vms');
	await row(page, installerVm).getByRole('link', { name: installerVm, exact: true }).click();
	await command(page, 'console').click();
	await command(page, 'turn-off').click();
	await confirmYes(page);
	await page
		.locator('pt-console .notice')
		.getByText(/is off/)
		.waitFor({ timeout: 60000 });
});

await step(
	'the details of a machine that is off can be read and its settings changed',
	{ limit: 60, needs: [created] },
	async () => {
		await open(page, 'vms');
		await row(page, installerVm).getByRole('link', { name: installerVm, exact: true }).click();
		await page.locator('pt-vm').getByText('IDE 0:0').waitFor();
		await expectAccessible();
		await picture('details');
		await command(page, 'settings').click();
		const form = page.locator('pt-vm-settings');
		await input(form, 'processors').fill('2');
		await expectAccessible();
		await form.locator('[data-submit]').click();
		await form.waitFor({ state: 'detached' });
		await page
			.locator('pt-notices')
			.getByText(/were saved/)
			.waitFor();
	},
);

await step(
	'both machines are deleted, with the disks made for them',
	{ limit: 120, needs: [created] },
	async () => {
		await remove(page, installerVm);
		if ((await row(page, memtestVm).count()) > 0) await remove(page, memtestVm);
		await open(page, 'disks');
		await page.locator('pt-disks').getByText('There are no virtual disks yet.').waitFor();
	},
);

await step('the ui speaks Japanese, and the choice stays', { limit: 60, ...signedIn }, async () => {
	await open(page, 'disks');
	await page.locator('[data-account]').click();
	await page.locator('[data-language="ja"]').click();
	await page.getByRole('heading', { name: '仮想ディスク' }).waitFor();
	await page.keyboard.press('Escape');
	await page.reload();
	await open(page, 'overview');
	await page.getByRole('heading', { name: '概要', exact: true }).waitFor();
	await picture('overview-japanese');
});

await step('signing out ends the session', { limit: 60, ...signedIn }, async () => {
	await page.locator('[data-account]').click();
	await page.locator('[data-sign-out]').click();
	await page.locator('pt-sign-in').waitFor();
	await page.reload();
	await input(page, 'username').waitFor();
});

await step('no page threw an error', {}, async () => {
	expect(pageErrors.length === 0, pageErrors.join('\n'));
});

await browser.close();
process.exit(finish(env.TEST_RESULTS));
