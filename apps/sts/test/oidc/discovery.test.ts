import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GRANT_TYPES } from '../../src/registry/clients.ts';
import { API1, startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

const document = async (path = '/.well-known/openid-configuration', headers = {}) =>
  (await (await fetch(`${sts.issuer}${path}`, { headers })).json()) as Record<string, unknown>;

const CLIENT_AUTHENTICATION = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'];

describe('the discovery document (RFC 8414)', () => {
  test('stands at both well-known places', async () => {
    expect(await document('/.well-known/oauth-authorization-server')).toEqual(await document());
  });

  test('names the endpoints under the issuer, whatever host a request came by', async () => {
    const forged = await document(undefined, {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
    });
    expect(forged).toMatchObject({
      issuer: sts.issuer,
      authorization_endpoint: `${sts.issuer}/connect/authorize`,
      token_endpoint: `${sts.issuer}/connect/token`,
      userinfo_endpoint: `${sts.issuer}/connect/userinfo`,
      end_session_endpoint: `${sts.issuer}/connect/endsession`,
      introspection_endpoint: `${sts.issuer}/connect/introspect`,
      revocation_endpoint: `${sts.issuer}/connect/revocation`,
      pushed_authorization_request_endpoint: `${sts.issuer}/connect/par`,
      jwks_uri: `${sts.issuer}/.well-known/openid-configuration/jwks`,
    });
  });

  test('advertises what works, and nothing else', async () => {
    const found = await document();
    expect([...(found['grant_types_supported'] as string[])].sort()).toEqual([...GRANT_TYPES].sort());
    expect(GRANT_TYPES).not.toContain('implicit');
    expect(GRANT_TYPES).not.toContain('password');
    expect(found).toMatchObject({
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      id_token_signing_alg_values_supported: ['ES256'],
      dpop_signing_alg_values_supported: ['ES256'],
      token_endpoint_auth_signing_alg_values_supported: ['ES256'],
      token_endpoint_auth_methods_supported: [
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
        'none',
      ],
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      claims_parameter_supported: false,
      introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION.filter(
        (method) => method !== 'none',
      ),
      revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
      request_uri_parameter_supported: false,
    });
    expect(found).not.toHaveProperty('registration_endpoint');
    expect(found).not.toHaveProperty('device_authorization_endpoint');
    expect(found['scopes_supported']).toEqual(
      expect.arrayContaining([
        'openid',
        'api1',
        'api2',
        'api2.premium',
        'api2.statistics',
        'subscriptions.read',
        'account',
        'actor',
      ]),
    );
  });

  test('every endpoint that it names answers, not with a 404', async () => {
    const endpoints = Object.entries(await document()).filter(([name]) => /_endpoint$|_uri$/.test(name));
    expect(endpoints.length).toBeGreaterThanOrEqual(8);
    for (const [, url] of endpoints) expect((await fetch(String(url))).status).not.toBe(404);
  });

  test('and the keys are readable from any origin; they hold no private part', async () => {
    const response = await fetch(`${sts.issuer}/.well-known/openid-configuration/jwks`, {
      headers: { origin: 'https://somewhere.example' },
    });
    expect(response.headers.get('access-control-allow-origin')).not.toBeNull();
    const { keys } = (await response.json()) as { keys: Record<string, unknown>[] };
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
      expect(key).not.toHaveProperty('d');
    }
  });
});

describe('clients that nobody here wrote', () => {
  test('openid-client discovers the server and gets a token', async () => {
    const client = await openid.discovery(
      new URL(sts.issuer),
      'machine.client',
      undefined,
      openid.ClientSecretBasic('secret'),
      {
        // oxlint-disable-next-line typescript/no-deprecated -- plain http to this machine
        execute: [openid.allowInsecureRequests],
      },
    );
    const tokens = await openid.clientCredentialsGrant(client, { scope: 'api1' });
    const answer = await openid.tokenIntrospection(client, tokens.access_token);
    expect(answer).toMatchObject({ active: true, aud: API1 });
    await openid.tokenRevocation(client, tokens.access_token);
    expect(await openid.tokenIntrospection(client, tokens.access_token)).toEqual({ active: false });
  });

  test('oauth4webapi processes the discovery document as OAuth metadata', async () => {
    const issuer = new URL(sts.issuer);
    const response = await oauth.discoveryRequest(issuer, {
      algorithm: 'oauth2',
      // oxlint-disable-next-line typescript/no-deprecated -- plain http to this machine
      [oauth.allowInsecureRequests]: true,
    });
    const server = await oauth.processDiscoveryResponse(issuer, response);
    expect(server.token_endpoint).toBe(`${sts.issuer}/connect/token`);
  });
});
