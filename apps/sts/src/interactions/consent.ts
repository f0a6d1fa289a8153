import { errors, type Grant, type Interaction, type Provider } from 'oidc-provider';

/** The scopes that the consent page lists. */
export async function scopesToAllow(
  provider: Provider,
  interaction: Interaction,
): Promise<readonly string[]> {
  const { openid, apis } = missingOf(interaction);
  const asked = [...openid, ...Object.values(apis).flat()];
  return asked.length > 0 ? asked : askedAgain(provider, interaction);
}

/** Grants everything that was requested and is not granted yet. Resolves with the grant's id. */
export async function grantRequested(provider: Provider, interaction: Interaction): Promise<string> {
  const grant = await grantOf(provider, interaction);
  const { openid, apis } = missingOf(interaction);
  if (openid.length > 0) grant.addOIDCScope(openid.join(' '));
  for (const [resource, scopes] of Object.entries(apis)) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return grant.save();
}

async function grantOf(provider: Provider, { grantId, session, params }: Interaction): Promise<Grant> {
  const existing = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  if (existing !== undefined) return existing;
  const accountId = session?.accountId;
  if (accountId === undefined) throw new errors.SessionNotFound('no user is signed in');
  return new provider.Grant({ accountId, clientId: String(params['client_id']) });
}

function missingOf({ prompt }: Interaction): {
  openid: readonly string[];
  apis: Readonly<Record<string, readonly string[]>>;
} {
  const { missingOIDCScope, missingResourceScopes } = prompt.details as {
    missingOIDCScope?: readonly string[];
    missingResourceScopes?: Readonly<Record<string, readonly string[]>>;
  };
  return { openid: missingOIDCScope ?? [], apis: missingResourceScopes ?? {} };
}

/** The scopes that were granted before and are requested again. Any other word in the request is the client's own. */
async function askedAgain(provider: Provider, { grantId, params }: Interaction): Promise<readonly string[]> {
  const grant = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  const granted = [grant?.getOIDCScope() ?? '', ...Object.values(grant?.resources ?? {})]
    .join(' ')
    .split(' ');
  const asked = typeof params['scope'] === 'string' ? params['scope'].split(' ') : [];
  return asked.filter((scope) => scope !== '' && granted.includes(scope));
}
