import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const server = process.env.CODELAB_SERVER ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [svelte()],
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
  },
  server: { proxy: { '/api': { target: server, ws: true }, '/health': server } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
