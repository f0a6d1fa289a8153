import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/run.ts';
import { ALICE } from '../../src/registry/users-and-issuers.ts';
import { Browser, type BrowserPage } from '../support/browser.ts';
import { authorizeUrl, newVerifier, redeem, signIn } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';
import { startUpstream, UPSTREAM_SECRET, type UpstreamProvider } from '../support/upstream-provider.ts';

let upstream: UpstreamProvider;
let sts: TestSts;
let closed: TestSts;

beforeAll(async () => {
  upstream = await startUpstream(() => [sts.address, closed.address]);
  const environment = {
    UPSTREAM_ISSUER: upstream.issuer,
    UPSTREAM_CLIENT_ID: 'behalf',
    UPSTREAM_CLIENT_SECRET: UPSTREAM_SECRET,
    UPSTREAM_NAME: 'Example ID',
  };
  sts = await startTestSts({ environment: { ...environment, UPSTREAM_CREATE_USERS: 'on' } });
  closed = await startTestSts({ environment });
});

afterAll(async () => {
  await sts.close();
  await closed.close();
  await upstream.close();
});

beforeEach(() => {
  upstream.person = 'erin';
  upstream.signedInAt = undefined;
});

/** From the sign-in page to the upstream: the address there, and this server's browser. */
async function leave(parameters: Readonly<Record<string, string>> = {}, server = sts) {
  const browser = new Browser(server.issuer);
  const codeVerifier = newVerifier();
  const page = await browser.open(authorizeUrl(server.issuer, codeVerifier, { parameters }));
  const link = /href="(\/interaction\/[^"]+\/upstream)">Continue with Example ID/.exec(page.body)?.[1];
  if (link === undefined) throw new Error(`no way to the upstream: ${page.body}`);
  const gone = await browser.open(link);
  return { browser, codeVerifier, link, url: gone.url };
}

/** The whole way: resolves with the page or the redirect at its end. */
async function continueThere(
  parameters: Readonly<Record<string, string>> = {},
  there = new Browser(upstream.issuer),
  server = sts,
) {
  const left = await leave(parameters, server);
  const answered = await there.open(left.url);
  const page = await left.browser.open(answered.url);
  return { ...left, there, answered: answered.url, page };
}

async function tokenOf({ page, codeVerifier }: { page: BrowserPage; codeVerifier: string }) {
  const code = new URL(page.url).searchParams.get('code') ?? '';
  const answer = await redeem(sts.issuer, { code, codeVerifier });
  if (answer.status !== 200) throw new Error(`${page.status} ${page.body} ${JSON.stringify(answer.body)}`);
  return {
    token: String(answer.body['access_token']),
    claims: decodeJwt(String(answer.body['access_token'])),
  };
}

