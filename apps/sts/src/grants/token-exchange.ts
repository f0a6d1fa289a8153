import {
  type ExtensionGrantRequest,
  type ExtensionGrantValidator,
  grantSubject,
  type Refusal,
  refuse,
  type SubjectToken,
  TOKEN_EXCHANGE_GRANT,
} from '@behalf/extension-grants';
import { authorizeActor, type ExchangePorts } from './authorize-actor.ts';
import { validateSubjectToken } from './subject-token.ts';

/** RFC 8693 §3: both names mean our access tokens, which are JWTs. */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';

const TOKEN_TYPES: readonly unknown[] = [ACCESS_TOKEN_TYPE, JWT_TYPE];

/**
 * OAuth 2.0 Token Exchange (RFC 8693), delegation only: the authenticated client is the actor, and an `actor_token` can
 * only be its own. No parameter asks for impersonation.
 */
export function createTokenExchangeGrant(
  ports: ExchangePorts & { readonly issuer: string },
): ExtensionGrantValidator {
  return {
    grantType: TOKEN_EXCHANGE_GRANT,
    async validate(request) {
      const malformed = validateParameters(request);
      if (malformed !== undefined) return malformed;

      const subject = await validateSubjectToken(ports.accessTokens, request, 'subject_token');
      if (!subject.ok) return subject.refusal;

      const badActor = await validateActorToken(ports, request, subject.token);
      if (badActor !== undefined) return badActor;

      const authorized = await authorizeActor(ports, request, subject.token);
      if (!authorized.ok) return authorized.refusal;

      return grantSubject({
        subjectToken: subject.token,
        subject: subject.token.subject,
        actor: request.client.id,
        scopes: authorized.scopes,
        target: authorized.target,
        issuedTokenType: single(request, 'requested_token_type') ?? ACCESS_TOKEN_TYPE,
      });
    },
  };
}

/** The parameters of RFC 8693 §2.1 among themselves; all faults are `invalid_request` (§2.2.2). */
function validateParameters(request: ExtensionGrantRequest): Refusal | undefined {
  const { raw } = request;
  if (raw['subject_token_type'] === undefined)
    return refuse('invalid_request', 'subject_token_type is missing');
  if (!TOKEN_TYPES.includes(raw['subject_token_type'])) {
    return refuse('invalid_request', 'subject_token_type is not supported');
  }
  if (raw['requested_token_type'] !== undefined && !TOKEN_TYPES.includes(raw['requested_token_type'])) {
    return refuse('invalid_request', 'requested_token_type is not supported');
  }
  if (raw['actor_token'] === undefined) {
    if (raw['actor_token_type'] === undefined) return undefined;
    return refuse('invalid_request', 'actor_token_type must not be sent without actor_token');
  }
  if (raw['actor_token_type'] === undefined) return refuse('invalid_request', 'actor_token_type is missing');
  if (!TOKEN_TYPES.includes(raw['actor_token_type'])) {
    return refuse('invalid_request', 'actor_token_type is not supported');
  }
  return undefined;
}

function single(request: ExtensionGrantRequest, parameter: string): string | undefined {
  const value = request.raw[parameter];
  return typeof value === 'string' ? value : undefined;
}

/** The scope at the STS that makes a client's own token an actor token. */
const ACTOR_SCOPE = 'actor';

/**
 * Checks `actor_token` (RFC 8693 §2.1), when there is one: it must be the authenticated client's own
 * `client_credentials` token, meant for this server, with scope `actor`, and nobody may stand behind it. So it proves
 * what client authentication proved before, and cannot bring a second chain of actors in.
 * Gives the refusal (`invalid_request`, §2.2.2; `reason` is `policy`, since no new sign-in of the user cures it), or nothing.
 */
export async function validateActorToken(
  ports: Pick<ExchangePorts, 'accessTokens'> & { readonly issuer: string },
  request: ExtensionGrantRequest,
  subjectToken: SubjectToken,
): Promise<Refusal | undefined> {
  const jwt = request.raw['actor_token'];
  if (jwt === undefined) return undefined;
  const no = (detail: string) =>
    refuse('invalid_request', 'the actor token is not acceptable', {
      reason: 'policy',
      detail,
      subjectToken,
    });
  if (typeof jwt !== 'string') return no('actor_token: repeated');

  const validated = await ports.accessTokens.validate(jwt, { now: request.now });
  if (!validated.ok) return no(`actor_token: ${validated.detail}`);
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
