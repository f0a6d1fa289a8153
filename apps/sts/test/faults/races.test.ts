import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { State } from '../../src/state/state.ts';
import { type Replicas, startReplicas } from '../support/replicas.ts';
import { type Answer, delegate, exchangeAgain, isActive, revoke, sessionOf } from '../support/requests.ts';
import { authorize, redeem, refresh, signIn, type TokenAnswer } from '../support/sign-in.ts';

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

/** Introspection of tokens at either replica. */
async function statesOf(tokens: readonly string[]): Promise<ReadonlySet<unknown>> {
  const asked = [one, other].flatMap((at) => tokens.map((token) => isActive(at, token)));
  return new Set(await Promise.all(asked));
}

const ALL_DEAD = new Set([false]);

/** A refresh token is dead too: of one that was handed out there is no successor. */
async function tokensOf({ status, body }: TokenAnswer): Promise<readonly string[]> {
  if (status !== 200) return [];
  const renewed = await refresh(one, body['refresh_token']);
  return [
    String(body['access_token']),
    ...(renewed.status === 200 ? [String(renewed.body['access_token'])] : []),
  ];
}

describe('an end that races with exchanges on two replicas leaves no live descendant', () => {
  test('of a revoked access token', async () => {
    const login = await signIn(replicas.issuer);
    let { refreshToken } = login;
    for (let round = 0; round < ROUNDS; round += 1) {
      const { body } = await refresh(replicas.issuer, refreshToken);
      refreshToken = String(body['refresh_token']);
      const token = String(body['access_token']);
      const tokens = await race(
        (at) => delegate(at, token),
        (at) => revoke(at, token),
      );
      expect(await statesOf([token, ...tokens])).toEqual(ALL_DEAD);
    }
    expect((await refresh(replicas.issuer, refreshToken)).status).toBe(200);
  });

  test('two hops down', async () => {
    const { accessToken } = await signIn(replicas.issuer);
    const forApi2 = String((await delegate(one, accessToken)).body['access_token']);
    const tokens = await race(
      (at) => exchangeAgain(at, forApi2),
      (at) => revoke(at, accessToken),
    );
    expect(await statesOf([accessToken, forApi2, ...tokens])).toEqual(ALL_DEAD);
  });

  test('of a revoked refresh token: neither its own successor nor an exchange lives on', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { accessToken, refreshToken } = await signIn(replicas.issuer);
      const renewing = refresh(one, refreshToken);
      const tokens = await race(
        (at) => delegate(at, accessToken),
        (at) => revoke(at, refreshToken),
      );
      const renewed = await tokensOf(await renewing);
      expect(await statesOf([accessToken, ...tokens, ...renewed])).toEqual(ALL_DEAD);
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
      const redeemed = await tokensOf(await redeeming);
      expect(await statesOf([accessToken, ...tokens, ...redeemed])).toEqual(ALL_DEAD);
    }
  });
});
