import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertionForm, clientAssertion } from '../support/client-assertion.ts';
import { type Replicas, startReplicas } from '../support/replicas.ts';
import { accessTokenOf, type Answer, delegate, isActive, send } from '../support/requests.ts';
import { authorize, refresh, signIn } from '../support/sign-in.ts';
import { API1, REDIRECT_URI } from '../support/sts.ts';

const ATTEMPTS = 1_000;

const TIMEOUT_MS = 180_000;

let replicas: Replicas;

beforeAll(async () => {
  replicas = await startReplicas({ engine: 'postgres', count: 2 });
}, TIMEOUT_MS);

afterAll(() => replicas.close());

/** One form, a thousand times at once, half of them at each replica. */
function storm(form: Readonly<Record<string, string>>): Promise<Answer[]> {
  return Promise.all(
    Array.from({ length: ATTEMPTS }, (_, index) => {
      const at = replicas.running[index % replicas.running.length]?.url ?? '';
      return send(`${at}/connect/token`, { form: { client_id: 'web.client', resource: API1, ...form } });
    }),
  );
}

/** Those that were granted; all others got the plain refusal of RFC 6749 §5.2. */
function successesOf(answers: readonly Answer[]): readonly Answer[] {
  const refused = answers.filter(({ status }) => status !== 200);
  expect(new Set(refused.map(({ status, body }) => `${status} ${String(body['error'])}`))).toEqual(
    new Set(['400 invalid_grant']),
  );
  return answers.filter(({ status }) => status === 200);
}

/** Everything that the one success handed out. */
async function expectDead(answer: Answer | undefined): Promise<void> {
  if (answer === undefined) return;
  const token = accessTokenOf(answer);
  for (const { url } of replicas.running) {
    expect(await isActive(url, token)).toBe(false);
    expect((await delegate(url, token)).body['error']).toBe('invalid_grant');
    expect((await refresh(url, answer.body['refresh_token'])).body['error']).toBe('invalid_grant');
  }
}

test(
  'one of 1,000 redemptions of a code at two replicas succeeds, and its tokens are dead afterwards (RFC 6749 §4.1.2)',
  async () => {
    const { code, codeVerifier } = await authorize(replicas.issuer);
    const form = { grant_type: 'authorization_code', code, code_verifier: codeVerifier };
    const successes = successesOf(await storm({ ...form, redirect_uri: REDIRECT_URI }));
    expect(successes.length).toBeLessThanOrEqual(1);
    await expectDead(successes[0]);
  },
  TIMEOUT_MS,
);

test(
  'of 1,000 uses of a refresh token at most one succeeds, and the login’s tokens are dead afterwards (RFC 9700 §4.14.2)',
  async () => {
    const login = await signIn(replicas.issuer);
    const derived = accessTokenOf(await delegate(replicas.running[0]?.url ?? '', login.accessToken));
    const form = { grant_type: 'refresh_token', refresh_token: login.refreshToken };
    const successes = successesOf(await storm(form));
    expect(successes.length).toBeLessThanOrEqual(1);
    await expectDead(successes[0]);
    for (const { url } of replicas.running) {
      expect(await isActive(url, login.accessToken)).toBe(false);
      expect(await isActive(url, derived)).toBe(false);
    }
  },
  TIMEOUT_MS,
);

test('one of 40 uses of a client assertion at two replicas succeeds (RFC 7523 §3)', async () => {
  const form = assertionForm(await clientAssertion({ issuer: replicas.issuer, config: replicas }));
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      send(`${replicas.running[index % 2]?.url}/connect/token`, { form }),
    ),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
});

test('a bystander’s login goes through such a storm unharmed', async () => {
  const bystander = await signIn(replicas.issuer, { username: 'bob' });
  const login = await signIn(replicas.issuer);
  const replays = Array.from({ length: 20 }, () => refresh(replicas.issuer, login.refreshToken));
  const [renewed] = await Promise.all([refresh(replicas.issuer, bystander.refreshToken), ...replays]);
  expect(renewed?.status).toBe(200);
  expect((await refresh(replicas.issuer, renewed?.body['refresh_token'])).status).toBe(200);
});
