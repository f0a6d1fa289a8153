import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { loadConfig } from './server/config.ts';
import { withClientConfig } from './server/page.ts';

const config = loadConfig(process.env);

/** The development server puts the configuration into the page; a built page keeps the place open for its host. */
const clientConfig: Plugin = {
  name: 'behalf-client-config',
  apply: 'serve',
  transformIndexHtml: (html) => withClientConfig(html, config.client),
};

export default defineConfig({
  plugins: [react(), clientConfig],
  server: {
    port: config.port,
    strictPort: true,
    // Both loopback addresses: `localhost` is either, depending on the machine.
    host: 'localhost',
    allowedHosts: ['localhost', '127.0.0.1'],
  },
  build: { target: 'es2023', sourcemap: true },
});
