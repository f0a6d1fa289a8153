import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, type JSONWebKeySet, type JWK } from 'jose';
import { type ActClaim, nestActor } from '../actor-chain.ts';
import { systemClock } from '../options.ts';

export interface TestIssuerOptions {
  /** Default `https://issuer.example`. It need not be where the issuer listens. */
  readonly issuer?: string;
  /** Audience of the tokens it mints unless they say otherwise. Default `https://api.example`. */
  readonly audience?: string;
  /** Epoch seconds. Default: the system's clock. */
  readonly now?: () => number;
}

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
}

/** Claims or header members to add; undefined takes one away. */
export type Changes = Readonly<Record<string, unknown>>;

/** An issuer in memory, with ES256 keys of its own. Every token is made on the spot; nothing is stored. */
export interface TestIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly now: () => number;
  /** The key that signs now. */
  readonly signingKey: SigningKey;
  /** Its published keys. */
  jwks(): JSONWebKeySet;
  /** A good user's access token for this issuer's audience (RFC 9068), with changes. */
  mint(claims?: Changes, header?: Changes): string;
  /** A good logout token (OpenID Connect Back-Channel Logout 1.0 §2.4) for a client, with changes. */
  mintLogoutToken(clientId: string, claims?: Changes, header?: Changes): string;
  /** Signs from now on with a new key. The old one stays published unless told otherwise. */
  rotateKey(options?: { readonly keepOld?: boolean }): void;
  /** Serves discovery, keys, token endpoint and introspection on a free port of this machine. */
  listen(): Promise<TestIssuerServer>;
}

export function createTestIssuer(options: TestIssuerOptions = {}): TestIssuer {
  const { issuer = 'https://issuer.example', audience = 'https://api.example', now = systemClock } = options;
  let keys: readonly [SigningKey, ...SigningKey[]] = [createSigningKey()];

  const signed = (claims: Changes, header: Changes) =>
    signToken({ alg: 'ES256', kid: keys[0].kid, ...header }, claims, keys[0].privateKey);

  const self: TestIssuer = {
    issuer,
    audience,
    now,
    get signingKey() {
      return keys[0];
    },
    jwks: () => ({ keys: keys.map((key) => key.publicJwk) }),
    mint: (claims = {}, header = {}) =>
      signed({ ...goodClaims(issuer, audience, now()), ...claims }, { typ: 'at+jwt', ...header }),
    mintLogoutToken: (clientId, claims = {}, header = {}) =>
      signed({ ...logoutClaims(issuer, clientId, now()), ...claims }, { typ: 'logout+jwt', ...header }),
    rotateKey({ keepOld = true } = {}) {
      keys = [createSigningKey(), ...(keepOld ? keys : [])];
    },
    listen: () => listen(self),
  };
  return self;
}

/** The payload of a good user's token. */
function goodClaims(issuer: string, audience: string, now: number): Changes {
  return {
    iss: issuer,
    sub: 'user-1',
    aud: audience,
    client_id: 'web.client',
    scope: 'api',
    iat: now,
    exp: now + 300,
    jti: randomUUID(),
    sid: 'session-1',
    auth_time: now,
    amr: ['pwd'],
  };
}

function logoutClaims(issuer: string, clientId: string, now: number): Changes {
  return {
    iss: issuer,
    aud: clientId,
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
    sid: 'session-1',
    sub: 'user-1',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  };
}

export function createSigningKey(kid: string = randomUUID()): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicJwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' } as JWK;
  return { kid, privateKey, publicJwk };
}

/** A compact JWS over any header and payload, however wrong they are. ES256 for an EC key, RS256 for an RSA key. */
export function signToken(header: Changes, payload: unknown, key: KeyObject): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** `at_hash` of an ID token (OpenID Connect Core §3.1.3.6), so that a bad token can look like a real one. */
export function accessTokenHash(token: string): string {
  return createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');
}

export interface TestAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a form post, or leaves it without an answer (`hang`). */
export type FormHandler = (
  form: URLSearchParams,
  request: IncomingMessage,
) => TestAnswer | 'hang' | Promise<TestAnswer | 'hang'>;

export interface TestIssuerServer {
  /** Where it is reached: `http://127.0.0.1:<port>`. */
  readonly address: string;
  readonly jwksUri: string;
  /** Path of every request so far. */
  readonly requests: readonly string[];
  /** Every answer from now on, or the usual ones again (undefined). `cut` ends the connection without one. */
  failWith(failure: TestAnswer | 'hang' | 'cut' | undefined): void;
  /** Replaces what the token endpoint does: a token for the form's `audience`, with the client as the current actor. */
  onToken(handler: FormHandler): void;
  /** Replaces what introspection does: active, with the token's own claims. */
  onIntrospection(handler: FormHandler): void;
  close(): Promise<void>;
}

/** Serves an issuer. It is an aid for tests: its endpoints authenticate and check nothing. */
export async function listen(issuer: TestIssuer): Promise<TestIssuerServer> {
  const requests: string[] = [];
  let failure: TestAnswer | 'hang' | 'cut' | undefined;
  let onToken: FormHandler = (form) => delegated(issuer, form);
  let onIntrospection: FormHandler = (form) => introspected(form);

  async function answer(request: IncomingMessage): Promise<TestAnswer | 'hang' | 'cut'> {
    const body = await readBody(request);
    if (failure !== undefined) return failure;
    switch (request.url ?? '') {
      case '/.well-known/openid-configuration':
        return { status: 200, body: metadata(issuer.issuer) };
      case '/.well-known/openid-configuration/jwks':
        return { status: 200, body: issuer.jwks() };
      case '/connect/token':
        return onToken(new URLSearchParams(body), request);
      case '/connect/introspect':
        return onIntrospection(new URLSearchParams(body), request);
      default:
        return { status: 404, body: { error: 'not_found' } };
    }
  }

  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request).then(
      (outcome) => send(response, outcome),
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    address,
    jwksUri: `${address}/.well-known/openid-configuration/jwks`,
    requests,
    failWith: (next) => void (failure = next),
    onToken: (handler) => void (onToken = handler),
    onIntrospection: (handler) => void (onIntrospection = handler),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, outcome: TestAnswer | 'hang' | 'cut'): void {
  if (outcome === 'hang') return;
  if (outcome === 'cut') {
    response.destroy();
    return;
  }
  response.writeHead(outcome.status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...outcome.headers,
  });
  response.end(typeof outcome.body === 'string' ? outcome.body : JSON.stringify(outcome.body));
}

/** Endpoints are named by the identifier, as an issuer does that is reached at another address. */
function metadata(issuer: string): Changes {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/openid-configuration/jwks`,
    token_endpoint: `${issuer}/connect/token`,
    introspection_endpoint: `${issuer}/connect/introspect`,
  };
}

function delegated(issuer: TestIssuer, form: URLSearchParams): TestAnswer {
  const subject = decodeJwt(form.get('subject_token') ?? form.get('token') ?? '');
  const actor = form.get('client_id') ?? 'unknown';
  const scope = form.get('scope') ?? 'api';
  const token = issuer.mint({
    sub: subject.sub,
    sid: subject['sid'],
    aud: form.get('audience') ?? issuer.audience,
    client_id: actor,
    scope,
    act: nestActor(actor, subject['act'] as ActClaim | undefined),
  });
  return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: 300, scope } };
}

function introspected(form: URLSearchParams): TestAnswer {
  return { status: 200, body: { active: true, ...decodeJwt(form.get('token') ?? '') } };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
