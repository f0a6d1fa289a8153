import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorize, redeem, refresh, signIn } from '../support/sign-in.ts';
import { API1, API2, startTestSts, type TestSts } from '../support/sts.ts';

describe('what a refused request used up is given back', () => {
  let sts: TestSts;
  beforeAll(async () => {
    sts = await startTestSts();
  });
  afterAll(() => sts.close());

  test('a refresh token, when `resource` was not granted (RFC 8707 §2.2)', async () => {
    const { refreshToken } = await signIn(sts.issuer);
    const refused = await refresh(sts.issuer, refreshToken, { resource: API2 });
    expect([refused.status, refused.body['error']]).toEqual([400, 'invalid_target']);
    expect((await refresh(sts.issuer, refreshToken)).status).toBe(200);
  });

  test('a code, when `resource` was not granted', async () => {
    const authorization = await authorize(sts.issuer);
    const refused = await redeem(sts.issuer, authorization, { resource: API2 });
    expect([refused.status, refused.body['error']]).toEqual([400, 'invalid_target']);
    expect((await redeem(sts.issuer, authorization, { resource: API1 })).status).toBe(200);
  });

  test('but a replay, which is refused as well, ends the login (RFC 9700 §4.14.2)', async () => {
    const { refreshToken } = await signIn(sts.issuer);
    const next = await refresh(sts.issuer, refreshToken);
    expect((await refresh(sts.issuer, refreshToken)).body['error']).toBe('invalid_grant');
    expect((await refresh(sts.issuer, next.body['refresh_token'])).body['error']).toBe('invalid_grant');
  });
});
