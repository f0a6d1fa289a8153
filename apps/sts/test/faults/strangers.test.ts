import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizeUrl, newVerifier, post } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';

const REQUESTS = 20;

/** Half an hour for a person, a minute for clocks. */
const INTERACTION_ENDS_SECONDS = 30 * 60 + 61;

const PUSHED_REQUEST_ENDS_SECONDS = 60 + 61;

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

const TABLES = ['oidc_records', 'logins', 'ledger', 'replays', 'sign_in_attempts', 'grant_ends'] as const;

/** Rows per table, in what only signed-in people and authenticated clients have a right to. */
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
