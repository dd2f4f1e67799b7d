// SPDX-License-Identifier: Apache-2.0
// How the browser ui is bundled: hashed names, each text file also as .gz (webapi sends that one to browsers that
// take it), noVNC and xterm.js in chunks of their own because only the console pages load them.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

function gzipOutput(): Plugin {
	let outDir = '';
	return {
		name: 'gzip-output',
		apply: 'build',
		configResolved: (config) => {
			outDir = config.build.outDir;
		},
		closeBundle() {
			for (const name of readdirSync(outDir, { recursive: true, encoding: 'utf8' })) {
				const path = join(outDir, name);
				if (/\.(js|css|html|svg)$/.test(name) && statSync(path).isFile())
					writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
			}
		},
	};
}

export default defineConfig({
	base: './',
	plugins: [gzipOutput()],
	build: {
		outDir: process.env.UI_OUT ?? '../build/ui',
		emptyOutDir: true,
		target: 'es2022',
		assetsInlineLimit: 0,
		chunkSizeWarningLimit: 600,
	},
	// `npm run dev` beside a running appliance: PARTITA_URL=https://localhost:8443 npm run dev
	server: {
		proxy: {
			'/api': {
				target: process.env.PARTITA_URL ?? 'https://localhost:8443',
				secure: false,
				ws: true,
				rewriteWsOrigin: true,
			},
		},
	},
});
