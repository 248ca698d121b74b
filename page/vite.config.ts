import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// The compiled page is part of the Python package, which needs no node to be installed.
export default defineConfig({
  plugins: [svelte()],
  // Relative: a reverse proxy may serve the page under a prefix.
  base: './',
  build: {
    outDir: '../src/tunespace/server/page',
    emptyOutDir: true,
    target: 'es2022',
    // Inlined files would be data: addresses, which the page's policy refuses for scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        // Names without hashes: a new build changes lines of files, not files.
        entryFileNames: 'assets/[name].js',
        chunkFileNames: 'assets/[name].js',
        assetFileNames: 'assets/[name][extname]',
      },
    },
  },
  // The tests run components and state as in a browser.
  resolve: process.env.VITEST ? { conditions: ['browser'] } : {},
  test: { environment: 'happy-dom', include: ['tests/**/*.test.ts'] },
  server: { proxy: { '/api': 'http://127.0.0.1:8731', '/health': 'http://127.0.0.1:8731' } },
});
