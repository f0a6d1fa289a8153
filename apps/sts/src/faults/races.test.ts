import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { State } from '../open-state.ts';
import { authorize, redeem, refresh, signIn } from '../testing/sign-in.ts';
import { startReplicas, type Replicas } from './testing-replicas.ts';
import { delegate, exchangeAgain, isActive, revoke, sessionOf, type Answer } from './testing-requests.ts';

const ROUNDS = 6;
const EXCHANGES = 12;
/** How many of the exchanges come before the revocation; it lands in the middle of the others. */
const AHEAD = 4;

let replicas: Replicas;
let operator: State;
let one: string;
let other: string;

beforeAll(async () => {
  replicas = await startReplicas({ engine: 'postgres', count: 2 });
  operator = await replicas.openOperator();
  [one = '', other = ''] = replicas.running.map(({ url }) => url);
}, 60_000);
afterAll(() => replicas.close());

/** Exchanges at one replica while the other ends something; every token that came out, once both have answered. */
async function race(
  exchange: (at: string) => Promise<Answer>,
  end: (at: string) => Promise<unknown>,
): Promise<readonly string[]> {
  const ahead = Array.from({ length: AHEAD }, () => exchange(one));
  await Promise.race(ahead);
  const ending = end(other);
  const others = Array.from({ length: EXCHANGES - AHEAD }, (_, index) =>
    exchange(index % 2 === 0 ? one : other),
  );
  const answers = await Promise.all([...ahead, ...others]);
  await ending;
  return answers.filter(({ status }) => status === 200).map(({ body }) => String(body['access_token']));
}

async function expectAllDead(tokens: readonly string[]): Promise<void> {
  expect(tokens.length).toBeGreaterThan(0);
  for (const at of [one, other]) {
    const active = await Promise.all(tokens.map((token) => isActive(at, token)));
    expect(active.filter((is) => is !== false)).toEqual([]);
  }
}

describe('an end that races with exchanges on two replicas leaves no live descendant', () => {
  test('of a revoked access token', async () => {
    const login = await signIn(replicas.issuer);
    let { refreshToken } = login;
    for (let round = 0; round < ROUNDS; round += 1) {
      const { body } = await refresh(replicas.issuer, refreshToken);
      refreshToken = String(body['refresh_token']);
      const token = String(body['access_token']);
      await expectAllDead(
        await race(
          (at) => delegate(at, token),
          (at) => revoke(at, token),
        ),
      );
    }
    expect((await refresh(replicas.issuer, refreshToken)).status).toBe(200);
  });

  test('two hops down', async () => {
    const { accessToken } = await signIn(replicas.issuer);
    const forApi2 = String((await delegate(one, accessToken)).body['access_token']);
    await expectAllDead(
      await race(
        (at) => exchangeAgain(at, forApi2),
        (at) => revoke(at, accessToken),
      ),
    );
  });

  test('of a revoked refresh token: neither its own successor nor an exchange lives on', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { accessToken, refreshToken } = await signIn(replicas.issuer);
      const renewing = refresh(one, refreshToken);
      const tokens = await race(
        (at) => delegate(at, accessToken),
        (at) => revoke(at, refreshToken),
      );
      const renewed = await renewing;
      await expectAllDead([accessToken, ...tokens]);
      if (renewed.status !== 200) continue;
      await expectAllDead([String(renewed.body['access_token'])]);
      expect((await refresh(one, renewed.body['refresh_token'])).status).toBe(400);
    }
  });

  test('of an ended session, and a code that is redeemed meanwhile buys nothing', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { accessToken, browser } = await signIn(replicas.issuer);
      const pending = await authorize(replicas.issuer, { browser });
      const redeeming = redeem(one, pending);
      const tokens = await race(
        (at) => delegate(at, accessToken),
        () => operator.revocation.endSession(sessionOf(accessToken)),
      );
      const redeemed = await redeeming;
      await expectAllDead([accessToken, ...tokens]);
      if (redeemed.status !== 200) continue;
      await expectAllDead([String(redeemed.body['access_token'])]);
      expect((await refresh(one, redeemed.body['refresh_token'])).status).toBe(400);
    }
  });
});
