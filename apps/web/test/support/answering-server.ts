import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import {
  createAuthorizationServer,
  type AuthorizationServer,
  type SignInOptions,
} from '../../src/auth/authorization-server.ts';
import type { ProofKey } from '../../src/auth/proof-key.ts';
import { ServerClock } from '../../src/auth/server-clock.ts';
import { API, REDIRECT_URI } from './authorization-server.ts';
import { MemoryStorage } from './memory-storage.ts';

/** Epoch seconds: the server's time. */
export const NOW = 1_800_000_000;

export interface ClientChanges {
  /** Seconds by which the device's clock is fast. */
  readonly clockError?: number;
  readonly answerTimeoutMs?: number;
  readonly proofKey?: Promise<ProofKey>;
}

/** Differences from a good answer; undefined leaves a member out. */
export interface Changes {
  readonly options?: SignInOptions;
  readonly idToken?: object;
  readonly body?: object;
  readonly status?: number;
  readonly callback?: Record<string, string | undefined>;
}

/** An authorization server that answers as told, where a real one never would. */
export class AnsweringServer {
  issuer = '';
  client!: AuthorizationServer;
  /** The next answer of the token endpoint. */
  answer: { status: number; body: unknown } = { status: 200, body: {} };
  /** The form that the token endpoint was last sent. */
  sent = new URLSearchParams();
  /** The DPoP proof that the token endpoint was last sent. */
  proof: string | undefined;
  /** The last authorization request. */
  request = new URLSearchParams();
  metadata: Record<string, unknown> = {};
  finish = (response: ServerResponse, body: string): void => void response.end(body);
  readonly #server: Server = createServer((request, response) => void this.#handle(request, response));

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await new Promise((resolve) => this.#server.once('listening', resolve));
    this.issuer = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    this.createClient();
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  createClient({ clockError = 0, ...changes }: ClientChanges = {}): void {
    this.client = createAuthorizationServer({
      issuer: this.issuer,
      clientId: 'web.client',
      scope: 'openid api1 account',
      resources: [API, this.issuer],
      redirectUri: REDIRECT_URI,
      postLogoutRedirectUri: 'http://web.test/',
      stateStorage: new MemoryStorage(),
      clock: new ServerClock({ deviceNow: () => NOW + clockError, askServer: async () => NOW }),
      ...changes,
    });
  }

  /** A whole sign-in in which the server gives good answers, but for `changes`. */
  async signIn({ options, idToken = {}, body = {}, status = 200, callback = {} }: Changes = {}) {
    const { issuer, client } = this;
    const request = new URL(await client.signInUrl('/pay?from=a1', options)).searchParams;
    this.request = request;
    const claims = {
      iss: issuer,
      aud: 'web.client',
      sub: 'usr_1',
      exp: NOW + 600,
      iat: NOW,
      auth_time: NOW - 5,
      nonce: request.get('nonce'),
      ...idToken,
    };
    const tokens = {
      access_token: 'at-1',
      token_type: 'Bearer',
      expires_in: 600,
      refresh_token: 'rt-1',
      id_token: unsigned(claims),
    };
    this.answer = { status, body: { ...tokens, ...body } };
    const parameters = { code: 'c', state: request.get('state') ?? '', iss: issuer, ...callback };
    const query = Object.entries(parameters).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    return client.redeem(`${REDIRECT_URI}?${new URLSearchParams(query)}`);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const isToken = request.url === '/token';
    if (isToken) this.proof = request.headersDistinct['dpop']?.[0];
    if (isToken) this.sent = new URLSearchParams(Buffer.concat(chunks).toString());
    response.writeHead(isToken ? this.answer.status : 200, { 'Content-Type': 'application/json' });
    if (isToken) this.finish(response, JSON.stringify(this.answer.body));
    else response.end(JSON.stringify(this.#metadata()));
  }

  #metadata() {
    const { origin } = new URL(this.issuer);
    return {
      issuer: this.issuer,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      end_session_endpoint: `${origin}/end`,
      id_token_signing_alg_values_supported: ['ES256'],
      authorization_response_iss_parameter_supported: true,
      ...this.metadata,
    };
  }
}

export function useAnsweringServer(): { readonly server: AnsweringServer } {
  const used = { server: new AnsweringServer() };
  beforeEach(async () => {
    used.server = new AnsweringServer();
    await used.server.start();
  });
  afterEach(() => used.server.stop());
  return used;
}

/** A JWT whose signature nobody checks. */
export function unsigned(claims: object): string {
  return ['{"alg":"ES256"}', JSON.stringify(claims), 'x']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
}
