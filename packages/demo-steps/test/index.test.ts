import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExchangeReport } from '@behalf/auth';
import { createUpstream, problem, problemHandler, type UpstreamRequest } from '@behalf/service';
import { captureLog } from '@behalf/service/testing';
import express, { type RequestHandler } from 'express';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  beginStep,
  type CallStep,
  collectSteps,
  recordCallsTo,
  recordExchange,
  recordTokenRequests,
} from '../src/index.ts';

const token = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

let answer: RequestListener;

const server = createServer((req, res) => answer(req, res));

let url: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const respond =
  (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_req, res) =>
    res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

/** The answer of a service whose only route does this while it collects, and with the caller's claims if there is a caller. */
async function answerOf(work: RequestHandler, caller?: string) {
  const app = express();
  app.get('/plain', work);
  app.get('/told', collectSteps({ service: 'here', ...(caller === undefined ? {} : { caller }) }), work);
  app.use(problemHandler(captureLog('here').logger));
  const response = await request(app).get('/told');
  const plain = await request(app).get('/plain');
  expect(plain.text).not.toContain('"steps"');
  return {
    text: response.text,
    body: JSON.parse(response.text) as { steps: CallStep[] } & Record<string, unknown>,
  };
}

const stepsOf = async (work: RequestHandler) => (await answerOf(work)).body.steps ?? [];

async function stepsOfCall(listener: RequestListener, changes: Partial<UpstreamRequest> = {}) {
  answer = listener;
  const upstream = createUpstream({ name: 'Next', url, onCall: recordCallsTo('next') });
  const call = { path: '/a/b', route: '/a/{x}', accessToken: token({ sub: 's' }), ...changes };
  return stepsOf(async (_request, response) => {
    await upstream.send(call).catch(() => undefined);
    response.json({});
  });
}

const report = { grantType: 'delegation', startedAtMs: 0, durationMs: 1.234 } as const;

const delegated = (accessToken: string): NonNullable<ExchangeReport['token']> => ({
  accessToken,
  tokenType: 'bearer',
  expiresAt: 0,
  scopes: [],
  issuedTokenType: undefined,
});

const stepsOfExchanges = (...reports: ExchangeReport[]) =>
  stepsOf((_request, response) => {
    for (const each of reports) recordExchange(each);
    response.json({});
  });

describe('the member steps', () => {
  it('stands beside the members of the answer, also of a problem', async () => {
    const { body } = await answerOf((_request, response) => void response.json({ a: 1 }));
    expect(body).toEqual({ a: 1 });
    const refused = await answerOf(() => {
      throw problem({ status: 403, type: 'no' });
    }, 'browser');
    expect(refused.body).toMatchObject({
      status: 403,
      steps: [{ from: 'browser', to: 'here', status: 403 }],
    });
  });

  it('is added to bytes that are passed on, and to nothing but an object', async () => {
    const bytes = await answerOf(
      (_request, response) => void response.type('json').send(Buffer.from('{"a":1}')),
      'browser',
    );
    expect(bytes.body).toMatchObject({ a: 1, steps: [{ from: 'browser' }] });
    expect((await answerOf((_request, response) => void response.json([1]))).text).toBe('[1]');
  });

  it("begins with the caller's call when the caller has a name", async () => {
    const work: RequestHandler = (request_, response) => {
      request_.auth = { claims: { sub: 's' } } as never;
      response.json({});
    };
    expect((await answerOf(work, 'browser')).body.steps).toEqual([
      {
        from: 'browser',
        to: 'here',
        kind: 'call',
        route: 'GET /told',
        at: 0,
        durationMs: expect.any(Number) as unknown,
        status: 200,
        claims: { sub: 's' },
      },
    ]);
  });
});

describe('a call', () => {
  it('is a step with route, status, time and the claims of its token', async () => {
    expect(await stepsOfCall(respond(200, {}))).toEqual([
      {
        from: 'here',
        to: 'next',
        kind: 'call',
        route: 'GET /a/{x}',
        at: expect.any(Number) as unknown,
        durationMs: expect.any(Number) as unknown,
        status: 200,
        claims: { sub: 's' },
      },
    ]);
  });

  it('that is refused tells the code of the challenge (RFC 6750 §3.1) and the members of the problem (RFC 9457)', async () => {
    const challenge = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="a"' };
    const refusal = { type: 'https://x.example/problems/wrong-actor', detail: 'Not you.' };
    expect((await stepsOfCall(respond(403, refusal, challenge)))[0]).toMatchObject({
      status: 403,
      error: 'insufficient_scope',
      reason: 'wrong-actor',
      description: 'Not you.',
    });
    expect((await stepsOfCall(respond(403, { ...refusal, reason: 'policy' })))[0]).toMatchObject({
      reason: 'policy',
    });
  });

  it('without an answer has no status', async () => {
    expect((await stepsOfCall((_req, res) => void res.destroy()))[0]).toMatchObject({
      status: null,
      error: 'no_answer',
    });
  });

  it('is followed by the steps in its answer, counted from when it began', async () => {
    const told = { from: 'next', to: 'sts', kind: 'exchange', at: 5, durationMs: 1, status: 200 };
    const [call, next] = await stepsOfCall(respond(200, { steps: [{ ...told, access_token: 'x' }] }));
    expect(next).toEqual({ ...told, at: expect.any(Number) as unknown });
    expect(next?.at).toBeCloseTo((call?.at ?? 0) + 5, 1);
  });

  it.each([
    ['steps of another form', [{ from: 'x' }]],
    [
      'more than 50 steps',
      Array.from({ length: 51 }, () => ({
        from: 'a',
        to: 'b',
        kind: 'call',
        at: 0,
        durationMs: 0,
        status: 200,
      })),
    ],
  ])('is not followed by %s', async (_what, steps) => {
    expect(await stepsOfCall(respond(200, { steps }))).toHaveLength(1);
  });

  it.each(['', 'opaque', 'a.b.c', `e30.${Buffer.from('[1]').toString('base64url')}.x`])(
    'with the token %j has no claims to show',
    async (accessToken) => {
      expect((await stepsOfCall(respond(200, {}), { accessToken }))[0]).not.toHaveProperty('claims');
    },
  );
});

