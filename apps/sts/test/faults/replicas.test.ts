import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../../src/registry/users-and-issuers.ts';
import type { State } from '../../src/state/state.ts';
import { Browser, formOf } from '../support/browser.ts';
import { type Replicas, startReplicas } from '../support/replicas.ts';
import {
  accessTokenOf,
  delegate,
  exchangeAgain,
  isActive,
  revoke,
  send,
  sessionOf,
  translate,
} from '../support/requests.ts';
import { authorizeUrl, basic, newVerifier, refresh, signIn } from '../support/sign-in.ts';

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

/** A user's token with everything that API1 and API2 derive from it, each at another replica. */
async function holdings(username = 'alice', browser = new Browser(replicas.issuer)) {
  const login = await signIn(replicas.issuer, { username, browser });
  const forApi2 = accessTokenOf(await delegate(one, login.accessToken));
  const forSubscriptions = accessTokenOf(await exchangeAgain(other, forApi2));
  const premium = accessTokenOf(await translate(other, login.accessToken));
  return { ...login, tokens: [login.accessToken, forApi2, forSubscriptions, premium] };
}

type Holdings = Awaited<ReturnType<typeof holdings>>;

const activeAt = (at: string, tokens: readonly string[]) =>
  Promise.all(tokens.map((token) => isActive(at, token)));

/** The answers to everything that could still be had from a login, at one replica. */
async function attemptsAt(at: string, { accessToken, refreshToken, tokens }: Holdings) {
  const [, forApi2 = ''] = tokens;
  return {
    delegation: (await delegate(at, accessToken)).body['error'],
    translation: (await translate(at, accessToken)).body['error'],
    exchange: (await exchangeAgain(at, forApi2)).body['error'],
    refresh: (await refresh(at, refreshToken)).body['error'],
    active: await activeAt(at, tokens),
  };
}

const ALL_REFUSED = {
  delegation: 'invalid_grant',
  translation: 'invalid_grant',
  exchange: 'invalid_request',
  refresh: 'invalid_grant',
  active: [false, false, false, false],
};

async function signOut({ browser, idToken }: Holdings): Promise<void> {
  const question = await browser.open(`/connect/endsession?id_token_hint=${idToken}`);
  if (formOf(question).action === '') throw new Error('no question');
  await browser.submit(question, { logout: 'yes' });
}

const publishedAt = async (at: string) => {
  const { body } = await send(`${at}/.well-known/openid-configuration/jwks`);
  return (body['keys'] as { kid: string }[]).map(({ kid }) => kid);
};

test('a sign-in, its code and its session are good on every replica, whichever answers next', async () => {
  for (let turn = 0; turn < 3; turn += 1) {
    const { tokens } = await holdings();
    expect(await activeAt(one, tokens)).toEqual([true, true, true, true]);
    expect(await activeAt(other, tokens)).toEqual([true, true, true, true]);
  }
});

test('failed sign-ins are counted together', async () => {
  const browser = new Browser(replicas.issuer);
  const page = await browser.open(authorizeUrl(replicas.issuer, newVerifier()));
  const statuses: number[] = [];
  for (let guess = 0; guess < 11; guess += 1) {
    statuses.push((await browser.submit(page, { username: 'bob', password: 'wrong' })).status);
  }
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
});

