import { join } from 'node:path';
import { createAccessTokenVerifier } from '@behalf/auth';
import type { ServiceProcess } from '@behalf/service/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Replicas, startReplicas } from '../support/replicas.ts';
import { accessTokenOf, delegate, isActive, send } from '../support/requests.ts';
import { authorize, redeem, refresh, signIn } from '../support/sign-in.ts';
import { API1 } from '../support/sts.ts';

const REFUSED = [400, 'invalid_grant'];

const SERVED = [200, undefined];

const SKEWED_CLOCK = join(import.meta.dirname, '..', 'support', 'skewed-clock.ts');

const skewedBy = (seconds: number) => ({
  nodeArguments: ['--import', SKEWED_CLOCK],
  environment: { CLOCK_SKEW_SECONDS: String(seconds) },
});

const publishedAt = async (at: string) => {
  const { body } = await send(`${at}/.well-known/openid-configuration/jwks`);
  const kids = (body['keys'] as { kid: string }[]).map(({ kid }) => kid);
  return kids.toSorted().join(' ');
};

test.each(['sqlite', 'postgres'] as const)(
  'replicas that start at once on an empty %s database, their clocks a minute apart, make one key between them',
  async (engine) => {
    const replicas = await startReplicas({ engine });
    try {
      const started = await Promise.all([60, 0, -60].map((skew) => replicas.start(skewedBy(skew))));
      const published = await Promise.all(started.map(({ url }) => publishedAt(url)));
      expect(new Set(published).size).toBe(1);
      expect(published[0]?.split(' ')).toHaveLength(1);
    } finally {
      await replicas.close();
    }
  },
);

describe.each([
  ['ahead', 60],
  ['behind', -60],
])('a replica whose clock is 60 s %s', (_name, skewSeconds) => {
  let replicas: Replicas;
  let right: ServiceProcess;
  let wrong: ServiceProcess;

  beforeAll(async () => {
    replicas = await startReplicas({ engine: 'postgres' });
    right = await replicas.start();
    wrong = await replicas.start({ aside: true, ...skewedBy(skewSeconds) });
  }, 60_000);
  afterAll(() => replicas.close());

  /** API1 with a clock that is right. */
  const verify = (token: string) =>
    createAccessTokenVerifier({ issuer: replicas.issuer, audience: API1, address: right.url }).verify(token);

  test('refuses cleanly or serves, and loses nothing: the same login goes on at the right one', async () => {
    const { refreshToken } = await signIn(replicas.issuer);
    const renewed = await refresh(right.url, refreshToken);
    const token = String(renewed.body['access_token']);
    const there = await delegate(wrong.url, token);
    // A token from the future is not yet good (RFC 7519 §4.1.6): 5 s are tolerated, not 60.
    expect([there.status, there.body['error']]).toEqual(skewSeconds < 0 ? REFUSED : SERVED);
    accessTokenOf(await delegate(right.url, token));
    expect(await isActive(right.url, token)).toBe(true);

    const later = await refresh(wrong.url, renewed.body['refresh_token']);
    expect(later.status).toBe(200);
    expect((await refresh(right.url, later.body['refresh_token'])).status).toBe(200);
  });

  test('what it signs is refused by an API while it is from the future, and no longer', async () => {
    const login = await signIn(replicas.issuer);
    const { body } = await refresh(wrong.url, login.refreshToken);
    const verified = await verify(String(body['access_token']));
    expect(verified.ok).toBe(skewSeconds < 0);
    expect((await verify(login.accessToken)).ok).toBe(true);
  });

  test('a code is refused when it is too old there, and the session lives on', async () => {
    const authorization = await authorize(replicas.issuer);
    const redeemed = await redeem(wrong.url, authorization);
    expect([redeemed.status, redeemed.body['error']]).toEqual(skewSeconds > 0 ? REFUSED : SERVED);
    const again = await authorize(replicas.issuer, { browser: authorization.browser });
    expect((await redeem(right.url, again)).status).toBe(200);
  });
});
