import type { RequestListener } from 'node:http';
import type { CallStep } from '@behalf/demo-steps';
import { describe, expect, it } from 'vitest';
import { alice, RESOURCE, SUBSCRIPTIONS, tokenOf, useTestApi2 } from '../support/api2.ts';

const api = useTestApi2();

describe('GET /chain', () => {
  it('exchanges its token for one of the subscription service and tells what each saw (RFC 8693 §2.1)', async () => {
    const token = tokenOf(alice);
    const response = await api.get('/chain', token);
    expect(response.body).toMatchObject({
      hops: [
        { service: 'api2', sub: alice, aud: RESOURCE, act: { sub: 'api1.client' } },
        {
          service: 'subscriptions',
          sub: alice,
          aud: SUBSCRIPTIONS,
          scope: 'subscriptions.read',
          act: { sub: 'api2.client', act: { sub: 'api1.client' } },
        },
      ],
      subscription: { sub: alice, plan: 'premium' },
    });
    expect(response.text).not.toContain('eyJ');
  });

  it('has no subscription for a user without a record', async () => {
    const usual = api.answerSubscriptions;
    api.answerSubscriptions = (req, res) =>
      req.url === '/identity' ? usual(req, res) : void res.writeHead(404).end();
    expect((await api.get('/chain', tokenOf(alice))).body).toMatchObject({ subscription: null });
  });

  it.each([
    ['fails', (_: unknown, res: { destroy: () => void }) => res.destroy(), 503],
    ['does not answer in time', () => undefined, 503],
  ])('answers 503 when the subscription service %s', async (_what, listener, status) => {
    api.answerSubscriptions = listener;
    api.restart(api.database, { timeoutMs: 500 });
    const response = await api.get('/chain', tokenOf(alice));
    expect([response.status, response.headers['retry-after']]).toEqual([status, '5']);
  });

  it.each([
    ['500', (res: Parameters<RequestListener>[1]) => res.writeHead(500).end()],
    [
      'nonsense',
      (res: Parameters<RequestListener>[1]) => res.setHeader('content-type', 'application/json').end('[1'),
    ],
    [
      'a redirect',
      (res: Parameters<RequestListener>[1]) => res.writeHead(302, { location: 'http://evil.example' }).end(),
    ],
  ])('answers 502 when the subscription service answers %s', async (_what, answer) => {
    api.answerSubscriptions = (_req, res) => void answer(res);
    expect((await api.get('/chain', tokenOf(alice))).status).toBe(502);
  });

  it.each([
    ['subject_token', 401, 'error="invalid_token"'],
    ['policy', 403, 'error="insufficient_scope"'],
  ])('passes a refusal for the reason %s on as %d', async (reason, status, challenge) => {
    api.sts.onToken(() => ({ status: 400, body: { error: 'invalid_request', reason } }));
    const response = await api.get('/chain', tokenOf(alice));
    expect(response.status).toBe(status);
    expect(response.headers['www-authenticate']).toContain(challenge);
    expect(JSON.parse(response.text)).toMatchObject({ reason });
  });
});

describe('the steps of GET /chain', () => {
  const stepsIn = (text: string) => (JSON.parse(text) as { steps: CallStep[] }).steps;
  const brief = (text: string) =>
    stepsIn(text).map(({ from, to, route, status }) => [from, to, route, status]);

  it('are one exchange and two calls with the token that it brought', async () => {
    const { text } = await api.get('/chain', tokenOf(alice));
    expect(brief(text)).toEqual([
      ['api2', 'sts', undefined, 200],
      ['api2', 'subscriptions', 'GET /identity', 200],
      ['api2', 'subscriptions', 'GET /users/{sub}', 200],
    ]);
    const claims = {
      sub: alice,
      aud: SUBSCRIPTIONS,
      act: { sub: 'api2.client', act: { sub: 'api1.client' } },
    };
    for (const step of stepsIn(text)) expect(step.claims).toMatchObject(claims);
    expect(stepsIn(text)[0]).toMatchObject({
      kind: 'exchange',
      grant: 'urn:ietf:params:oauth:grant-type:token-exchange',
      cached: false,
    });
  });

  it('say when the token was still in memory', async () => {
    const token = tokenOf(alice);
    await api.get('/chain', token);
    const exchanges = stepsIn((await api.get('/chain', token)).text).filter(
      ({ kind }) => kind === 'exchange',
    );
    expect(exchanges.map(({ cached }) => cached)).toEqual([true]);
  });

  it('go as far as the refusal, in the problem', async () => {
    api.sts.onToken(() => ({ status: 400, body: { error: 'invalid_target', reason: 'policy' } }));
    const { text, status } = await api.get('/chain', tokenOf(alice));
    expect(status).toBe(403);
    expect(stepsIn(text)).toEqual([
      expect.objectContaining({ to: 'sts', status: 400, error: 'invalid_target', reason: 'policy' }),
    ]);
  });

  it('are there too when the subscription service does not answer', async () => {
    api.answerSubscriptions = (_req, res) => void res.destroy();
    const { text, status } = await api.get('/chain', tokenOf(alice));
    expect(status).toBe(503);
    expect(stepsIn(text)).toContainEqual(
      expect.objectContaining({ to: 'subscriptions', status: null, error: 'no_answer' }),
    );
  });
});
