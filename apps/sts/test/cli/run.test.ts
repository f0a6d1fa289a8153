import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandContext } from '../../src/cli/command.ts';
import { runCommand } from '../../src/cli/run.ts';
import { ACCESS_TOKEN_TYPE } from '../../src/grants/token-exchange.ts';
import { loadRegistry } from '../../src/registry/load-registry.ts';
import { ALICE } from '../../src/registry/users-and-issuers.ts';
import { authorize, authorizeUrl, basic, newVerifier, post, refresh, signIn } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

async function run(line: string, secret = ''): Promise<string[]> {
  const printed: string[] = [];
  const context: CommandContext = {
    state: sts.state,
    registry: await loadRegistry(sts.config),
    isProduction: true,
    now: () => Math.floor(Date.now() / 1000),
    print: (text) => void printed.push(text),
    askSecret: () => Promise.resolve(secret),
  };
  await runCommand(line.split(' '), context);
  return printed;
}

const delegate = (token: string, scope: string, headers: Record<string, string> = {}) =>
  post(
    `${sts.issuer}/connect/token`,
    { grant_type: 'delegation', scope, token },
    { ...basic('api1.client'), ...headers },
  );

describe('sts user', () => {
  test('adds one who can sign in, changes the password, disables and enables', async () => {
    expect((await run('user add mallory', 'a long password'))[0]).toMatch(/^added mallory, sub \S+$/);
    const before = await signIn(sts.issuer, { username: 'mallory', password: 'a long password' });
    expect(await run('user password mallory', 'another password')).toEqual([
      'the password of mallory is changed, all sessions have ended',
    ]);
    expect((await delegate(before.accessToken, 'api2')).body['reason']).toBe('subject_token');
    expect((await refresh(sts.issuer, before.refreshToken)).body['error']).toBe('invalid_grant');
    const page = await before.browser.open(authorizeUrl(sts.issuer, newVerifier()));
    expect(page.body).toContain('name="password"');
    const { accessToken } = await signIn(sts.issuer, { username: 'mallory', password: 'another password' });
    await run('user disable mallory');
    expect((await delegate(accessToken, 'api2')).body['reason']).toBe('subject_token');
    await expect(signIn(sts.issuer, { username: 'mallory', password: 'another password' })).rejects.toThrow(
      'no code',
    );
    await run('user enable mallory');
    await signIn(sts.issuer, { username: 'mallory', password: 'another password' });
  });

  test('refuses a short password, a name that is taken and one that is not there', async () => {
    await expect(run('user add nina', 'short')).rejects.toThrow('at least 8');
    await expect(run('user add alice', 'a long password')).rejects.toThrow('already');
    await expect(run('user disable nobody')).rejects.toThrow('no user nobody');
  });
});

describe('sts client', () => {
  test('warns of an exchange grant that no row of the policy and no right makes usable', async () => {
    expect(await run('client add desk.client --grant delegation --scope api2')).toContain(
      'warning: no row of the delegation policy lets desk.client use delegation',
    );
    expect(
      (await run('client add job.client --grant client_credentials --scope api1')).join('\n'),
    ).not.toContain('warning');
  });

  test('adds one with a generated secret that works, and a second one that outlasts it', async () => {
    const [, first] = await run('client add batch.client --grant client_credentials --scope api1');
    const [second] = await run('client secret batch.client --days 30');
    const secretOf = (line = '') => line.replace('secret (shown this once): ', '');
    const use = (secret: string) =>
      post(
        `${sts.issuer}/connect/token`,
        { grant_type: 'client_credentials', scope: 'api1' },
        basic('batch.client', secret),
      );
    expect((await use(secretOf(first))).status).toBe(200);
    expect((await use(secretOf(second))).status).toBe(200);
    await expect(run('client retire-secrets batch.client', 'mistyped')).rejects.toThrow(
      'nothing has changed',
    );
    await run('client retire-secrets batch.client', secretOf(second));
    expect((await use(secretOf(first))).status).toBe(401);
    expect((await use(secretOf(second))).status).toBe(200);
    await run('client disable batch.client');
    expect((await use(secretOf(second))).status).toBe(401);
  });

  test.each([
    ['--scope nothing', 'no API owns the scope nothing'],
    ['--grant nothing', 'there is no grant nothing'],
    ['--openid-scope nothing', 'nothing is no scope of OpenID Connect'],
    ['--public --grant client_credentials', 'not for a public client'],
  ])('refuses %s, and adds nothing', async (options, says) => {
    await expect(run(`client add other.client ${options}`)).rejects.toThrow(says);
    expect(await sts.state.clients.find('other.client')).toBeUndefined();
  });
});

describe('redirect URIs of a new client', () => {
  test.each(['https://app.example/callback', 'http://127.0.0.1/callback'])('may be %s', async (uri) => {
    const id = `app-${new URL(uri).protocol}`;
    await run(
      `client add ${id} --public --grant authorization_code --openid-scope openid --scope api1 --redirect-uri ${uri}`,
    );
    const parameters = { client_id: id, redirect_uri: uri, scope: 'openid api1' };
    const { redirect } = await authorize(sts.issuer, { parameters });
    expect(redirect.href.startsWith(uri)).toBe(true);
  });

  test.each([
    ['http://app.example/callback', 'plain http'],
    ['http://localhost.evil.example/', 'plain http'],
    ['/callback', 'no absolute URI'],
    ['https://app.example/#part', 'has a fragment'],
    ['com.example.app:/callback', 'neither https nor http'],
  ])('are not %s (RFC 9700 §2.6, RFC 6749 §3.1.2), and nothing is added', async (uri, says) => {
    await expect(run(`client add app --redirect-uri ${uri}`)).rejects.toThrow(says);
    expect(await sts.state.clients.find('app')).toBeUndefined();
  });
});

