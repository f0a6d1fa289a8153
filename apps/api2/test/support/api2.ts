import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createAccessTokenVerifier,
  createDelegationClient,
  createIntrospection,
  createLiveTokenCheck,
} from '@behalf/auth';
import { createTestIssuer, type FormHandler, type TestIssuerServer } from '@behalf/auth/testing';
import type { Database } from '@behalf/database';
import { openTestDatabase, type TestDatabase } from '@behalf/database/testing';
import { recordCallsTo, recordExchange } from '@behalf/demo-steps';
import { createUpstream } from '@behalf/service';
import { type CapturedLog, captureLog } from '@behalf/service/testing';
import type { Express } from 'express';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { createApp } from '../../src/app.ts';
import { addDemoData, type Api2Tables, DEMONSTRATION_USERS, migrations } from '../../src/storage/database.ts';

export const NOW = 1_800_000_000;

export const RESOURCE = 'http://localhost:4002';

export const SUBSCRIPTIONS = 'http://localhost:4003';

export const METADATA = `${RESOURCE}/.well-known/oauth-protected-resource`;

export const PROBLEM = 'https://behalf.example/problems/';

export const SECRET = 'a-secret-that-is-in-no-log';

export const { alice, bob, dave } = DEMONSTRATION_USERS;

/** How long others may take to answer, because the machine may be busy. */
const PATIENCE_MS = 20_000;

export const ORDER = {
  from: 'acc_a1_everyday',
  to: 'acc_b1_everyday',
  amount: '12.50',
  currency: 'EUR',
  reference: 'Tickets',
};

const now = () => NOW;

export const issuer = createTestIssuer({ issuer: 'https://sts.example', audience: RESOURCE, now });

/** A good token: API1 acts for this user. */
export const tokenOf = (sub: string, changes: Record<string, unknown> = {}) =>
  issuer.mint({ sub, client_id: 'api1.client', scope: 'api2', act: { sub: 'api1.client' }, ...changes });

/** The same from the translation grant, for alice. */
export const premium = (changes: Record<string, unknown> = {}) =>
  tokenOf(alice, {
    scope: 'api2.premium',
    subscription: { plan: 'premium', status: 'active' },
    ...changes,
  });

/** API2 as it is, over a database with the development users, an issuer and a stand-in for the subscription service. */
export class TestApi2 {
  sts!: TestIssuerServer;
  database!: TestDatabase<Api2Tables>;
  log!: CapturedLog;
  app!: Express;
  answerSubscriptions: RequestListener = answerAsSubscriptions;
  readonly subscriptions = createServer((req, res) => this.answerSubscriptions(req, res));

  get = (path: string, token: string) => request(this.app).get(path).set('Authorization', `Bearer ${token}`);

  pay = (order: unknown = ORDER, { key = 'key-1', token = tokenOf(alice) } = {}) =>
    request(this.app)
      .post('/payments')
      .set({ Authorization: `Bearer ${token}`, 'Idempotency-Key': key })
      .send(order as object);

  async balanceOf(id: string): Promise<number | undefined> {
    const query = this.database.db.selectFrom('accounts').select('balance').where('id', '=', id);
    return (await query.executeTakeFirst())?.balance;
  }

  /** The service anew, with nothing in its memory. */
  restart(
    database: Database<Api2Tables> = this.database,
    { experiments = true, dpop = false, timeoutMs = PATIENCE_MS } = {},
  ): void {
    const client = {
      issuer: issuer.issuer,
      address: this.sts.address,
      clientId: 'api2.client',
      clientSecret: SECRET,
      timeoutMs,
    };
    const { port } = this.subscriptions.address() as AddressInfo;
    this.app = createApp({
      logger: this.log.logger,
      verifier: createAccessTokenVerifier({ ...client, audience: RESOURCE, now }),
      database,
      live: createLiveTokenCheck({ introspect: createIntrospection(client), now }),
      delegation: createDelegationClient({ ...client, now, onExchange: recordExchange }),
      subscriptions: createUpstream({
        name: 'The subscription service',
        url: `http://127.0.0.1:${port}`,
        timeoutMs,
        onCall: recordCallsTo('subscriptions'),
      }),
      subscriptionsResource: SUBSCRIPTIONS,
      actors: ['api1.client', 'second.client'],
      accountActors: ['api1.client', 'second.client', 'agent.client'],
      clientId: 'api2.client',
      experiments,
      dpop,
      now,
    });
  }
}

/** For the top of a test file: the service, new for every test. */
export function useTestApi2(): TestApi2 {
  const api = new TestApi2();
  beforeAll(async () => {
    api.sts = await issuer.listen();
    await new Promise<void>((resolve) => api.subscriptions.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await api.sts.close();
    api.subscriptions.closeAllConnections();
    await new Promise((resolve) => api.subscriptions.close(resolve));
  });
  beforeEach(async () => {
    api.database = await openTestDatabase<Api2Tables>('sqlite', { migrations });
    await addDemoData(api.database.db, NOW);
    api.log = captureLog('api2');
    api.answerSubscriptions = answerAsSubscriptions;
    api.sts.failWith(undefined);
    api.sts.onIntrospection((form) => ({
      status: 200,
      body: { active: true, ...decode(form.get('token') ?? '') },
    }));
    api.sts.onToken(exchange);
    api.restart();
  });
  afterEach(() => api.database.close());
  return api;
}

/** The STS's answer to an exchange that it grants. */
const exchange: FormHandler = (form) => {
  const subject = decode(form.get('subject_token') ?? '');
  const token = issuer.mint({
    ...subject,
    aud: form.get('resource'),
    client_id: 'api2.client',
    scope: form.get('scope'),
    act: { sub: 'api2.client', act: subject['act'] },
  });
  return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: 300 } };
};

const answerAsSubscriptions: RequestListener = (req, res) => {
  const claims = decode(req.headers.authorization ?? '');
  const record = { sub: alice, plan: 'premium', status: 'active', renewsAt: '2027-02-14' };
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify(req.url === '/identity' ? claims : record));
};

function decode(token: string): Record<string, unknown> {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return JSON.parse(payload) as Record<string, unknown>;
}
