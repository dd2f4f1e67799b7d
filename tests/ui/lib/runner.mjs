// SPDX-License-Identifier: Apache-2.0
// Runs the steps of a journey one after another: a line "ok N - name" or "not ok N - name" each, a time limit each.
// A step whose `needs` failed is counted as failed at once, so that a broken appliance ends the test quickly.
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

const failed = new Set();
let number = 0;
let passed = 0;
let onFailure = async () => {};

/* `hook(name)` is called after a failed step, to keep a picture of what was there. */
export function whenAStepFails(hook) {
	onFailure = hook;
}

function withLimit(work, seconds) {
	let timer;
	const limit = new Promise((_resolve, reject) => {
		timer = setTimeout(() => reject(new Error(`took longer than ${seconds} s`)), seconds * 1000);
	});
	return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}

function firstLines(error) {
	return String(error?.message ?? error)
		.split('\n')
		.slice(0, 12)
		.map((line) => `    ${line}`)
		.join('\n');
}

export async function step(name, { limit = 30, needs = [] }, work) {
	number++;
	const missing = needs.find((need) => failed.has(need));
	if (missing) {
		failed.add(name);
		console.log(`not ok ${number} - ${name}\n    not reached: "${missing}" failed`);
		return;
	}
	const begin = Date.now();
	try {
		await withLimit(work(), limit);
		passed++;
		console.log(`ok ${number} - ${name} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
	} catch (error) {
		failed.add(name);
		console.log(
			`not ok ${number} - ${name} (${((Date.now() - begin) / 1000).toFixed(1)} s)\n${firstLines(error)}`,
		);
		await withLimit(onFailure(name), 20).catch(() => {});
	}
}

/* "passed N" and "failed N" for .ci/run; the exit status says the same. */
export function finish(results) {
	mkdirSync(dirname(results), { recursive: true });
	appendFileSync(results, `passed ${passed}\nfailed ${failed.size}\n`);
	console.log(`browser test: ${passed} passed, ${failed.size} failed`);
	return failed.size === 0 ? 0 : 1;
}
