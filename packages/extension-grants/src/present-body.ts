import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

export type GuardedRequest = IncomingMessage & { body?: unknown };

/**
 * Puts a body in place of one that was read already: `req.body` for middleware, and for oidc-provider the stream, which
 * it reads itself by `readable` and `iterator`. May be called again by whoever changes the body on the way.
 */
export function presentBody(req: GuardedRequest, body: Buffer): void {
  req.body = body;
  req.headers['content-length'] = String(body.length);
  delete req.headers['transfer-encoding'];
  Object.defineProperties(req, {
    readable: { value: true, configurable: true },
    iterator: { value: () => Readable.from([body]).iterator(), configurable: true },
  });
}
