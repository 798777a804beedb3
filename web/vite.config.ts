import { appendFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

import { xtermUnderPolicy } from './xterm-policy';

const LICENCES = 'licences.md';
const server = process.env.CODELAB_SERVER ?? 'http://127.0.0.1:8000';

/** Leaves a compressed copy beside each asset that shrinks, so that the server need not make one. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    writeBundle(options, bundle) {
      for (const name of Object.keys(bundle).filter((one) => /^assets\/.*\.(css|js|svg)$/.test(one))) {
        const file = join(options.dir ?? '', name);
        writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
      }
    },
  };
}

/** Adds the fonts' licences to those of the code: style sheets alone bring them in. */
function fontLicences(): Plugin {
  const fonts = 'node_modules/@fontsource-variable';
  return {
    name: 'font-licences',
    apply: 'build',
    writeBundle(options) {
      for (const name of readdirSync(fonts)) {
        const text = readFileSync(join(fonts, name, 'LICENSE'), 'utf8');
        appendFileSync(join(options.dir ?? '', LICENCES), `\n## ${name} (OFL-1.1)\n\n${text}`);
      }
    },
  };
}

// What reads one language, apart from what all of them share.
const LANGUAGE = /@codemirror\/(?:lang-|legacy-modes)|@lezer\/(?!common|highlight|lr)/;

/** Names the chunks that read one language each, so that the sizes of the rest can be told. */
function nameOf(chunk: { moduleIds: string[] }): string {
  const isLanguage = chunk.moduleIds.some((id) => LANGUAGE.test(id));
  return isLanguage ? 'assets/language-[hash].js' : 'assets/[name]-[hash].js';
}

// Small pieces that several views share: one by one they would hardly be compressed.
const PARTS = { name: 'parts', test: /@lucide\/|src\/(?:browser|ui|keys|workbench)\//, minShareCount: 2 };

export default defineConfig({
  plugins: [svelte(), xtermUnderPolicy(), compressed(), fontLicences()],
  // The browser knows the names itself; the table that Markdown would bring along is large.
  resolve: { alias: { entities: fileURLToPath(new URL('src/markdown/entities.ts', import.meta.url)) } },
  // Not made ready beforehand: the plugin would not see it.
  optimizeDeps: { exclude: ['@xterm/xterm'] },
  // The server replaces this with a fresh value in every response.
  html: { cspNonce: 'CODELAB_CSP_NONCE' },
  build: {
    outDir: '../src/codelab/web/static',
    emptyOutDir: true,
    target: 'es2022',
    // A data: script or font would need a hole in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    // The licences of what is bundled travel with it.
    license: { fileName: LICENCES },
    rolldownOptions: { output: { chunkFileNames: nameOf, codeSplitting: { groups: [PARTS] } } },
  },
  server: { proxy: { '/api': { target: server, ws: true }, '/health': server } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
