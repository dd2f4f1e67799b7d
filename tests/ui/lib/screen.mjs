// SPDX-License-Identifier: Apache-2.0
// What a guest shows, as a person at the console page sees it: the pixels of the console's canvas, read by OCR.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
const LOOK_EVERY_MS = 3000; /* OCR takes processor time that the emulated machine needs */

export async function canvasPng(page) {
	const url = await page
		.locator('pt-screen canvas')
		.first()
		.evaluate((canvas) => canvas.toDataURL('image/png'));
	return Buffer.from(url.split(',')[1], 'base64');
}

/* OCR wants letters about 30 pixels high; a text mode screen has 16. */
export async function readText(png, scratch) {
	writeFileSync(`${scratch}.png`, png);
	await run('convert', [`${scratch}.png`, '-resize', '300%', `${scratch}.big.png`]);
	const { stdout } = await run('tesseract', [`${scratch}.big.png`, '-', '--psm', '6'], {
		timeout: 60000,
		env: { ...process.env, OMP_THREAD_LIMIT: '1' },
	});
	return stdout;
}

function pause(milliseconds) {
	return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/* Looks until the screen says something that matches; the error tells what was read last. */
export async function waitForText(page, wanted, seconds, scratch) {
	const end = Date.now() + seconds * 1000;
	let last = Buffer.alloc(0);
	let text = '(the console has shown no picture)';
	while (Date.now() < end) {
		const png = await canvasPng(page).catch(() => last);
		if (!png.equals(last)) {
			last = png;
			text = await readText(png, scratch);
			if (wanted.test(text)) return text;
		}
		await pause(LOOK_EVERY_MS);
	}
	throw new Error(`the screen did not show ${wanted} within ${seconds} s; it reads:\n${text}`);
}

export async function waitForChange(page, before, seconds) {
	const end = Date.now() + seconds * 1000;
	while (Date.now() < end) {
		const png = await canvasPng(page);
		if (!png.equals(before)) return png;
		await pause(300);
	}
	throw new Error(`the screen did not change within ${seconds} s`);
}

/* A picture in which not every pixel is black. */
export async function waitForPicture(page, seconds) {
	const end = Date.now() + seconds * 1000;
	while (Date.now() < end) {
		const lit = await page
			.locator('pt-screen canvas')
			.first()
			.evaluate((canvas) => {
				const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
				return data.some((value, index) => index % 4 !== 3 && value > 40);
			})
			.catch(() => false);
		if (lit) return;
		await pause(200);
	}
	throw new Error(`the console showed nothing but black for ${seconds} s`);
}
