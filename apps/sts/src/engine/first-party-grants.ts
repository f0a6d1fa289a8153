import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import { isFirstParty } from './registered-clients.ts';

/**
 * The user's grant to the client in this login session. A first-party client is granted what it asks for (it never asks
 * for more than it is registered for), so no consent page is due; anyone else's grant is what the user agreed to.
 */
export async function loadExistingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { oidc } = ctx;
  const { client, account, session, provider } = oidc;
  if (client === undefined || account === undefined || session === undefined) return undefined;
  const grantId = oidc.result?.consent?.grantId ?? session.grantIdFor(client.clientId);
  const existing = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  if (!isFirstParty(client)) return existing;

  const grant = existing ?? new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
  const before = JSON.stringify([grant.openid, grant.resources]);
  grant.addOIDCScope([...oidc.requestParamOIDCScopes].join(' '));
  for (const [identifier, server] of Object.entries(oidc.resourceServers ?? {})) {
    const scopes = [...oidc.requestParamScopes].filter((scope) => server.scopes.has(scope));
    if (scopes.length > 0) grant.addResourceScope(identifier, scopes.join(' '));
  }
  if (JSON.stringify([grant.openid, grant.resources]) !== before) await grant.save();
  return grant;
}