describe('what ended on one replica is refused on the other', () => {
  test('a logout ends the session with all that hangs from it (OpenID Connect RP-Initiated Logout 1.0)', async () => {
    const login = await holdings();
    const bystander = await holdings();
    await signOut(login);
    expect(await attemptsAt(other, login)).toEqual(ALL_REFUSED);
    expect(await attemptsAt(one, login)).toEqual(ALL_REFUSED);
    expect(await activeAt(other, bystander.tokens)).toEqual([true, true, true, true]);
  });

  test('a revoked refresh token ends its grant (RFC 7009 §2.1)', async () => {
    const login = await holdings();
    expect((await revoke(one, login.refreshToken)).status).toBe(200);
    expect(await attemptsAt(other, login)).toEqual(ALL_REFUSED);
  });

  test('a revoked access token ends what was derived from it, and nothing else (RFC 7009 §2.1)', async () => {
    const login = await holdings();
    expect((await revoke(one, login.accessToken)).status).toBe(200);
    const { refresh: renewed, ...others } = await attemptsAt(other, login);
    expect({ ...others, refresh: 'invalid_grant' }).toEqual(ALL_REFUSED);
    expect(renewed).toBeUndefined();
  });

  test('a session that its user ends at /account (DESIGN: end users)', async () => {
    const login = await holdings();
    const account = await signIn(replicas.issuer, {
      scope: 'openid account',
      resource: [replicas.issuer],
    });
    const authorization = { authorization: `Bearer ${account.accessToken}` };
    const { body } = await send(`${one}/account/sessions`, { headers: authorization });
    const sessions = body['sessions'] as { id: string }[];
    const ended = sessionOf(login.accessToken);
    expect(sessions.map(({ id }) => id)).toContain(ended);
    const answer = await fetch(`${one}/account/sessions/${ended}`, {
      method: 'DELETE',
      headers: authorization,
    });
    expect(answer.status).toBe(204);
    expect(await attemptsAt(other, login)).toEqual(ALL_REFUSED);
  });

  test('a disabled user', async () => {
    const login = await holdings();
    await operator.users.setDisabled('alice', true);
    expect(await attemptsAt(one, login)).toEqual(ALL_REFUSED);
    expect(await attemptsAt(other, login)).toEqual(ALL_REFUSED);
    await operator.users.setDisabled('alice', false);
    expect(await attemptsAt(other, login)).toEqual(ALL_REFUSED);
    expect((await operator.users.findById(ALICE))?.disabled).toBe(false);
  });

  test('a disabled client, within the second that clients are remembered', async () => {
    const { accessToken, tokens } = await holdings();
    await operator.clients.setDisabled('api1.client', true);
    for (const at of [one, other]) {
      await expect.poll(async () => (await delegate(at, accessToken)).body['error']).toBe('invalid_client');
      const derived = { form: { token: tokens[2] ?? '' }, headers: basic('api2.client') };
      expect((await send(`${at}/connect/introspect`, derived)).body).toEqual({ active: false });
    }
    await operator.clients.setDisabled('api1.client', false);
    for (const at of [one, other]) {
      await expect.poll(async () => (await delegate(at, accessToken)).status).toBe(200);
    }
  });
});

describe('signing keys', () => {
  test('a new key is published by every replica without a restart', async () => {
    const [before] = await publishedAt(one);
    await operator.keys.rotate();
    for (const at of [one, other]) {
      await expect.poll(() => publishedAt(at)).toHaveLength(2);
      expect(await publishedAt(at)).toContain(before);
    }
    const { tokens } = await holdings();
    expect(tokens.map((token) => decodeProtectedHeader(token).kid)).toEqual([before, before, before, before]);
  });

  test('after an emergency rotation no replica takes what the old key signed; sign-ins go on', async () => {
    const browser = new Browser(replicas.issuer);
    const { accessToken, refreshToken, tokens } = await holdings('alice', browser);
    await operator.keys.rotateNow();
    const activeKid = (await operator.keys.list()).find(({ state }) => state === 'active')?.kid;
    for (const at of [one, other]) {
      await expect.poll(() => publishedAt(at)).toEqual([activeKid]);
      expect((await delegate(at, accessToken)).body['error']).toBe('invalid_grant');
      expect(await activeAt(at, tokens)).toEqual([false, false, false, false]);
    }
    const renewed = await refresh(other, refreshToken);
    expect(decodeProtectedHeader(String(renewed.body['access_token'])).kid).toBe(activeKid);
    expect((await delegate(one, String(renewed.body['access_token']))).status).toBe(200);
    const again = await holdings('alice', browser);
    expect(sessionOf(again.accessToken)).toBe(sessionOf(accessToken));
  });
});