describe('sign-in with another OpenID provider', () => {
  it('takes who, when and how from there', async () => {
    upstream.signedInAt = Math.floor(Date.now() / 1000) - 1000;
    const { claims } = await tokenOf(await continueThere());
    expect(claims).toMatchObject({ auth_time: upstream.signedInAt, amr: ['pwd', 'otp'] });
  });

  it('asks by code with PKCE, nonce, state and the greatest age of the sign-in there', async () => {
    await continueThere();
    expect(Object.fromEntries(upstream.requests.at(-1) ?? [])).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      nonce: expect.stringMatching(/^[\w-]{40,}$/) as string,
      state: expect.stringMatching(/^[\w-]+\.[\w-]{43}$/) as string,
      max_age: '14400',
    });
  });

  it('knows a person by issuer and subject, never by an e-mail address', async () => {
    const first = await tokenOf(await continueThere());
    const again = await tokenOf(await continueThere());
    upstream.person = 'frank';
    const other = await tokenOf(await continueThere());
    expect(again.claims.sub).toBe(first.claims.sub);
    expect(other.claims.sub).not.toBe(first.claims.sub);
    // The upstream says that both have alice's address.
    expect([first.claims.sub, other.claims.sub]).not.toContain(ALICE);
  });

  it('passes max_age and prompt=login on', async () => {
    await continueThere({ max_age: '120', prompt: 'login' });
    const asked = upstream.requests.at(-1);
    expect([asked?.get('max_age'), asked?.get('prompt')]).toEqual(['120', 'login']);
  });

  it.each([
    ['too old for max_age', { max_age: '120' }, 1000],
    ['not made anew for prompt=login', { prompt: 'login' }, 1000],
    ['too old for a session here', {}, 5 * 3600],
  ])('refuses a sign-in there that is %s', async (_what, parameters, age) => {
    upstream.signedInAt = Math.floor(Date.now() / 1000) - age;
    const { page } = await continueThere(parameters);
    expect([page.status, page.body]).toEqual([400, expect.stringContaining('Not signed in') as string]);
  });

  it('tells whom to ask when people are not made users, and takes those that an operator links', async () => {
    const come = async () => (await continueThere({}, new Browser(upstream.issuer), closed)).page;
    const page = await come();
    expect([page.status, page.body]).toEqual([
      403,
      expect.stringMatching(/Ask the people who run/) as string,
    ]);
    expect(page.body).toContain('<dd>erin</dd>');
    const printed: string[] = [];
    const link = (name: string) =>
      runCommand(['user', 'link', name, upstream.issuer, 'erin'], {
        state: closed.state,
        print: (line: string) => void printed.push(line),
      } as never);
    await link('alice');
    expect(new URL((await come()).url).searchParams.get('code')).not.toBeNull();
    expect((await closed.state.people.find(upstream.issuer, 'erin'))?.id).toBe(ALICE);
    await expect(link('bob')).rejects.toThrow('linked already');
    expect(printed).toHaveLength(1);
  });

  it('takes an answer once, and in the browser that began alone', async () => {
    const left = await leave();
    const answered = (await new Browser(upstream.issuer).open(left.url)).url;
    const elsewhere = await new Browser(sts.issuer).open(answered);
    expect([elsewhere.status, elsewhere.body]).toEqual([400, expect.stringContaining('expired') as string]);
    const page = await left.browser.open(answered);
    expect(new URL(page.url).searchParams.get('code')).not.toBeNull();
    expect((await left.browser.open(answered)).status).toBe(400);
  });

  it('takes no answer that was begun for another sign-in', async () => {
    const mine = await leave();
    const others = await leave();
    const { search } = new URL((await new Browser(upstream.issuer).open(others.url)).url);
    const page = await mine.browser.open(`${mine.link}/callback${search}`);
    expect([page.status, page.body]).toEqual([400, expect.stringContaining('Not signed in') as string]);
  });

  it.each([
    ['another issuer', (answer: URL) => answer.searchParams.set('iss', 'https://evil.example')],
    ['no issuer', (answer: URL) => answer.searchParams.delete('iss')],
    ['another code', (answer: URL) => answer.searchParams.set('code', 'x')],
    ['an error', (answer: URL) => answer.searchParams.set('error', 'access_denied')],
    ['no state', (answer: URL) => answer.searchParams.delete('state')],
  ])('refuses an answer with %s', async (_what, change) => {
    const left = await leave();
    const answered = new URL((await new Browser(upstream.issuer).open(left.url)).url);
    change(answered);
    const page = await left.browser.open(answered.href);
    expect([page.status, page.body]).toEqual([400, expect.stringContaining('Not signed in') as string]);
  });

  it('has no password here', async () => {
    const { claims } = await tokenOf(await continueThere());
    const { name } = (await sts.state.users.findById(claims.sub ?? '')) ?? { name: '' };
    expect(name).toContain('@127.0.0.1');
    expect(await sts.state.users.authenticate(name, '')).toBeUndefined();
  });

  it('ends with the session there, and no other session ends (Back-Channel Logout 1.0)', async () => {
    const there = new Browser(upstream.issuer);
    const { claims } = await tokenOf(await continueThere({}, there));
    const other = await tokenOf(await continueThere());
    const own = decodeJwt((await signIn(sts.issuer)).accessToken);
    const question = await there.open(`${upstream.issuer}/session/end`);
    await there.submit(question, { logout: 'yes' });
    const isActive = async (jti: unknown) =>
      (await sts.state.ledger.statusOf(String(jti), Math.floor(Date.now() / 1000))).active;
    await expect.poll(() => isActive(claims.jti)).toBe(false);
    expect([await isActive(other.claims.jti), await isActive(own.jti)]).toEqual([true, true]);
  });

  it('takes no logout token that the upstream has not signed', async () => {
    const response = await fetch(`${sts.address}/upstream/backchannel-logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: 'e30.e30.x' }),
    });
    expect(response.status).toBe(400);
  });
});

it('without UPSTREAM_ISSUER there is neither a button nor a route', async () => {
  const plain = await startTestSts();
  try {
    const page = await new Browser(plain.issuer).open(authorizeUrl(plain.issuer, newVerifier()));
    expect(page.body).not.toContain('Continue with');
    expect((await fetch(`${plain.address}/upstream/callback`)).status).toBe(404);
  } finally {
    await plain.close();
  }
});
