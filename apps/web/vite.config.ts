import { createServer } from 'node:net';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { readExcerpts } from './excerpts.ts';
import { rightAddress } from './server/app.ts';
import { loadConfig } from './server/config.ts';
import { withClientConfig } from './server/page.ts';

// For the development server alone. `vite build` sets NODE_ENV to production, and what it builds holds no configuration.
const config = loadConfig({ ...process.env, NODE_ENV: 'development' });

/** The development server does what the host does for a built page: puts the configuration in, and sends people to the right address. */
const clientConfig: Plugin = {
  name: 'behalf-client-config',
  apply: 'serve',
  transformIndexHtml: (html) => withClientConfig(html, config.client),
  configureServer({ middlewares }) {
    middlewares.use((request, response, next) => {
      const location = rightAddress(request.headers.host, request.url ?? '/', config.url);
      if (location === undefined) return next();
      response.writeHead(307, { Location: location }).end();
    });
  },
};

const [host = 'localhost', ...otherHosts] = config.hosts ?? [];

/** Vite listens on one address. Connections to the others are handed to it; a machine without IPv6 has no `::1`. */
const listenElsewhere: Plugin = {
  name: 'behalf-listen-elsewhere',
  apply: 'serve',
  configureServer({ httpServer }) {
    httpServer?.once('listening', () => {
      for (const other of otherHosts) {
        const server = createServer((socket) => void httpServer.emit('connection', socket));
        server.on('error', () => server.close()).listen(config.port, other);
        httpServer.once('close', () => server.close());
      }
    });
  },
};

export default defineConfig({
  plugins: [react(), clientConfig, listenElsewhere],
  define: { __EXCERPTS__: JSON.stringify(readExcerpts()) },
  server: {
    port: config.port,
    strictPort: true,
    host,
    allowedHosts: ['localhost', '127.0.0.1'],
  },
  build: { target: 'es2023', sourcemap: true },
});
