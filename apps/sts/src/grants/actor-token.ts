import { refuse } from '@behalf/extension-grants';
import type { ExtensionGrantRequest, Refusal, SubjectToken } from '@behalf/extension-grants';
import type { ExchangePorts } from './ports.ts';

/** The scope at the STS that makes a client's own token an actor token. */
const ACTOR_SCOPE = 'actor';

/**
 * Checks `actor_token` (RFC 8693 §2.1), when there is one: it must be the authenticated client's own
 * `client_credentials` token, meant for this server, with scope `actor`, and nobody may stand behind it. So it proves
 * what client authentication proved before, and cannot bring a second chain of actors in.
 * Gives the refusal (`invalid_request`, §2.2.2; `reason` is `policy`, since no new sign-in of the user cures it), or nothing.
 */
export async function refuseActorToken(
  ports: Pick<ExchangePorts, 'accessTokens'> & { readonly issuer: string },
  request: ExtensionGrantRequest,
  from: SubjectToken,
): Promise<Refusal | undefined> {
  const jwt = request.raw['actor_token'];
  if (jwt === undefined) return undefined;
  const no = (cause: string) =>
    refuse('invalid_request', 'the actor token is not acceptable', { reason: 'policy', cause, from });
  if (typeof jwt !== 'string') return no('actor_token: repeated');

  const validated = await ports.accessTokens.validate(jwt, { now: request.now });
  if (!validated.ok) return no(`actor_token: ${validated.cause}`);
  const { token, isClientToken } = validated;
  if (!isClientToken) return no('actor_token: it is a user’s');
  if (token.subject !== request.client.id) return no('actor_token: of another client');
  if (token.audience !== ports.issuer) return no('actor_token: wrong audience');
  if (!token.scopes.includes(ACTOR_SCOPE)) return no('actor_token: without scope actor');
  if (token.act !== undefined) return no('actor_token: it has an act of its own');
  if (token.confirmation !== undefined && !provesKey(request, token))
    return no('actor_token: bound to another key');
  return undefined;
}

/** RFC 9449 §6.1: a bound token counts only together with a proof of the same key. */
function provesKey(request: ExtensionGrantRequest, token: SubjectToken): boolean {
  return request.dpopThumbprint !== undefined && token.confirmation?.['jkt'] === request.dpopThumbprint;
}
