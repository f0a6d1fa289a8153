import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signIn } from './testing/sign-in.ts';
import { startTestSts, type TestSts } from './testing/sts.ts';

let sts: TestSts;
beforeAll(async () => {
  sts = await startTestSts();
});
afterAll(() => sts.close());

describe('the authorization code flow', () => {
  test('gives an access token for the requested API', async () => {
    const tokens = await signIn(sts.issuer);
    expect(tokens.answer).toMatchObject({ token_type: 'Bearer', expires_in: 600, scope: 'api1' });
  });
});
