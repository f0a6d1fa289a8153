import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { decodeJwt } from 'jose';
import { type Form, holdsNul, parseForm } from './form.ts';

export interface TokenRequestGuardOptions {
  /** Names the server in challenges. */
  readonly realm: string;
  /** Parameters that must be there. Default `grant_type`; for introspection and revocation `token`, for PAR none. */
  readonly required?: readonly string[];
  /** Parameters that may be sent more than once. Default `audience` and `resource`. */
  readonly mayRepeat?: readonly string[];
  /** Origins whose scripts may call this endpoint, exactly as browsers send them. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Default 56 KiB. */
  readonly maximumBytes?: number;
  /** Default 100. */
  readonly maximumPairs?: number;
}

export type TokenRequestGuard = (
  req: GuardedRequest,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void;

type Fault = { readonly status: number; readonly error: string; readonly description: string };

type Checked = { readonly form: Form } | { readonly fault: Fault } | undefined;

const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/**
 * Connect-style middleware in front of an endpoint to which clients post forms: token, introspection, revocation, pushed
 * authorization requests. It reads the body and refuses what is malformed (400 `invalid_request`, 413 past the limit,
 * 405 for anything but POST) or names no client (401 `invalid_client`), with JSON that is not stored.
 *
 * It hands on the body without empty parameters, in `req.body` as a Buffer and to whoever reads the request
 * (`presentBody`), and asks for JSON whatever the client's `Accept` said.
 *
 * Not checked: the credentials, and everything that depends on the grant.
 */
export function createTokenRequestGuard(options: TokenRequestGuardOptions): TokenRequestGuard {
  const allowedOrigins = new Set(options.allowedOrigins);

  async function guard(req: GuardedRequest, res: ServerResponse): Promise<boolean> {
    // RFC 6749 §5.1 asks for both.
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('Pragma', 'no-cache');
    if (allowedOrigins.size > 0) allowOrigin(req, res, allowedOrigins);
    if (req.method === 'OPTIONS') {
      res.writeHead(204, { Allow: 'POST, OPTIONS' }).end();
      return false;
    }
    const checked = await check(req, options);
    if (checked === undefined) return false;
    if ('fault' in checked) {
      answer(res, checked.fault, options.realm);
      return false;
    }
    presentBody(req, checked.form.body);
    req.headers.accept = 'application/json';
    return true;
  }

  async function run(req: GuardedRequest, res: ServerResponse, next: (error?: unknown) => void) {
    let passed: boolean;
    try {
      passed = await guard(req, res);
    } catch (error) {
      next(error);
      return;
    }
    if (passed) next();
  }

  return (req, res, next) => {
    void run(req, res, next);
  };
}

async function check(req: GuardedRequest, options: TokenRequestGuardOptions): Promise<Checked> {
  const { maximumBytes = 56 * 1024, maximumPairs = 100 } = options;
  if (req.method !== 'POST') return { fault: { ...invalidRequest('only POST is allowed'), status: 405 } };

  const read = await readBody(req, maximumBytes);
  if (read.kind === 'aborted') return undefined;
  if (read.kind === 'too_large')
    return { fault: { ...invalidRequest('the body is too large'), status: 413 } };
  if (!FORM_TYPE.test(req.headers['content-type'] ?? '') || req.headers['content-encoding'] !== undefined) {
    return { fault: invalidRequest('the body must be application/x-www-form-urlencoded') };
  }
  const parsed = parseForm(read.bytes, maximumPairs);
  if (!parsed.ok) return { fault: invalidRequest(parsed.description) };

  const { form } = parsed;
  const fault = faultOf(form, options) ?? clientFaultOf(req, form);
  return fault === undefined ? { form } : { fault };
}

function faultOf(form: Form, options: TokenRequestGuardOptions): Fault | undefined {
  const { required = ['grant_type'], mayRepeat = ['audience', 'resource'] } = options;
  for (const [name, values] of form.values) {
    if (values.length > 1 && !mayRepeat.includes(name)) return invalidRequest('a parameter is repeated');
    if (holdsNul(form, name) && !CREDENTIAL_PARAMETERS.includes(name)) {
      return invalidRequest('the body contains NUL');
    }
  }
  const missing = required.find((name) => !form.values.has(name));
  return missing === undefined ? undefined : invalidRequest(`${missing} is missing`);
}

function clientFaultOf(req: IncomingMessage, form: Form): Fault | undefined {
  const presented = checkPresentedClient(req.headers.authorization, form);
  if (presented.ok) return undefined;
  return { ...presented, status: presented.error === 'invalid_client' ? 401 : 400 };
}

function invalidRequest(description: string): Fault {
  return { status: 400, error: 'invalid_request', description };
}

function answer(res: ServerResponse, { status, error, description }: Fault, realm: string): void {
  if (status === 401) res.setHeader('WWW-Authenticate', `Basic realm="${realm}"`);
  if (status === 405) res.setHeader('Allow', 'POST, OPTIONS');
  if (status === 413) res.setHeader('Connection', 'close');
  res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
  res.end(JSON.stringify({ error, error_description: description }));
}

/** With these headers set, oidc-provider leaves CORS alone (Fetch §3.3). */
function allowOrigin(req: IncomingMessage, res: ServerResponse, allowed: ReadonlySet<string>): void {
  res.appendHeader('Vary', 'Origin');
  const { origin } = req.headers;
  if (origin === undefined || !allowed.has(origin)) return;
  res.setHeader('Access-Control-Allow-Origin', origin);
  res.setHeader('Access-Control-Expose-Headers', 'WWW-Authenticate, DPoP-Nonce, Retry-After');
  if (req.method !== 'OPTIONS') return;
  res.setHeader('Access-Control-Allow-Methods', 'POST');
  res.setHeader('Access-Control-Allow-Headers', 'authorization, content-type, dpop');
  res.setHeader('Access-Control-Max-Age', '3600');
}

export type PresentedClient =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly error: 'invalid_request' | 'invalid_client';
      readonly description: string;
    };

