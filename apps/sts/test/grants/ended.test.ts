/** No grant takes the tokens of users and logins that have ended, or delegations that a user has revoked. */

import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACCESS_TOKEN_TYPE } from '../../src/grants/token-exchange.ts';
import { ALICE } from '../../src/registry/users-and-issuers.ts';
import { signAsPartner } from '../support/partner.ts';
import { basic, post, signIn, type TokenAnswer } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';
import { startTestSubscriptions, type TestSubscriptions } from '../support/subscriptions.ts';

let subscriptions: TestSubscriptions;

let sts: TestSts;

beforeAll(async () => {
  subscriptions = await startTestSubscriptions();
  sts = await startTestSts({ environment: { SUBSCRIPTIONS_URL: subscriptions.url } });
});

afterAll(async () => {
  await sts.close();
  await subscriptions.close();
});

const request = (form: Record<string, string>, clientId = 'api1.client') =>
  post(`${sts.issuer}/connect/token`, form, basic(clientId));

const delegate = (token: string) => request({ grant_type: 'delegation', token });

const translate = (token: string) => request({ grant_type: 'translation', token });

const exchange = (token: string, clientId?: string) =>
  request(
    { grant_type: TOKEN_EXCHANGE_GRANT, subject_token: token, subject_token_type: ACCESS_TOKEN_TYPE },
    clientId,
  );

const accessTokenOf = ({ body }: TokenAnswer) => String(body['access_token']);

/** Tries every grant with a user's token, and the next hop with what was delegated before. */
async function expectEnded(token: string, delegated: string): Promise<void> {
  const refused = (error: string) => ({ status: 400, body: { error, reason: 'subject_token' } });
  expect(await delegate(token)).toMatchObject(refused('invalid_grant'));
  expect(await translate(token)).toMatchObject(refused('invalid_grant'));
  expect(await exchange(token)).toMatchObject(refused('invalid_request'));
  expect(await exchange(delegated, 'api2.client')).toMatchObject(refused('invalid_request'));
}

async function enter(username = 'alice') {
  const user = await signIn(sts.issuer, { username });
  const delegated = accessTokenOf(await delegate(user.accessToken));
  expect(await exchange(delegated, 'api2.client')).toMatchObject({ status: 200 });
  return { ...user, delegated };
}

test('after logout no grant takes the session’s tokens, at any depth', async () => {
  const { accessToken, delegated } = await enter();
  expect(await sts.state.revocation.endSession(String(decodeJwt(accessToken)['sid']))).toBe(true);
  await expectEnded(accessToken, delegated);
});

test('after revocation of the refresh token no grant takes what hangs from it, at any depth', async () => {
  const { accessToken, refreshToken, delegated } = await enter();
  const form = { token: refreshToken, client_id: 'web.client' };
  expect(await post(`${sts.issuer}/connect/revocation`, form)).toMatchObject({ status: 200 });
  await expectEnded(accessToken, delegated);
});

test('after revocation of the access token no grant takes it or what was derived from it', async () => {
  const { accessToken, delegated } = await enter();
  const form = { token: accessToken, client_id: 'web.client' };
  expect(await post(`${sts.issuer}/connect/revocation`, form)).toMatchObject({ status: 200 });
  await expectEnded(accessToken, delegated);
});

test('a user who is disabled is refused, also by a partner’s word', async () => {
  const user = await signIn(sts.issuer, { username: 'bob' });
  const delegated = accessTokenOf(await delegate(user.accessToken));
  await sts.state.users.setDisabled('bob', true);
  await expectEnded(user.accessToken, delegated);
  const partner = await translate(await signAsPartner(sts, { sub: 'bob@partner' }));
  expect(partner).toMatchObject({ status: 400, body: { error: 'invalid_grant', reason: 'subject_token' } });
});

test('what a client that is disabled obtained is good for nothing any more', async () => {
  const { accessToken, delegated } = await enter();
  await sts.state.clients.setDisabled('api1.client', true);
  const next = await exchange(delegated, 'api2.client');
  expect(next).toMatchObject({ status: 400, body: { error: 'invalid_request', reason: 'subject_token' } });
  await sts.state.clients.setDisabled('api1.client', false);
  expect(await exchange(delegated, 'api2.client')).toMatchObject({ status: 400 });
  expect(await delegate(accessToken)).toMatchObject({ status: 200 });
  expect(decodeJwt(accessToken)).toMatchObject({ sub: ALICE });
});

test('an actor whom the user blocked is refused there for the rest of that session, by every grant', async () => {
  const { accessToken, delegated } = await enter();
  const other = await enter();
  expect(await sts.state.revocation.revokeDelegation(decodeJwt(delegated).jti ?? '', ALICE)).toBe(true);
  for (const answer of [
    await delegate(accessToken),
    await translate(accessToken),
    await exchange(accessToken),
  ]) {
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target', reason: 'policy' } });
  }
  expect(await delegate(other.accessToken)).toMatchObject({ status: 200 });
});
