import { describe, expect, test } from 'vitest';
import { createApiRegistry, DEVELOPMENT_ADDRESSES, createApis } from '../../src/registry/apis.ts';
import { registrationFaults } from '../../src/registry/client-faults.ts';
import { createClients } from '../../src/registry/clients.ts';

const apis = createApiRegistry(createApis(DEVELOPMENT_ADDRESSES));

const JWK = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' };

const rules = { apis, permitsPlainHttp: false };

const faultsOf = (
  metadata: Record<string, unknown>,
  { id = 'app', scopes = [] as readonly string[], permitsPlainHttp = false } = {},
) => registrationFaults({ id, scopes, metadata, firstParty: true }, { apis, permitsPlainHttp });

const CODE = { grant_types: ['authorization_code'], redirect_uris: ['https://app.example/callback'] };

test.each(createClients(DEVELOPMENT_ADDRESSES, JWK).map((client) => [client.id, client] as const))(
  'the registry itself is well: %s',
  (_id, client) => expect(registrationFaults(client, rules)).toEqual([]),
);

describe('takes', () => {
  test.each([
    ['a redirect to https', { redirect_uris: ['https://app.example/callback?from=sts'] }],
    ['a redirect to this machine (RFC 8252 §7.3)', { redirect_uris: ['http://127.0.0.1:8080/callback'] }],
    [
      'a back-channel logout over a network of its own',
      { backchannel_logout_uri: 'http://app.internal/logout' },
    ],
    ['a key in the registration', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [JWK] } }],
    [
      'keys at an https address',
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://app.example/jwks' },
    ],
    ['a refresh token with the code', { ...CODE, grant_types: ['authorization_code', 'refresh_token'] }],
  ])('%s', (_what, metadata) => expect(faultsOf(metadata)).toEqual([]));

  test('plain http to another machine in development', () => {
    const metadata = { redirect_uris: ['http://192.168.0.2/callback'] };
    expect(faultsOf(metadata, { permitsPlainHttp: true })).toEqual([]);
  });
});

describe('refuses', () => {
  const redirect = (uri: string) => ({ redirect_uris: [uri] });
  test.each([
    ['a relative redirect (RFC 6749 §3.1.2)', redirect('/callback'), 'no absolute URI'],
    ['a fragment (RFC 6749 §3.1.2)', redirect('https://app.example/#x'), 'has a fragment'],
    ['an empty fragment (RFC 6749 §3.1.2)', redirect('https://app.example/#'), 'has a fragment'],
    ['plain http elsewhere (RFC 9700 §2.6)', redirect('http://app.example/'), 'plain http'],
    [
      'a host that only looks local (RFC 9700 §2.6)',
      redirect('http://localhost.evil.example/'),
      'plain http',
    ],
    ['script as an address', redirect('javascript:alert(1)'), 'neither https nor http'],
    [
      'an app’s own scheme, which oidc-provider takes for native apps alone',
      redirect('com.example.app:/callback'),
      'neither https nor http',
    ],
    ['the same after logout', { post_logout_redirect_uris: ['http://app.example/'] }, 'plain http'],
    [
      'a logout address with a fragment (Back-Channel Logout 1.0 §2.2)',
      { backchannel_logout_uri: 'https://app.example/#' },
      'has a fragment',
    ],
    ['an unknown grant', { grant_types: ['password'] }, 'there is no grant password'],
    [
      'a code without a redirect (RFC 6749 §3.1.2.2)',
      { grant_types: ['authorization_code'] },
      'needs a redirect URI',
    ],
    ['a refresh token without a code', { grant_types: ['refresh_token'] }, 'comes with authorization_code'],
    [
      'a public client on its own behalf (RFC 6749 §4.4)',
      { grant_types: ['client_credentials'], token_endpoint_auth_method: 'none' },
      'not for a public client',
    ],
    [
      'a public client that acts for users',
      { grant_types: ['delegation'], token_endpoint_auth_method: 'none' },
      'not for a public client',
    ],
    ['private_key_jwt without a key', { token_endpoint_auth_method: 'private_key_jwt' }, 'needs a JWKS'],
    [
      'keys at a plain http address',
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'http://app.example/jwks' },
      'is https',
    ],
    [
      'a private key',
      { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ ...JWK, d: 'd' }] } },
      'a private key',
    ],
    [
      'a key for another algorithm',
      { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'RSA' }] } },
      'not for ES256',
    ],
    ['an unknown scope of OpenID Connect', { scope: 'openid phone' }, 'phone is no scope'],
  ])('%s', (_what, metadata, says) => {
    expect(faultsOf(metadata)).toEqual([expect.stringContaining(says)]);
  });

  test.each(['userSubscriptionClient', 'https://app.example/client.json'])(
    'the client id %s, which is no registered client’s (RFC 9700 §4.15)',
    (id) => expect(faultsOf({}, { id })).toEqual([`the client id ${id} is reserved`]),
  );

  const OWN = { grant_types: ['client_credentials'] };
  test.each([
    ['a user’s scope for a client’s own tokens', OWN, ['api1', 'account'], 'account is for users'],
    ['a client’s scope for users', CODE, ['api1', 'actor'], 'actor is for clients'],
  ])('%s (RFC 9700 §4.15)', (_what, metadata, scopes, says) => {
    expect(faultsOf(metadata, { scopes })).toEqual([expect.stringContaining(says)]);
  });

  test('no user’s scope of a client whose own tokens never have it', () => {
    const metadata = { grant_types: ['client_credentials', 'delegation'], client_credentials_scope: 'actor' };
    expect(faultsOf(metadata, { scopes: ['api2.premium', 'actor'] })).toEqual([]);
  });

  test.each(['', 'two words', 'naïve', 'nul\0', 'x'.repeat(101)])(
    'the client id %j (RFC 6749 appendix A.1)',
    (id) => {
      expect(faultsOf({}, { id })).toEqual([expect.stringContaining('client id')]);
    },
  );

  test('a scope that no API owns, and says everything at once', () => {
    const faults = faultsOf({ grant_types: ['nothing'], ...redirect('nowhere') }, { scopes: ['api9'] });
    expect(faults).toHaveLength(3);
  });
});
