import type { IncomingMessage, ServerResponse } from 'node:http';
import { holdsNul, parseForm, type Form } from './form.ts';
import { checkPresentedClient, CREDENTIAL_PARAMETERS } from './presented-client.ts';
import { presentBody, type GuardedRequest } from './present-body.ts';
import { readBody } from './read-body.ts';

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
