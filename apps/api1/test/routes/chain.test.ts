import type { CallStep } from '@behalf/demo-steps';
import { describe, expect, it } from 'vitest';
import { API2, PROBLEM, RESOURCE, userToken, useTestApi1 } from '../support/api1.ts';

const api = useTestApi1();

/** API2's answer, with what it did itself. */
const FURTHER_STEPS = [
  { from: 'api2', to: 'sts', kind: 'exchange', at: 0.5, durationMs: 1, status: 200, claims: { aud: 'x' } },
  { from: 'api2', to: 'subscriptions', kind: 'call', route: 'GET /x', at: 1.5, durationMs: 1, status: 200 },
];

function answerChain(members: object = { steps: FURTHER_STEPS }): void {
  api.answer = ({ claims }, res) =>
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ hops: [{ service: 'api2', ...claims }], subscription: null, ...members }));
}

const stepsIn = (text: string) => (JSON.parse(text) as { steps: CallStep[] }).steps;

const brief = (text: string) => stepsIn(text).map(({ from, to, kind, status }) => [from, to, kind, status]);

describe('GET /chain', () => {
  it('puts what API1 saw in front of what the others saw', async () => {
    answerChain();
    const response = await api.get('/chain', userToken());
    expect(response.body).toMatchObject({
      hops: [
        { service: 'api1', aud: RESOURCE, client_id: 'web.client' },
        { service: 'api2', aud: API2, client_id: 'api1.client', act: { sub: 'api1.client' } },
      ],
      subscription: null,
    });
    expect(response.text).not.toContain('eyJ');
  });

  it('is 502 when API2 answers something else', async () => {
    api.answerJson(200, { hops: 'none' });
    expect((await api.get('/chain', userToken())).status).toBe(502);
  });
});

describe('the steps of GET /chain', () => {
  it('are what happened, in order, with the claims of each token and never a token', async () => {
    answerChain();
    const { text } = await api.get('/chain', userToken());
    expect(brief(text)).toEqual([
      ['browser', 'api1', 'call', 200],
      ['api1', 'sts', 'exchange', 200],
      ['api1', 'api2', 'call', 200],
      ['api2', 'sts', 'exchange', 200],
      ['api2', 'subscriptions', 'call', 200],
    ]);
    const [arrival, exchange, call] = stepsIn(text);
    expect(arrival).toMatchObject({ route: 'GET /chain', at: 0, claims: { aud: RESOURCE, scope: 'api1' } });
    expect(exchange).toMatchObject({ grant: 'delegation', cached: false, claims: { aud: API2 } });
    expect(call).toMatchObject({ route: 'GET /chain', claims: { aud: API2, act: { sub: 'api1.client' } } });
    expect(text).not.toContain('eyJ');
  });

  it("count API2's from when API1 began to call it", async () => {
    answerChain();
    const [, , call, first, second] = stepsIn((await api.get('/chain', userToken())).text);
    expect(first?.at).toBeCloseTo((call?.at ?? 0) + 0.5, 1);
    expect(second?.at).toBeCloseTo((call?.at ?? 0) + 1.5, 1);
  });

  it('say when a token was still in memory', async () => {
    answerChain();
    const token = userToken();
    await api.get('/chain', token);
    const exchange = stepsIn((await api.get('/chain', token)).text)[1];
    expect(exchange).toMatchObject({ kind: 'exchange', cached: true, status: 200, claims: { aud: API2 } });
  });

  it('have both tries when API2 answers 401 to the first', async () => {
    api.answerJson(401, {});
    const response = await api.get('/chain', userToken());
    expect(brief(response.text)).toEqual([
      ['browser', 'api1', 'call', 502],
      ['api1', 'sts', 'exchange', 200],
      ['api1', 'api2', 'call', 401],
      ['api1', 'sts', 'exchange', 200],
      ['api1', 'api2', 'call', 401],
    ]);
  });

  it('go as far as the refusal of the STS, with its code and reason', async () => {
    api.sts.onToken(() => ({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'not any more', reason: 'subject_token' },
    }));
    const response = await api.get('/chain', userToken());
    expect(response.status).toBe(401);
    expect(JSON.parse(response.text)).toMatchObject({ type: `${PROBLEM}invalid-token`, status: 401 });
    expect(stepsIn(response.text)).toEqual([
      expect.objectContaining({ from: 'browser', status: 401, claims: expect.anything() as unknown }),
      {
        from: 'api1',
        to: 'sts',
        kind: 'exchange',
        grant: 'delegation',
        cached: false,
        at: expect.any(Number) as unknown,
        durationMs: expect.any(Number) as unknown,
        status: 400,
        error: 'invalid_grant',
        reason: 'subject_token',
      },
    ]);
  });

  it("go as far as API2's refusal, with what API2 did before it", async () => {
    api.answerJson(403, {
      type: `${PROBLEM}delegation-refused`,
      detail: 'No.',
      reason: 'policy',
      steps: [{ from: 'api2', to: 'sts', kind: 'exchange', at: 1, durationMs: 1, status: 400 }],
    });
    const response = await api.get('/chain', userToken());
    expect(response.status).toBe(403);
    expect(brief(response.text)).toEqual([
      ['browser', 'api1', 'call', 403],
      ['api1', 'sts', 'exchange', 200],
      ['api1', 'api2', 'call', 403],
      ['api2', 'sts', 'exchange', 400],
    ]);
    expect(stepsIn(response.text)[2]).toMatchObject({ reason: 'policy', description: 'No.' });
  });

  it.each([
    [
      'API2 does not answer',
      () => api.restart({ api2Url: 'http://127.0.0.1:1' }),
      ['api1', 'api2', 'call', null],
    ],
    ['the STS does not answer', () => api.sts.failWith('cut'), ['api1', 'sts', 'exchange', null]],
  ] as const)('end where %s', async (_what, breakIt, last) => {
    const token = userToken();
    await api.get('/identity', token);
    breakIt();
    const response = await api.get('/chain', token);
    expect(response.status).toBe(503);
    expect(brief(response.text).at(-1)).toEqual(last);
    expect(stepsIn(response.text).at(-1)).toMatchObject({ error: 'no_answer' });
  });

  it.each([
    ['no steps at all', {}],
    ['steps of another form', { steps: [{ from: 'api2', token: 'x' }] }],
    ['endless steps', { steps: Array.from({ length: 51 }, () => FURTHER_STEPS[0]) }],
  ])('leave out what API2 tells when it tells %s', async (_what, members) => {
    answerChain(members);
    const response = await api.get('/chain', userToken());
    expect(response.status).toBe(200);
    expect(stepsIn(response.text)).toHaveLength(3);
  });

  it('are told by no other route', async () => {
    for (const path of ['/identity', '/accounts', '/payments'])
      expect((await api.get(path, userToken())).text).not.toContain('"steps"');
  });
});
