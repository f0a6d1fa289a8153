import { sql } from 'kysely';
import { afterEach, expect, test } from 'vitest';
import { integrityOf } from '../support/integrity.ts';
import { type Replicas, startReplicas } from '../support/replicas.ts';
import { accessTokenOf, type Answer, delegate, isActive, send } from '../support/requests.ts';
import { refresh, signIn } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';

/** Room for the schema, the first keys and a few hundred rows. */
const FILE_SIZE_LIMIT = 1_200_000;

const MANY = 3_000;

const opened: (TestSts | Replicas)[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

function expectClean({ status, retryAfter, body }: Answer): void {
  expect([status, body]).toEqual([
    503,
    { error: 'temporarily_unavailable', error_description: 'try again in a moment' },
  ]);
  expect(retryAfter).toMatch(/^\d+$/);
}

/** Exchanges until one is not answered with a token; gives that answer and all tokens before it. */
async function exchangeUntilRefused(at: string, subjectToken: string) {
  const tokens: string[] = [];
  for (let count = 0; count < MANY; count += 1) {
    const answer = await delegate(at, subjectToken);
    if (answer.status !== 200) return { refused: answer, tokens };
    tokens.push(accessTokenOf(answer));
  }
  throw new Error('the disk never got full');
}

test.each([
  ['full', 'pragma max_page_count = 1', 'pragma max_page_count = 1000000'],
  ['read-only', 'pragma query_only = 1', 'pragma query_only = 0'],
])(
  'an SQLite file that is %s is a clean 503, keeps all it had, and takes writes again afterwards',
  async (_name, breaking, healing) => {
    const sts = await startTestSts();
    opened.push(sts);
    const { db } = sts.state.database;
    const login = await signIn(sts.issuer);
    await sql.raw(breaking).execute(db);

    const { refused, tokens } = await exchangeUntilRefused(sts.issuer, login.accessToken);
    expectClean(refused);
    // It was told to try again, so that will be no replay.
    const renewal = await refresh(sts.issuer, login.refreshToken);
    expect([renewal.status, renewal.headers.get('retry-after')]).toEqual([503, '5']);
    const kept = [login.accessToken, ...tokens];
    expect(await Promise.all(kept.map((token) => isActive(sts.issuer, token)))).not.toContain(false);
    expect((await send(`${sts.issuer}/health/live`)).status).toBe(200);

    await sql.raw(healing).execute(db);
    accessTokenOf(await delegate(sts.issuer, login.accessToken));
    expect((await refresh(sts.issuer, login.refreshToken)).status).toBe(200);
    expect((await sql`pragma integrity_check`.execute(db)).rows).toEqual([{ integrity_check: 'ok' }]);
  },
);

test('a write that the operating system cuts short loses nothing acknowledged and corrupts nothing', async () => {
  const replicas = await startReplicas({ engine: 'sqlite' });
  opened.push(replicas);
  const limited = await replicas.start({ fileSizeLimit: FILE_SIZE_LIMIT });
  const login = await signIn(replicas.issuer);
  const { refused, tokens } = await exchangeUntilRefused(limited.url, login.accessToken);
  expectClean(refused);
  expect(tokens.length).toBeGreaterThan(0);
  expect((await send(`${limited.url}/health/live`)).status).toBe(200);
  await replicas.kill(limited);

  expect(integrityOf(replicas.databaseFile)).toBe('ok');
  const { url } = await replicas.start();
  expect(new Set(await Promise.all(tokens.map((token) => isActive(url, token))))).toEqual(new Set([true]));
  expect((await refresh(url, login.refreshToken)).status).toBe(200);
});
