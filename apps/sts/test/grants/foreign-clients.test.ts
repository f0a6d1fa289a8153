/** Client libraries that nobody here wrote, against the whole server. */

import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACCESS_TOKEN_TYPE } from '../../src/grants/token-exchange.ts';
import { ALICE } from '../../src/registry/users-and-issuers.ts';
import { signIn } from '../support/sign-in.ts';
import { API2, startTestSts, type TestSts } from '../support/sts.ts';

// oxlint-disable-next-line typescript/no-deprecated -- the test's server is on loopback
const { allowInsecureRequests } = client;

// oxlint-disable-next-line typescript/no-deprecated -- the test's server is on loopback
const OVER_HTTP = { [oauth.allowInsecureRequests]: true };

let sts: TestSts;

let accessToken: string;

beforeAll(async () => {
  sts = await startTestSts();
  ({ accessToken } = await signIn(sts.issuer));
});

afterAll(() => sts.close());

const discover = () =>
  client.discovery(new URL(sts.issuer), 'api1.client', 'secret', undefined, {
    execute: [allowInsecureRequests],
  });

test('openid-client discovers the server and exchanges (RFC 8693)', async () => {
  const answer = await client.genericGrantRequest(await discover(), TOKEN_EXCHANGE_GRANT, {
    subject_token: accessToken,
    subject_token_type: ACCESS_TOKEN_TYPE,
    audience: 'api2',
  });
  expect(answer).toMatchObject({ issued_token_type: ACCESS_TOKEN_TYPE, scope: 'api2' });
});

test('openid-client reads a refusal', async () => {
  const refused = client.genericGrantRequest(await discover(), 'delegation', { token: 'nonsense' });
  await expect(refused).rejects.toMatchObject({ error: 'invalid_grant', status: 400 });
});

test('openid-client introspects and revokes what it obtained (RFC 7662, RFC 7009)', async () => {
  const config = await discover();
  const delegated = await client.genericGrantRequest(config, 'delegation', { token: accessToken });
  const before = await client.tokenIntrospection(config, delegated.access_token);
  expect(before).toMatchObject({ active: true, sub: ALICE, aud: API2, client_id: 'api1.client' });
  await client.tokenRevocation(config, delegated.access_token);
  expect(await client.tokenIntrospection(config, delegated.access_token)).toEqual({ active: false });
});

test('oauth4webapi delegates, and validates the token as a resource server (RFC 9068 §4)', async () => {
  const issuer = new URL(sts.issuer);
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, OVER_HTTP),
  );
  const me: oauth.Client = { client_id: 'api1.client' };
  const response = await oauth.genericTokenEndpointRequest(
    server,
    me,
    oauth.ClientSecretBasic('secret'),
    'delegation',
    new URLSearchParams({ token: accessToken, scope: 'api2' }),
    OVER_HTTP,
  );
  const answer = await oauth.processGenericTokenEndpointResponse(server, me, response);
  const request = new Request(`${API2}/accounts`, {
    headers: { authorization: `Bearer ${answer.access_token}` },
  });
  const claims = await oauth.validateJwtAccessToken(server, request, API2, OVER_HTTP);
  expect(claims).toMatchObject({ sub: ALICE, client_id: 'api1.client', act: { sub: 'api1.client' } });
});
