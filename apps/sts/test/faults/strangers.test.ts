import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createSignInThrottle } from '../../src/interactions/throttle.ts';
import { assertionForm } from '../support/client-assertion.ts';
import { authorizeUrl, basic, newVerifier, post, refresh, signIn } from '../support/sign-in.ts';
import { API1, REDIRECT_URI, startTestSts, type TestSts } from '../support/sts.ts';

const REQUESTS = 20;

/** Half an hour for a person, a minute for clocks. */
const INTERACTION_ENDS_SECONDS = 30 * 60 + 61;

const PUSHED_REQUEST_ENDS_SECONDS = 60 + 61;

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterEach(async () => {
  for (const table of TABLES) await sts.state.database.db.deleteFrom(table).execute();
});

afterAll(() => sts.close());

const TABLES = [
  'oidc_records',
  'logins',
  'ledger',
  'replays',
  'sign_in_attempts',
  'grant_ends',
  'delegation_blocks',
  'logout_outbox',
] as const;

/** Rows per table that has any. */
async function rows(): Promise<Record<string, number>> {
  const counted = await Promise.all(
    TABLES.map(async (table) => {
      const found = await sts.state.database.db.selectFrom(table).selectAll().execute();
      return [table, found.length] as const;
    }),
  );
  return Object.fromEntries(counted.filter(([, count]) => count > 0));
}

const ask = (parameters: Record<string, string> = {}) =>
  fetch(authorizeUrl(sts.issuer, newVerifier(), { parameters }), { redirect: 'manual' });

const push = (parameters: Record<string, string> = {}) =>
  post(
    `${sts.issuer}/connect/par`,
    new URL(authorizeUrl(sts.issuer, newVerifier(), { parameters })).searchParams,
  );

async function sweptAfter(seconds: number): Promise<Record<string, number>> {
  sts.clock.skewSeconds += seconds;
  await sts.state.sweep();
  return rows();
}

const FORM = { code: 'x', redirect_uri: REDIRECT_URI, code_verifier: newVerifier(), resource: API1 };

const PUBLIC = { client_id: 'web.client' };

describe('requests that no client or user has authenticated leave nothing', () => {
  test.each<[string, Record<string, string>]>([
    ['token', { ...PUBLIC, grant_type: 'authorization_code', ...FORM }],
    ['token', { ...PUBLIC, grant_type: 'refresh_token', refresh_token: 'x' }],
    ['token', { ...PUBLIC, grant_type: 'delegation', scope: 'api2', token: 'x' }],
    ['token', { ...PUBLIC, grant_type: 'unknown' }],
    ['token', { client_id: 'api1.client', client_secret: 'wrong', grant_type: 'delegation', token: 'x' }],
    ['token', { client_id: 'unknown', grant_type: 'client_credentials', scope: 'api1' }],
    ['token', assertionForm('a.b.c')],
    ['introspect', { ...PUBLIC, token: 'x' }],
    ['revocation', { ...PUBLIC, token: 'x' }],
    ['par', { ...PUBLIC, redirect_uri: 'https://evil.example/' }],
    ['authorize', PUBLIC],
    ['endsession', { ...PUBLIC, id_token_hint: 'x' }],
    ['endsession', { ...PUBLIC, state: 'x' }],
    ['endsession/confirm', { xsrf: 'x', logout: 'yes' }],
    ['userinfo', { access_token: 'x' }],
  ])('POST /connect/%s of %o', async (path, form) => {
    await post(`${sts.issuer}/connect/${path}`, form, { cookie: 'behalf.session=x' });
    expect(await rows()).toEqual({});
  });

  test.each([
    '/connect/endsession',
    '/connect/endsession?client_id=web.client&post_logout_redirect_uri=http://localhost:5173/&state=x',
    '/connect/endsession/confirm',
    '/connect/endsession/success',
    '/connect/authorize/x',
    '/connect/userinfo',
    '/interaction/x',
    '/account/delegations',
    '/account/sessions',
    '/.well-known/openid-configuration',
  ])('GET %s', async (path) => {
    for (const headers of [{}, { cookie: 'behalf.session=x; behalf.session.sig=x; behalf.resume=x' }]) {
      await fetch(`${sts.issuer}${path}`, { redirect: 'manual', headers });
    }
    expect(await rows()).toEqual({});
  });

  test('refusals of a public client do not use up what is recorded of it', async () => {
    for (let count = 0; count < 70; count += 1) await refresh(sts.issuer, 'x');
    const { refreshToken } = await signIn(sts.issuer);
    const api1 = basic('api1.client');
    await post(`${sts.issuer}/connect/token`, { grant_type: 'delegation', scope: 'api2', token: 'x' }, api1);
    await refresh(sts.issuer, refreshToken);
    const { db } = sts.state.database;
    const refused = await db
      .selectFrom('ledger')
      .select('client_id')
      .where('outcome', '=', 'refused')
      .execute();
    expect(refused).toEqual([{ client_id: 'api1.client' }]);
  });
});

test('of failed sign-ins a network leaves at most 301 rows, for a quarter of an hour', async () => {
  const { db } = sts.state.database;
  const throttle = createSignInThrottle(db, () => 1_800_000_000);
  for (let count = 0; count < 310; count += 1) await throttle.consume(`name ${count}`, '192.0.2.1');
  expect(await rows()).toEqual({ sign_in_attempts: 301 });
});

test('a successful sign-in leaves no attempt', async () => {
  await signIn(sts.issuer);
  expect(await rows()).not.toHaveProperty('sign_in_attempts');
});

describe('what a stranger can leave in the database', () => {
  test('by authorization requests is one record each, as long as a sign-in may take', async () => {
    for (let count = 0; count < REQUESTS; count += 1) expect((await ask()).status).toBe(303);
    expect(await rows()).toEqual({ oidc_records: REQUESTS });
    expect(await sweptAfter(INTERACTION_ENDS_SECONDS - 120)).toEqual({ oidc_records: REQUESTS });
    expect(await sweptAfter(120)).toEqual({});
  });

  test('by pushed requests of a client without a secret is one record each, for a minute (RFC 9126 §2.2)', async () => {
    for (let count = 0; count < REQUESTS; count += 1) expect((await push()).status).toBe(201);
    expect(await rows()).toEqual({ oidc_records: REQUESTS });
    expect(await sweptAfter(PUSHED_REQUEST_ENDS_SECONDS)).toEqual({});
  });

  test.each([
    ['that is refused', { redirect_uri: 'https://evil.example/' }],
    ['of an unknown client', { client_id: 'nobody' }],
    ['that nobody is to be asked about', { prompt: 'none' }],
    ['that is larger than a line of HTTP', { state: 'x'.repeat(17_000) }],
  ])('by a request %s is nothing', async (_which, parameters) => {
    await ask(parameters);
    expect(await rows()).toEqual({});
  });

  test('by a pushed request is no more than by an address: past 16 KiB it is 413 (RFC 9126 §2.3)', async () => {
    expect((await push({ state: 'x'.repeat(17_000) })).status).toBe(413);
    expect(await rows()).toEqual({});
  });
});
