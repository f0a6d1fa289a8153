/** Outgoing HTTP: addresses, time limits and size limits. */

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export const DEFAULT_TIMEOUT_MS = 5000;
export const DEFAULT_RETRY_AFTER_SECONDS = 5;

const MAXIMUM_BODY_BYTES = 256 * 1024;
const MAXIMUM_RETRY_AFTER_SECONDS = 300;

/** A key set, an introspection or a discovery document could not be had. Says nothing about any token. */
export class TokenCheckUnavailableError extends Error {
  readonly retryAfterSeconds: number;

  constructor(message: string, options: { retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'TokenCheckUnavailableError';
    this.retryAfterSeconds = options.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS;
  }
}

/** Throws unless the URL is https, or http to this very machine, or http was allowed explicitly (RFC 9700 §2.6). */
export function assertSecureUrl(url: string, allowInsecureHttp = false): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:') return;
  if (protocol !== 'http:') throw new TypeError(`${url} is not an http(s) address`);
  if (!allowInsecureHttp && !isLoopback(hostname))
    throw new TypeError(`${url} must be https, or http must be allowed explicitly`);
}

/** Sends nothing to an address that is not secure, whoever named it: a discovery document may name any. Rejects then. */
export function secureFetch(send: Fetch, allowInsecureHttp: boolean | undefined): Fetch {
  return async (url, init) => {
    assertSecureUrl(url, allowInsecureHttp);
    return send(url, init);
  };
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}

/** An issuer's identifier and the address it is reached at may differ: requests to the one go to the other. */
export function reachIssuerAt(issuer: string, address: string | undefined, send: Fetch): Fetch {
  if (address === undefined || address === issuer) return send;
  const from = withoutTrailingSlash(issuer);
  const to = withoutTrailingSlash(address);
  return (url, init) =>
    send(url === from || url.startsWith(`${from}/`) ? to + url.slice(from.length) : url, init);
}

export function withoutTrailingSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url;
}

/** GETs a JSON object. Every failure, a body that is too large or no object included, is a TokenCheckUnavailableError. */
export async function fetchJsonObject(
  url: string,
  send: Fetch,
  timeoutMs: number,
): Promise<Readonly<Record<string, unknown>>> {
  let body: unknown;
  try {
    const response = await send(url, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await readBounded(response);
    if (response.status !== 200) {
      const retryAfterSeconds = retryAfterOf(response);
      throw new TokenCheckUnavailableError(`${url} answered ${response.status}`, { retryAfterSeconds });
    }
    body = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof TokenCheckUnavailableError) throw cause;
    throw new TokenCheckUnavailableError(`${url} could not be read`, { cause });
  }
  if (!isObject(body)) throw new TokenCheckUnavailableError(`${url} answered no JSON object`);
  return body;
}

/** The body as text; throws RangeError when it is larger than any answer that is expected here. */
export async function readBounded(response: Response): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > MAXIMUM_BODY_BYTES) throw new RangeError('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3), kept within reason; a default when there is none. */
export function retryAfterOf(response: Response): number {
  const value = response.headers.get('retry-after');
  const seconds = value === null || !/^\d+$/.test(value) ? DEFAULT_RETRY_AFTER_SECONDS : Number(value);
  return Math.min(Math.max(seconds, 1), MAXIMUM_RETRY_AFTER_SECONDS);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The clock of everything here unless another is given: epoch seconds. */
export function systemClock(): number {
  return Math.floor(Date.now() / 1000);
}