/** What a client presents itself with in the body. */
export const CREDENTIAL_PARAMETERS: readonly string[] = ['client_id', 'client_secret', 'client_assertion'];

/**
 * How a client presents itself, as far as that can be told without knowing it: by one mechanism at most (RFC 6749 §2.3),
 * well-formed, and not without any name (§5.2: `invalid_client`).
 *
 * Not checked: the credentials.
 */
export function checkPresentedClient(authorization: string | undefined, form: Form): PresentedClient {
  const { values } = form;
  const assertion = values.get('client_assertion')?.[0];
  const mechanisms = [authorization, values.get('client_secret'), assertion].filter(
    (used) => used !== undefined,
  );
  if (mechanisms.length > 1) {
    return {
      ok: false,
      error: 'invalid_request',
      description: 'the client authenticates in more than one way',
    };
  }
  if (CREDENTIAL_PARAMETERS.some((name) => holdsNul(form, name))) {
    return invalidClient('the client authentication contains NUL');
  }
  if (authorization !== undefined && !isBasic(authorization)) {
    return invalidClient('the Authorization header is no Basic authentication');
  }
  if (assertion !== undefined && !namesSubject(assertion)) {
    return invalidClient('the client assertion is malformed');
  }
  if (authorization === undefined && assertion === undefined && !values.has('client_id')) {
    return invalidClient('the client did not authenticate');
  }
  return { ok: true };
}

/** RFC 7617 with the encoding of RFC 6749 §2.3.1; id and secret must both be there. */
function isBasic(authorization: string): boolean {
  const encoded = /^basic +([\w+/-]+={0,2})$/i.exec(authorization)?.[1];
  if (encoded === undefined) return false;
  const credentials = Buffer.from(encoded, 'base64').toString('utf8');
  const [id = '', ...secret] = credentials.split(':');
  return [id, secret.join(':')].every(isEncodedCredential);
}

function isEncodedCredential(encoded: string): boolean {
  try {
    return /^[\x20-\x7e]+$/.test(decodeURIComponent(encoded.replaceAll('+', ' ')));
  } catch {
    return false;
  }
}

/** RFC 7523 §3: the client is the assertion's `sub`. */
function namesSubject(assertion: string): boolean {
  try {
    const { sub } = decodeJwt(assertion);
    return typeof sub === 'string' && sub !== '';
  } catch {
    return false;
  }
}

function invalidClient(description: string): PresentedClient {
  return { ok: false, error: 'invalid_client', description };
}

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