describe('an exchange', () => {
  it('is a step with its grant, whether it came from the cache, and the claims of its token', async () => {
    const accessToken = token({ aud: 'next' });
    const steps = await stepsOfExchanges(
      { ...report, origin: 'issuer', token: delegated(accessToken) },
      { ...report, origin: 'cache', token: delegated(accessToken) },
    );
    expect(steps).toMatchObject([
      { kind: 'exchange', to: 'sts', grant: 'delegation', cached: false, durationMs: 1.23, status: 200 },
      { cached: true, status: 200, claims: { aud: 'next' } },
    ]);
    expect(JSON.stringify(steps)).not.toContain(accessToken);
  });

  it('of a token that this request has had already is no further step', async () => {
    const kept = delegated(token({}));
    const cached = { ...report, origin: 'cache', token: kept } as const;
    const shared = { ...report, origin: 'shared', token: kept } as const;
    expect(await stepsOfExchanges(cached, cached)).toHaveLength(1);
    expect(await stepsOfExchanges({ ...report, origin: 'issuer', token: kept }, shared)).toHaveLength(1);
    expect(await stepsOfExchanges(shared)).toMatchObject([{ cached: false, status: 200 }]);
  });

  it('that is refused or not answered tells code and reason, and never the description', async () => {
    const error = (members: object) =>
      ({
        status: undefined,
        error: undefined,
        reason: undefined,
        description: 'for the client',
        ...members,
      }) as never;
    const steps = await stepsOfExchanges(
      {
        ...report,
        origin: 'issuer',
        error: error({ status: 400, error: 'invalid_grant', reason: 'policy' }),
      },
      { ...report, origin: 'issuer', error: error({}) },
    );
    expect(steps).toMatchObject([
      { status: 400, error: 'invalid_grant', reason: 'policy' },
      { status: null, error: 'no_answer' },
    ]);
    expect(JSON.stringify(steps)).not.toContain('for the client');
  });
});

describe('a token request on the wire', () => {
  const form = new URLSearchParams({
    grant_type: 'translation',
    scope: 'api2.premium',
    token: token({ sub: 's' }),
    client_id: 'here.client',
    client_secret: 'very secret',
  });

  /** The steps of a request that asks for a token, and the answer as the delegation client gets it. */
  async function stepsOfRequest(status: number, body: unknown) {
    answer = respond(status, body);
    const send = recordTokenRequests(fetch);
    let received = '';
    const steps = await stepsOf(async (_request, response) => {
      received = await (await send(url, { method: 'POST', body: form })).text();
      recordExchange({ ...report, origin: 'issuer', token: delegated(token({ aud: 'next' })) });
      recordExchange({ ...report, origin: 'cache', token: delegated(token({ aud: 'other' })) });
      response.json({});
    });
    return { steps, received };
  }

  it('is told with its exchange, and no token and no secret of it (RFC 6749 §2.3.1)', async () => {
    const body = { access_token: token({ aud: 'next' }), token_type: 'Bearer', expires_in: 300, other: 'x' };
    const { steps, received } = await stepsOfRequest(200, body);
    expect(steps[0]).toMatchObject({
      request: {
        grant_type: 'translation',
        scope: 'api2.premium',
        token: '…',
        client_id: 'here.client',
        client_secret: '…',
      },
      answer: { access_token: '…', token_type: 'Bearer', expires_in: '300', other: '…' },
    });
    expect(steps[1]).not.toHaveProperty('request');
    expect(JSON.stringify(steps)).not.toMatch(/e30\.|secret"?: ?"very/);
    expect(JSON.parse(received)).toEqual(body);
  });

  it('is followed by the steps that the STS tells, and the description of a refusal is left out', async () => {
    const told = {
      from: 'sts',
      to: 'sts',
      kind: 'issue',
      at: 5,
      durationMs: 1,
      status: 200,
      claims: { a: 1 },
    };
    const refusal = { error: 'invalid_grant', error_description: 'for the client', reason: 'subscription' };
    const { steps } = await stepsOfRequest(400, { ...refusal, steps: [told] });
    expect(steps).toContainEqual({ ...told, at: expect.any(Number) as unknown });
    const { answer: shown } = steps.find(({ request: sent }) => sent !== undefined) ?? {};
    expect(shown).toEqual({ error: 'invalid_grant', reason: 'subscription' });
  });
});

it('a step that a service takes by itself is told with the claims of its token', async () => {
  const steps = await stepsOf((_request, response) => {
    const end = beginStep({ to: 'next', kind: 'call', route: 'GET /x' });
    end({ status: 200, token: token({ sub: 'own' }) });
    response.json({});
  });
  expect(steps).toMatchObject([
    { from: 'here', to: 'next', kind: 'call', route: 'GET /x', status: 200, claims: { sub: 'own' } },
  ]);
  expect(beginStep({ to: 'next', kind: 'issue' })({ status: 200 })).toBeUndefined();
});
