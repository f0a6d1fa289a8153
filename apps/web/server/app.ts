import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { healthRoutes } from '@behalf/service';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { ClientConfig } from '../src/config.ts';
import { withClientConfig } from './page.ts';

export interface WebAppOptions {
  /** The folder that `vite build` wrote. */
  readonly root: string;
  readonly client: ClientConfig;
  /** Where people reach this app. */
  readonly url: string;
}

/**
 * Serves the built client: files with a hash in their name for a year, the page for every other path (the router is in
 * the browser), and no page for a missing file. Throws when the client has not been built.
 */
export function createApp({ root, client, url }: WebAppOptions): Express {
  const page = withClientConfig(readFileSync(join(root, 'index.html'), 'utf8'), client);
  const app = express();
  app.disable('x-powered-by').enable('case sensitive routing').enable('strict routing');
  app.use(healthRoutes({ ready: () => undefined }));
  app.use(securityHeaders(client));
  app.use('/assets', express.static(join(root, 'assets'), { immutable: true, maxAge: '1y', index: false }));
  app.use('/assets', notFound);
  app.get('/index.html', (_request, response) => response.redirect(308, '/'));
  app.use(express.static(root, { index: false, maxAge: '1h' }));
  app.get('/{*path}', (request, response, next) => {
    if (/\.[a-z0-9]+$/i.test(request.path)) return next();
    const elsewhere = rightAddress(request.headers.host, request.originalUrl, url);
    if (elsewhere !== undefined) return response.redirect(307, elsewhere);
    response.set('Cache-Control', 'no-cache').type('html').send(page);
  });
  app.use(notFound);
  app.use(malformed);
  return app;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Where to go instead when somebody came by another name of this machine: `127.0.0.1` and `localhost` are two origins,
 * and the STS sends people back to one. Other names are left alone, because a proxy may have put its own.
 */
export function rightAddress(host: string | undefined, path: string, url: string): string | undefined {
  const right = new URL(url);
  const came = URL.parse(`http://${host}`);
  if (!came || came.hostname === right.hostname) return undefined;
  if (!LOOPBACK.has(came.hostname) || !LOOPBACK.has(right.hostname)) return undefined;
  // Joined as text: `//elsewhere.example` as a path must stay a path.
  return right.origin + path;
}

/**
 * Content security policy: scripts and styles from here alone, connections to the issuer, the two APIs and the agent. The issuer
 * may be framed because a session is restored in a hidden frame, which ends on our own `/callback`; that is also why
 * this page may frame itself, and nobody else may.
 */
function securityHeaders({ issuer, api1Url, api2Url, agentUrl }: ClientConfig): RequestHandler {
  const authorizationServer = new URL(issuer).origin;
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'", ...[issuer, api1Url, api2Url, agentUrl].map((url) => new URL(url).origin)],
        frameSrc: ["'self'", authorizationServer],
        frameAncestors: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
      },
    },
    xFrameOptions: { action: 'sameorigin' },
    referrerPolicy: { policy: 'no-referrer' },
  });
}

const notFound: RequestHandler = (_request, response) => {
  response.status(404).type('text').set('Cache-Control', 'no-store').send('Not found\n');
};

/** An address that cannot be decoded is all that fails here; Express itself would answer with its stack. */
const malformed: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) return next(error);
  response.status(400).type('text').set('Cache-Control', 'no-store').send('Bad request\n');
};
