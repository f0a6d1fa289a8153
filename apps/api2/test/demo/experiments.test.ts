import { describe, expect, it } from 'vitest';
import { alice, tokenOf, useTestApi2 } from '../support/api2.ts';

const api = useTestApi2();

const PATH = '/experiments/live-check';

describe('GET /experiments/live-check', () => {
  it('takes a token that the STS stands by, and refuses one that it does not', async () => {
    const token = tokenOf(alice);
    expect((await api.get(PATH, token)).body).toEqual({ live: true });
    api.sts.onIntrospection(() => ({ status: 200, body: { active: false } }));
    const [live, offline] = [await api.get(PATH, token), await api.get('/accounts', token)];
    expect([live.status, offline.status]).toEqual([401, 200]);
    expect(live.headers['www-authenticate']).toContain('error="invalid_token"');
  });

  it.each([
    ['a token of another actor', { act: { sub: 'support.client' } }, 403],
    ["the user's own token", { act: undefined }, 403],
    ['a token without the scope', { scope: 'api2.premium' }, 403],
    ['a token for another API', { aud: 'http://localhost:4001' }, 401],
  ])('refuses %s', async (_what, changes, status) => {
    expect((await api.get(PATH, tokenOf(alice, changes))).status).toBe(status);
  });

  it('does not exist while experiments are switched off', async () => {
    api.restart(api.database, { experiments: false });
    expect((await api.get(PATH, tokenOf(alice))).status).toBe(404);
  });
});

describe('GET /experiments/old-sign-in', () => {
  it('answers as an hour after the sign-in, however recent that is (RFC 9470 §3)', async () => {
    const response = await api.get('/experiments/old-sign-in', tokenOf(alice));
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toContain('insufficient_user_authentication');
  });
});

describe('GET /experiments/careless', () => {
  const CARELESS = '/experiments/careless';
  const api1 = 'http://localhost:4001';

  it('takes a token that is for another API, and cannot tell who acts (RFC 9068 §4)', async () => {
    const forwarded = await api.get(CARELESS, tokenOf(alice, { aud: api1, act: undefined }));
    expect(forwarded.body).toEqual({ log: { subject: alice, actors: [] }, audience: api1 });
    const delegated = await api.get(CARELESS, tokenOf(alice));
    expect(delegated.body).toMatchObject({ log: { subject: alice, actors: ['api1.client'] } });
  });

  it.each([
    ['an expired token', tokenOf(alice, { exp: 1 })],
    ['no token', ''],
    ['a token with another signature', `${tokenOf(alice).slice(0, -8)}AAAAAAAA`],
  ])('refuses %s', async (_what, token) => {
    expect((await api.get(CARELESS, token)).status).toBe(401);
  });

  it('does not exist while experiments are switched off', async () => {
    api.restart(api.database, { experiments: false });
    expect((await api.get(CARELESS, tokenOf(alice))).status).toBe(404);
  });
});
