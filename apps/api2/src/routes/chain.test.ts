import type { RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import { alice, RESOURCE, SUBSCRIPTIONS, tokenOf, useTestApi2 } from '../testing.ts';

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
