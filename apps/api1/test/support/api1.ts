import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAccessTokenVerifier, createDelegationClient } from '@behalf/auth';
import { createTestIssuer, type FormHandler, type TestIssuerServer } from '@behalf/auth/testing';
import { recordCallsTo, recordExchange } from '@behalf/demo-steps';
import { createUpstream, epochSeconds } from '@behalf/service';
import { type CapturedLog, captureLog } from '@behalf/service/testing';
import type { Express } from 'express';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createApp } from '../../src/app.ts';

export const RESOURCE = 'http://localhost:4001';

export const API2 = 'http://localhost:4002';

export const METADATA = `${RESOURCE}/.well-known/oauth-protected-resource`;

export const PROBLEM = 'https://behalf.example/problems/';

export const SECRET = 'a-secret-that-is-in-no-log';

export const WEB = 'http://localhost:5173';

/** How long others may take to answer, because the machine may be busy. */
const PATIENCE_MS = 20_000;

export const issuer = createTestIssuer({ issuer: 'https://sts.example', audience: RESOURCE });

/** A good token of the web client's user. */
export const userToken = (changes: Record<string, unknown> = {}) =>
  issuer.mint({ scope: 'api1', ...changes });

/** A request as API2 got it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** API1 as it is, with an issuer and a stand-in for API2 that answers as a test wants it to. */
export class TestApi1 {
  sts!: TestIssuerServer;
  log!: CapturedLog;
  app!: Express;
  /** The service's clock, in epoch seconds. */
  now = epochSeconds();
  requestsBefore = 0;
  seen: SeenRequest[] = [];
  answer: (seen: SeenRequest, response: Parameters<RequestListener>[1]) => void = () => undefined;
  readonly api2 = createServer((req, res) => void this.#receive(req, res));

  get = (path: string, token: string) => request(this.app).get(path).set('Authorization', `Bearer ${token}`);

  answerJson(status: number, body: unknown, headers: Record<string, string> = {}): void {
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    this.answer = (_seen, res) =>
      res.writeHead(status, { 'content-type': type, ...headers }).end(JSON.stringify(body));
  }

  /** How many tokens the STS was asked for in this test. */
  tokenRequests(): number {
    return this.sts.requests.slice(this.requestsBefore).filter((path) => path === '/connect/token').length;
  }

  /** The service anew, with nothing in its memory. */
  restart({
    experiments = true,
    dpop = false,
    api2Url = this.#api2Url(),
    timeoutMs = PATIENCE_MS,
  } = {}): void {
    const client = { issuer: issuer.issuer, address: this.sts.address, timeoutMs };
    this.app = createApp({
      logger: this.log.logger,
      verifier: createAccessTokenVerifier({ ...client, audience: RESOURCE }),
      delegation: createDelegationClient({
        ...client,
        clientId: 'api1.client',
        clientSecret: SECRET,
        onExchange: recordExchange,
      }),
      upstream: createUpstream({ name: 'API2', url: api2Url, timeoutMs, onCall: recordCallsTo('api2') }),
      clientId: 'api1.client',
      webOrigin: WEB,
      experiments,
      dpop,
      now: () => this.now,
    });
  }

  #api2Url(): string {
    return `http://127.0.0.1:${(this.api2.address() as AddressInfo).port}`;
  }

  async #receive(req: IncomingMessage, res: Parameters<RequestListener>[1]): Promise<void> {
    let body = '';
    for await (const chunk of req) body += String(chunk);
    const seen = {
      method: req.method ?? '',
      url: req.url ?? '',
      headers: req.headers,
      body,
      claims: decode(req.headers.authorization ?? ''),
    };
    this.seen.push(seen);
    this.answer(seen, res);
  }
}

/** For the top of a test file: the service, new for every test. */
export function useTestApi1(): TestApi1 {
  const api = new TestApi1();
  beforeAll(async () => {
    api.sts = await issuer.listen();
    await new Promise<void>((resolve) => api.api2.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await api.sts.close();
    api.api2.closeAllConnections();
    await new Promise((resolve) => api.api2.close(resolve));
  });
  beforeEach(() => {
    api.log = captureLog('api1');
    // The issuer signs by the real clock, and a token of the future is refused.
    api.now = epochSeconds();
    api.seen = [];
    api.requestsBefore = api.sts.requests.length;
    api.answerJson(200, {});
    api.sts.failWith(undefined);
    api.sts.onToken(delegate);
    api.restart();
  });
  return api;
}

/** The STS's answer to a delegation that it grants. */
const delegate: FormHandler = (form) => {
  const subject = decode(form.get('token') ?? '');
  const token = issuer.mint({
    ...subject,
    aud: API2,
    client_id: 'api1.client',
    scope: form.get('scope'),
    act: { sub: 'api1.client' },
    grant: form.get('grant_type'),
  });
  return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: 300 } };
};

function decode(token: string): Record<string, unknown> {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return payload === '' ? {} : (JSON.parse(payload) as Record<string, unknown>);
}
