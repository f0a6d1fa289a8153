import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorize, basic, post, redeem, signIn } from '../support/sign-in.ts';
import { addConfidentialClient, API1, startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

const introspect = (token: string, client = basic('api1.client')) =>
  post(`${sts.issuer}/connect/introspect`, { token }, client);

const delegate = async (token: string) => {
  const answer = await post(
    `${sts.issuer}/connect/token`,
    { grant_type: 'delegation', scope: 'api2', token },
    basic('api1.client'),
  );
  return String(answer.body['access_token']);
};

describe('introspection of an access token (RFC 7662)', () => {
  test('shows it to the API it is for, with all its claims', async () => {
    const { accessToken } = await signIn(sts.issuer);
    const { status, headers, body } = await introspect(accessToken);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({ ...decodeJwt(accessToken), active: true, token_type: 'Bearer' });
  });

  test('shows it to the client it was issued to', async () => {
    const answer = await post(
      `${sts.issuer}/connect/token`,
      { grant_type: 'client_credentials', scope: 'api1' },
      basic('machine.client'),
    );
    const { body } = await introspect(String(answer.body['access_token']), basic('machine.client'));
    expect(body).toMatchObject({ active: true, sub: 'machine.client' });
  });

  test('shows a delegated token to the API it is for and to the client that acts, with act', async () => {
    const delegated = await delegate((await signIn(sts.issuer)).accessToken);
    for (const client of ['api1.client', 'api2.client']) {
      const { body } = await introspect(delegated, basic(client));
      expect(body).toMatchObject({ active: true, act: { sub: 'api1.client' } });
    }
  });

  test.each(['api2.client', 'subscriptions.client', 'machine.client'])(
    'calls it inactive, and says nothing more, to %s (RFC 7662 §2.2)',
    async (client) => {
      const { accessToken } = await signIn(sts.issuer);
      const { status, body } = await introspect(accessToken, basic(client));
      expect(status).toBe(200);
      expect(body).toEqual({ active: false });
    },
  );

  const changed = (token: string) => token.slice(0, -6) + (token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA');
  test.each([
    { why: 'a tampered token', tokenOf: changed },
    { why: 'an unknown opaque token', tokenOf: () => 'x'.repeat(43) },
    { why: 'something that is no token', tokenOf: () => 'eyJhbGciOiJub25lIn0.e30.' },
  ])('calls $why inactive', async ({ tokenOf }) => {
    const { accessToken } = await signIn(sts.issuer);
    expect((await introspect(tokenOf(accessToken))).body).toEqual({ active: false });
  });

  test('calls a token inactive that has expired (RFC 7662 §4)', async () => {
    const { accessToken } = await signIn(sts.issuer);
    expect((await introspect(accessToken)).body['active']).toBe(true);
    sts.clock.skewSeconds = 600 + 6;
    expect((await introspect(accessToken)).body).toEqual({ active: false });
    sts.clock.skewSeconds = 0;
  });

  test('calls an ID token inactive', async () => {
    const { idToken } = await signIn(sts.issuer);
    expect((await introspect(idToken)).body).toEqual({ active: false });
  });

  test('shows an opaque token and a refresh token to their own client alone', async () => {
    const client = await addConfidentialClient(sts);
    const answer = await redeem(
      sts.issuer,
      await authorize(sts.issuer, { parameters: client.request }),
      client.credentials,
    );
    for (const name of ['access_token', 'refresh_token']) {
      const token = String(answer.body[name]);
      expect((await introspect(token)).body).toEqual({ active: false });
      const own = await post(`${sts.issuer}/connect/introspect`, { token, ...client.credentials });
      expect(own.body).toMatchObject({ active: true, client_id: client.credentials.client_id });
    }
  });

  test('is refused to a public client, which nothing authenticates (§2.1)', async () => {
    const { accessToken, refreshToken } = await signIn(sts.issuer);
    for (const token of [accessToken, refreshToken, 'x']) {
      const answer = await post(`${sts.issuer}/connect/introspect`, { token, client_id: 'web.client' });
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    }
  });

  test.each([
    { why: 'no client authentication', headers: {} },
    { why: 'a wrong secret', headers: basic('api1.client', 'wrong') },
  ])('is refused with $why (RFC 7662 §2.1)', async ({ headers }) => {
    const answer = await post(`${sts.issuer}/connect/introspect`, { token: 'x' }, headers);
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('is refused without a token', async () => {
    expect(await post(`${sts.issuer}/connect/introspect`, {}, basic('api1.client'))).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });
});

describe('revocation (RFC 7009)', () => {
  const revoke = (token: string, form: Record<string, string> = { client_id: 'web.client' }, headers = {}) =>
    post(`${sts.issuer}/connect/revocation`, { token, ...form }, headers);
  const refresh = (token: string) =>
    post(`${sts.issuer}/connect/token`, {
      grant_type: 'refresh_token',
      client_id: 'web.client',
      refresh_token: token,
      resource: API1,
    });

  test('of an access token ends it and what was derived from it, and nothing else', async () => {
    const { accessToken, refreshToken } = await signIn(sts.issuer);
    const delegated = await delegate(accessToken);
    expect((await revoke(accessToken)).status).toBe(200);
    expect((await introspect(accessToken)).body).toEqual({ active: false });
    expect((await introspect(delegated)).body).toEqual({ active: false });
    const again = await refresh(refreshToken);
    expect(again.status).toBe(200);
    expect((await introspect(String(again.body['access_token']))).body['active']).toBe(true);
  });

  test('of a delegated token leaves the one that it came from', async () => {
    const { accessToken } = await signIn(sts.issuer);
    const delegated = await delegate(accessToken);
    expect((await revoke(delegated, {}, basic('api1.client'))).status).toBe(200);
    expect((await introspect(delegated)).body).toEqual({ active: false });
    expect((await introspect(accessToken)).body['active']).toBe(true);
  });

  test('of a refresh token ends the grant with all its tokens and descendants, not the browser session', async () => {
    const { accessToken, refreshToken, browser } = await signIn(sts.issuer);
    const delegated = await delegate(accessToken);
    expect((await revoke(refreshToken)).status).toBe(200);
    expect((await refresh(refreshToken)).body['error']).toBe('invalid_grant');
    expect((await introspect(accessToken)).body).toEqual({ active: false });
    expect((await introspect(delegated)).body).toEqual({ active: false });
    const next = await signIn(sts.issuer, { browser, parameters: { prompt: 'none' } });
    expect((await introspect(next.accessToken)).body['active']).toBe(true);
  });

  test('of an opaque access token ends nothing but itself', async () => {
    const answer = await redeem(sts.issuer, await authorize(sts.issuer), {});
    const opaque = String(answer.body['access_token']);
    expect((await revoke(opaque)).status).toBe(200);
    const userinfo = await fetch(`${sts.issuer}/connect/userinfo`, {
      headers: { authorization: `Bearer ${opaque}` },
    });
    expect(userinfo.status).toBe(401);
    expect((await refresh(String(answer.body['refresh_token']))).status).toBe(200);
  });

  test('of another client’s token is refused, and the token stays (RFC 7009 §2.1)', async () => {
    const { accessToken, refreshToken } = await signIn(sts.issuer);
    for (const token of [accessToken, refreshToken]) {
      const answer = await revoke(token, {}, basic('api1.client'));
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    }
    expect((await introspect(accessToken)).body['active']).toBe(true);
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  test.each(['x'.repeat(43), 'eyJhbGciOiJFUzI1NiJ9.e30.AA', 'nonsense'])(
    'of what is no token (%s) is a success (RFC 7009 §2.2)',
    async (token) => {
      expect((await revoke(token)).status).toBe(200);
    },
  );

  test('is answered by 200 without content and without its type (§2.2)', async () => {
    const { accessToken, refreshToken } = await signIn(sts.issuer);
    const opaque = await redeem(sts.issuer, await authorize(sts.issuer), {});
    for (const token of [accessToken, 'x', String(opaque.body['access_token']), refreshToken]) {
      const { status, headers, body } = await revoke(token);
      expect([status, headers.get('content-type'), body]).toEqual([200, null, { text: '' }]);
    }
  });

  test('after the replay of a code finds its access token dead (RFC 6749 §4.1.2)', async () => {
    const { accessToken, code, codeVerifier } = await signIn(sts.issuer);
    await redeem(sts.issuer, { code, codeVerifier });
    expect((await introspect(accessToken)).body).toEqual({ active: false });
  });

  test('disabling a user ends the user’s tokens', async () => {
    await sts.state.users.add({ name: 'heidi', password: 'heidi' });
    const { accessToken } = await signIn(sts.issuer, { username: 'heidi' });
    expect((await introspect(accessToken)).body['active']).toBe(true);
    await sts.state.users.setDisabled('heidi', true);
    expect((await introspect(accessToken)).body).toEqual({ active: false });
  });
});
