import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeJwt } from 'jose';
import { type Form, parseForm } from './form.ts';
import { REPEATABLE_PARAMETERS } from './requested-target.ts';

export interface TokenRequestGuardOptions {
  /** Names the server in challenges. */
  readonly realm: string;
  /** Parameters that must be there. Default `grant_type`; for introspection and revocation `token`, for PAR none. */
  readonly required?: readonly string[];
  /** Parameters that may be sent more than once. Default `audience` and `resource`. */
  readonly mayRepeat?: readonly string[];
  /** Default 56 KiB. */
  readonly maximumBytes?: number;
}

/** `form`: the body as the guard has parsed it. */
export type GuardedRequest = IncomingMessage & { body?: unknown; form?: Form };

type Next = (error?: unknown) => void;

/** A refusal that is answered before oidc-provider sees the request. */
interface Fault {
  readonly status: number;
  readonly error: string;
  readonly description: string;
}

const MAXIMUM_PAIRS = 100;
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const CREDENTIAL_PARAMETERS: readonly string[] = ['client_id', 'client_secret', 'client_assertion'];

/**
 * Connect-style middleware in front of an endpoint to which clients post forms: token, introspection, revocation, pushed
 * authorization requests. It reads the body and refuses a malformed one (400 `invalid_request`, 413 past the limit, 405
 * for anything but POST) and one that names no client (401 `invalid_client`), with JSON that is not stored.
 *
 * It hands on the body without empty parameters, in `req.body` as a Buffer and to oidc-provider, and asks for JSON
 * whatever the client's `Accept` said.
 *
 * Not checked: the credentials, and everything that depends on the grant.
 */
export function createTokenRequestGuard(options: TokenRequestGuardOptions) {
  const { realm, required = ['grant_type'], mayRepeat = REPEATABLE_PARAMETERS } = options;
  const { maximumBytes = 56 * 1024 } = options;

  /** Whether the request goes on; otherwise it has been answered. */
  async function guard(req: GuardedRequest, res: ServerResponse): Promise<boolean> {
    // RFC 6749 §5.1 asks for both.
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('Pragma', 'no-cache');
    if (req.method === 'OPTIONS') {
      res.writeHead(204, { Allow: 'POST, OPTIONS' }).end();
      return false;
    }
    if (req.method !== 'POST') return answer(res, { ...invalidRequest('only POST is allowed'), status: 405 });
    const bytes = await readBody(req, maximumBytes);
    if (bytes === 'aborted') return false;
    if (bytes === 'too_large') {
      return answer(res, { ...invalidRequest('the body is too large'), status: 413 });
    }
    if (!FORM_TYPE.test(req.headers['content-type'] ?? '') || req.headers['content-encoding'] !== undefined) {
      return answer(res, invalidRequest('the body must be application/x-www-form-urlencoded'));
    }
    const parsed = parseForm(bytes, MAXIMUM_PAIRS);
    if (!parsed.ok) return answer(res, invalidRequest(parsed.description));
    const { form } = parsed;
    const fault = findFormFault(form) ?? findClientFault(req.headers.authorization, form);
    if (fault !== undefined) return answer(res, fault);
    req.form = form;
    presentBody(req, form.body);
    req.headers.accept = 'application/json';
    return true;
  }

  function findFormFault({ values, withNul }: Form): Fault | undefined {
    for (const [name, sent] of values) {
      if (sent.length > 1 && !mayRepeat.includes(name)) return invalidRequest('a parameter is repeated');
    }
    for (const name of withNul) {
      if (!CREDENTIAL_PARAMETERS.includes(name)) return invalidRequest('the body contains NUL');
    }
    for (const name of required) if (!values.has(name)) return invalidRequest(`${name} is missing`);
    return undefined;
  }

  function answer(res: ServerResponse, { status, error, description }: Fault): false {
    if (status === 401) res.setHeader('WWW-Authenticate', `Basic realm="${realm}"`);
    if (status === 405) res.setHeader('Allow', 'POST, OPTIONS');
    if (status === 413) res.setHeader('Connection', 'close');
    res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
    res.end(JSON.stringify({ error, error_description: description }));
    return false;
  }

  async function run(req: GuardedRequest, res: ServerResponse, next: Next): Promise<void> {
    let passed: boolean;
    try {
      passed = await guard(req, res);
    } catch (error) {
      return next(error);
    }
    if (passed) next();
  }

  return (req: GuardedRequest, res: ServerResponse, next: Next): void => void run(req, res, next);
}

/**
 * How a client presents itself, as far as that can be told without knowing it: by one mechanism at most (RFC 6749 §2.3),
 * well-formed, and not without a name (§5.2).
 *
 * Not checked: the credentials.
 */
function findClientFault(authorization: string | undefined, { values, withNul }: Form): Fault | undefined {
  const [assertion] = values.get('client_assertion') ?? [];
  const mechanisms =
    Number(authorization !== undefined) +
    Number(values.has('client_secret')) +
    Number(assertion !== undefined);
  if (mechanisms > 1) return invalidRequest('the client authenticates in more than one way');
  if (withNul.size > 0) {
    // Only a credential may have one by now; any other parameter was refused before.
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
  return undefined;
}

/** RFC 7617 with the encoding of RFC 6749 §2.3.1; id and secret must both be there. */
function isBasic(authorization: string): boolean {
  const encoded = /^basic +([\w+/-]+={0,2})$/i.exec(authorization)?.[1];
  if (encoded === undefined) return false;
  const [id = '', ...secret] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return [id, secret.join(':')].every((part) => {
    try {
      return /^[\x20-\x7e]+$/.test(decodeURIComponent(part.replaceAll('+', ' ')));
    } catch {
      return false;
    }
  });
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

function invalidRequest(description: string): Fault {
  return { status: 400, error: 'invalid_request', description };
}

function invalidClient(description: string): Fault {
  return { status: 401, error: 'invalid_client', description };
}

/** The rest of a body that is too large is read on this far and discarded, so that the client gets to see the answer. */
const MAXIMUM_DISCARDED_BYTES = 1024 * 1024;

/** Reads a request's body. `aborted`: the client went away. */
function readBody(req: IncomingMessage, maximumBytes: number): Promise<Buffer | 'too_large' | 'aborted'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let received = 0;
    req.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received <= maximumBytes) chunks.push(chunk);
      else if (received > maximumBytes + MAXIMUM_DISCARDED_BYTES) {
        req.pause();
        resolve('too_large');
      }
    });
    req.on('end', () => resolve(received > maximumBytes ? 'too_large' : Buffer.concat(chunks, received)));
    req.on('error', () => resolve('aborted'));
    req.on('close', () => resolve('aborted'));
  });
}

/**
 * Puts a body in place of one that was read already: `req.body` for middleware, and for oidc-provider the stream, which
 * it reads itself by `readable` and `iterator`. A later middleware that changes the body calls it again.
 */
export function presentBody(req: GuardedRequest, body: Buffer): void {
  req.body = body;
  req.headers['content-length'] = String(body.length);
  delete req.headers['transfer-encoding'];
  Object.defineProperties(req, {
    readable: { value: true, configurable: true },
    iterator: { value: () => [body], configurable: true },
  });
}
