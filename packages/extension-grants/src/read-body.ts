import type { IncomingMessage } from 'node:http';

/** Beyond this, the rest of a body that is too large anyway is not read to its end. */
const MAXIMUM_DISCARDED_BYTES = 1024 * 1024;

export type ReadBody =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'too_large' }
  /** The client went away. */
  | { readonly kind: 'aborted' };

/**
 * Reads a request's body. What is too large is read on a little and discarded, so that the client gets to see the answer.
 */
export function readBody(req: IncomingMessage, maximumBytes: number): Promise<ReadBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let received = 0;

    req.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received <= maximumBytes) chunks.push(chunk);
      if (received > maximumBytes + MAXIMUM_DISCARDED_BYTES) {
        req.pause();
        resolve({ kind: 'too_large' });
      }
    });
    req.on('end', () => {
      resolve(
        received > maximumBytes ? { kind: 'too_large' } : { kind: 'body', bytes: Buffer.concat(chunks) },
      );
    });
    req.on('error', () => resolve({ kind: 'aborted' }));
    req.on('close', () => resolve({ kind: 'aborted' }));
  });
}