describe('sts ledger and explain', () => {
  test('print rows as /account has them, with subject and session, and why one was refused', async () => {
    const { accessToken } = await signIn(sts.issuer);
    await delegate(accessToken, 'api2');
    await delegate(accessToken, 'api2.premium', { 'x-request-id': 'request-0815' });
    const rows = (await run(`ledger --json --subject ${ALICE}`)).map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    expect(rows[0]).toMatchObject({
      outcome: 'refused',
      reason: 'policy',
      subject: ALICE,
      session: expect.any(String),
    });
    expect(rows[1]).toMatchObject({ outcome: 'issued', actors: ['api1.client'] });
    expect(await run('ledger --json --subject alice')).toHaveLength(rows.length);
    expect((await run('explain request-0815')).join('\n')).toMatch(/refused[\s\S]*invalid_scope/);
    expect((await run(`explain ${String(rows[1]?.['jti'])}`)).at(-1)).toBe('the token is active');
  });
});

test('sts explain says that it was the actor token, of which the wire says policy (RFC 8693 §2.2.2)', async () => {
  const { accessToken } = await signIn(sts.issuer);
  const { body } = await post(
    `${sts.issuer}/connect/token`,
    {
      grant_type: TOKEN_EXCHANGE_GRANT,
      scope: 'api2',
      subject_token: accessToken,
      subject_token_type: ACCESS_TOKEN_TYPE,
      actor_token: accessToken,
      actor_token_type: ACCESS_TOKEN_TYPE,
    },
    { ...basic('api1.client'), 'x-request-id': 'request-0816' },
  );
  expect(body).toMatchObject({ error: 'invalid_request', reason: 'policy' });
  expect((await run('explain request-0816')).join('\n')).toContain(
    'error invalid_request, reason policy, detail actor_token: it is a user’s',
  );
});

test('shows control characters in what a client chose, and lets them do nothing to the terminal', async () => {
  const grantType = 'urn:x\u001b[2J\u009b2J\n2026-01-01 issued\u202e';
  const answer = await post(`${sts.issuer}/connect/token`, {
    grant_type: grantType,
    client_id: 'machine.client',
    client_secret: 'secret',
  });
  expect(answer.body['error']).toBe('unsupported_grant_type');
  const lines = (await run('ledger')).filter((line) => line.includes('urn:x'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(String.raw`urn:x\u001b[2J\u009b2J\u000a2026-01-01 issued\u202e`);
  const rows = (await run('ledger --json')).map((line) => {
    expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    return JSON.parse(line) as { grant_type: string };
  });
  expect(rows.map((row) => row.grant_type)).toContain(grantType);
});

test('sts ledger says that there is nothing, except in an export', async () => {
  expect(await run('ledger --subject nobody')).toEqual(['nothing is recorded']);
  expect(await run('ledger --json --subject nobody')).toEqual([]);
});

describe('sts revoke-all', () => {
  test('ends every token and every sign-in up to now, for the whole server', async () => {
    const { accessToken, refreshToken } = await signIn(sts.issuer);
    expect((await delegate(accessToken, 'api2')).status).toBe(200);
    expect(await run('revoke-all')).toEqual(['everything signed in or issued up to now is void']);
    expect((await delegate(accessToken, 'api2')).body['reason']).toBe('subject_token');
    const refreshed = await post(`${sts.issuer}/connect/token`, {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: 'web.client',
    });
    expect(refreshed.body['error']).toBe('invalid_grant');
  });
});

describe('sts keys', () => {
  test('lists them with their state, and rotates', async () => {
    expect((await run('keys list')).join('\n')).toMatch(/active/);
    expect((await run('keys rotate')).join('\n')).toMatch(/upcoming/);
    expect((await run('keys rotate --now')).join('\n')).toMatch(/revoked/);
  });
});

describe('sts policy check', () => {
  test.each([
    { line: '--actor api1.client --from api1 --to api2 --scope api2', says: /^permitted: .*4002 with api2$/ },
    { line: '--actor api2.client --from api1 --to api2', says: /^refused \(presenter\)/ },
    { line: '--actor api1.client --from api1 --to subscriptions', says: /^refused \(no_rule\)/ },
    { line: '--actor api1.client --from api1 --scope api2.premium', says: /^refused \(scope\)/ },
    {
      line: '--actor api1.client --from api1 --subject client',
      says: /^permitted: .*4002 with api2.statistics$/,
    },
    {
      line: '--actor api1.client --from api1 --subject client --scope api2',
      says: /^refused \(client_token\)/,
    },
    { line: '--actor api1.client --from api1 --to api2 --chain other', says: /^refused \(depth\)/ },
  ])('$line', async ({ line, says }) => {
    expect((await run(`policy check ${line}`))[0]).toMatch(says);
  });

  test.each([
    { line: '--actor nobody --from api1', says: 'there is no client nobody' },
    { line: '--actor api1.client --from nowhere', says: 'there is no API nowhere' },
    { line: '--actor api1.client --from api1 --to nowhere', says: 'there is no API nowhere' },
  ])('$line is told what is not there', async ({ line, says }) => {
    await expect(run(`policy check ${line}`)).rejects.toThrow(says);
  });
});

test.each([
  'nothing',
  'user',
  'keys burn',
  'revoke-all twice',
  'seed what',
  'ledger --what',
  'policy check --actor api1.client',
])('sts %s is told how to use it', async (line) => {
  await expect(run(line)).rejects.toThrow(/\S/);
});
