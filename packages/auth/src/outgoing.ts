/** Outgoing HTTP: addresses, time limits and size limits, and the connection to an authorization server. */

import { assertOptions, isObject, systemClock } from './options.ts';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface IssuerOptions {
  /** Identifier of the authorization server, exactly as its discovery document and its tokens say it. */
  readonly issuer: string;
  /** Where it is reached, when that differs from its identifier. */
  readonly address?: string | undefined;
  /** For each request. Default 5000. */
  readonly timeoutMs?: number | undefined;
  readonly fetch?: Fetch | undefined;
  /** Allow http to another machine, inside a network that one trusts. Default: https, or http to loopback. */
  readonly allowInsecureHttp?: boolean | undefined;
  /** Is told of a fault in the set-up, once for each. Default: `process.emitWarning`. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Epoch seconds. */
  readonly now?: (() => number) | undefined;
}

/** A key set, an introspection or a discovery document could not be had. Says nothing about any token. */
export class TokenCheckUnavailableError extends Error {
  readonly retryAfterSeconds: number;

  constructor(message: string, options: { retryAfterSeconds?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'TokenCheckUnavailableError';
    this.retryAfterSeconds = options.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS;
  }
}

/**
 * The connection to one authorization server. `send` sends nothing to an address that is not secure.
 * `metadata` gives the discovery document (RFC 8414), which is fetched once, when first needed, and again after a failure.
 * Throws TypeError for a malformed option; `metadata` and `getJson` throw TokenCheckUnavailableError.
 */
export function connectToIssuer(options: IssuerOptions) {
  const {
    issuer,
    address = issuer,
    timeoutMs = 5000,
    allowInsecureHttp = false,
    now = systemClock,
  } = options;
  const { fetch: fetchIt = fetch } = options;
  assertOptions('name', { issuer, address });
  assertOptions('number', { timeoutMs });
  assertOptions('function', { now, fetch: fetchIt });
  assertSecureUrl(issuer, true);
  assertSecureUrl(address, allowInsecureHttp);

  const identifier = withoutTrailingSlash(issuer);
  const base = withoutTrailingSlash(address);
  const warnOnce = createWarner(options.onWarning);
  let discovery: Promise<Readonly<Record<string, unknown>>> | undefined;

  /** Requests to addresses under the issuer's identifier go to its address. */
  const send: Fetch = async (url, init) => {
    const isAtIssuer = url === identifier || url.startsWith(`${identifier}/`);
    const target = isAtIssuer ? base + url.slice(identifier.length) : url;
    assertSecureUrl(target, allowInsecureHttp);
    return fetchIt(target, init);
  };

  /** GETs a JSON object. A failure of any kind is a TokenCheckUnavailableError. */
  async function getJson(url: string): Promise<Readonly<Record<string, unknown>>> {
    let body: unknown;
    try {
      const response = await send(url, {
        headers: { accept: 'application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await readBounded(response);
      if (response.status !== 200) {
        throw new TokenCheckUnavailableError(`${url} answered ${response.status}`, {
          retryAfterSeconds: retryAfterOf(response, now()),
        });
      }
      body = JSON.parse(text);
    } catch (cause) {
      if (cause instanceof TokenCheckUnavailableError) throw cause;
      throw new TokenCheckUnavailableError(`${url} could not be read`, { cause });
    }
    if (!isObject(body)) throw new TokenCheckUnavailableError(`${url} answered no JSON object`);
    return body;
  }

  async function discover(): Promise<Readonly<Record<string, unknown>>> {
    const metadata = await getJson(`${identifier}/.well-known/openid-configuration`);
    if (metadata['issuer'] === issuer) return metadata;
    const found = JSON.stringify(metadata['issuer'])?.slice(0, 200) ?? 'nothing';
    throw new TokenCheckUnavailableError(
      `the server at ${base} calls itself ${found}, and the option issuer says ${JSON.stringify(issuer)}: ` +
        'issuer must be exactly what the server says; the option address says where it is reached',
    );
  }

  return {
    send,
    getJson,
    timeoutMs,
    now,
    async metadata() {
      const current = (discovery ??= discover());
      try {
        return await current;
      } catch (error) {
        if (discovery === current) discovery = undefined;
        warnOnce(`the issuer ${issuer} cannot be used: ${explain(error)}`);
        throw error;
      }
    },
  };
}

export type IssuerConnection = ReturnType<typeof connectToIssuer>;

const MAXIMUM_WARNINGS = 10;

/** Passes every message on once. */
export function createWarner(onWarning: IssuerOptions['onWarning'] = emitWarning) {
  assertOptions('function', { onWarning });
  const warned = new Set<string>();
  return (message: string): void => {
    if (warned.has(message) || warned.size >= MAXIMUM_WARNINGS) return;
    warned.add(message);
    onWarning(message);
  };
}

function emitWarning(message: string): void {
  process.emitWarning(message, { code: 'BEHALF_AUTH' });
}

/** An error and its causes in one line. The text of a SyntaxError is left out, because it quotes the answer that was parsed. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error instanceof SyntaxError) return 'the answer is no JSON';
  return error.cause === undefined ? error.message : `${error.message}: ${explain(error.cause)}`;
}

function withoutTrailingSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url;
}

/**
 * Whether a URL leads to this very machine. A name below `localhost` does not count: RFC 6761 §6.3 asks resolvers to keep
 * it on the machine, but those of Node may ask the network.
 */
export function isLoopbackUrl(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

/** Whether a URL is plain http to another machine. No token, secret or key may go there (RFC 9700 §2.6). */
export function isPlainHttpElsewhere(url: string): boolean {
  return new URL(url).protocol === 'http:' && !isLoopbackUrl(url);
}

/** Throws TypeError unless the URL is https, or http to this very machine, or http was allowed explicitly. */
export function assertSecureUrl(url: string, allowInsecureHttp: boolean): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new TypeError(`${url} is not an http(s) address`);
  if (!allowInsecureHttp && isPlainHttpElsewhere(url))
    throw new TypeError(`${url} must be https; the option allowInsecureHttp allows http to another machine`);
}

const MAXIMUM_BODY_BYTES = 256 * 1024;

/** The body as text. Throws RangeError, and cancels the body, when it is larger than `maximumBytes`. */
export async function readBounded(response: Response, maximumBytes = MAXIMUM_BODY_BYTES): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maximumBytes) throw new RangeError('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export const DEFAULT_RETRY_AFTER_SECONDS = 5;

const MAXIMUM_RETRY_AFTER_SECONDS = 300;

/** `Retry-After` in seconds, given as a number or as a date (RFC 9110 §10.2.3), from 1 to 300; 5 when there is none. */
export function retryAfterOf(response: Response, now: number): number {
  const value = response.headers.get('retry-after') ?? '';
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil(Date.parse(value) / 1000 - now);
  if (Number.isNaN(seconds)) return DEFAULT_RETRY_AFTER_SECONDS;
  return Math.min(Math.max(seconds, 1), MAXIMUM_RETRY_AFTER_SECONDS);
}
