/** The task as a custom grant of oidc-provider, as its documentation shows one: nothing is stored, no policy, no chain, no ledger. */
import { jwtVerify } from 'jose';
import { errors, Provider, type KoaContextWithOIDC } from 'oidc-provider';
import * as task from './task.ts';

const publicKey = task.publicKey();

const provider = new Provider(task.ISSUER, {
  clients: [
    {
      client_id: task.CLIENT,
      client_secret: task.SECRET,
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['delegation'],
      response_types: [],
      redirect_uris: [],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  jwks: { keys: [{ ...task.JWK, alg: 'ES256', use: 'sig' }] as never },
  cookies: { keys: ['unused here, and required'] },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: { enabled: true, getResourceServerInfo: () => api2 },
  },
  extraTokenClaims: (_ctx, token) => token.extra,
  routes: { token: '/' },
});
const api2 = {
  scope: 'api2',
  accessTokenTTL: task.LIFETIME_SECONDS,
  accessTokenFormat: 'jwt',
  jwt: { sign: { alg: 'ES256' } },
} as const;
provider.Client.prototype.compareClientSecret = task.isSecret;
provider.registerGrantType('delegation', delegate, ['token', 'scope']);
provider.listen(task.port, '127.0.0.1');

async function delegate(ctx: KoaContextWithOIDC): Promise<void> {
  const { sub, sid, auth_time, amr } = await claimsOf(String(ctx.oidc.params?.['token']));
  const token = new provider.AccessToken({
    client: ctx.oidc.client,
    accountId: sub,
    scope: 'api2',
    gty: 'delegation',
    resourceServer: new provider.ResourceServer(task.API2, api2),
    extra: { sid, auth_time, amr, act: { sub: task.CLIENT } },
  } as never);
  ctx.body = {
    access_token: await token.save(),
    token_type: token.tokenType,
    expires_in: token.expiration,
    scope: token.scope,
  };
}

async function claimsOf(token: string): Promise<task.UserClaims> {
  try {
    const options = { issuer: task.ISSUER, audience: task.API1, typ: 'at+jwt', algorithms: ['ES256'] };
    return (await jwtVerify<task.UserClaims>(token, publicKey, options)).payload;
  } catch {
    throw new errors.InvalidGrant('the token was refused');
  }
}
