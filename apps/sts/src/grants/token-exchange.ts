import {
  type ExtensionGrantRequest,
  type ExtensionGrantValidator,
  grantSubject,
  isClientToken,
  provesPossession,
  type Refusal,
  refuse,
  type SubjectToken,
  TOKEN_EXCHANGE_GRANT,
} from '@behalf/extension-grants';
import { authorizeActor, type ExchangeDependencies } from './authorize-actor.ts';
import { validateSubjectToken } from './subject-token.ts';

/** RFC 8693 §3: both names mean our access tokens, which are JWTs. */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
const TOKEN_TYPES: readonly unknown[] = [ACCESS_TOKEN_TYPE, JWT_TYPE];

/** The scope at the STS that makes a client's own token an actor token. */
const ACTOR_SCOPE = 'actor';

/**
 * OAuth 2.0 Token Exchange (RFC 8693), delegation only: the authenticated client is the actor, and an `actor_token` can
 * only be its own. No parameter asks for impersonation.
 */
export function createTokenExchangeGrant(
  dependencies: ExchangeDependencies & { readonly issuer: string },
): ExtensionGrantValidator {
  return {
    grantType: TOKEN_EXCHANGE_GRANT,
    async validate(request) {
      const malformed = validateParameters(request);
      if (malformed !== undefined) return malformed;

      const subject = await validateSubjectToken(dependencies.accessTokens, request, 'subject_token');
      if (!subject.ok) return subject.refusal;

      const badActor = await validateActorToken(dependencies, request, subject.token);
      if (badActor !== undefined) return badActor;

      const authorized = await authorizeActor(dependencies, request, subject.token);
      if (!authorized.ok) return authorized.refusal;

      const requestedType = request.raw['requested_token_type'];
      return grantSubject({
        subjectToken: subject.token,
        subject: subject.token.subject,
        actor: request.client.id,
        scopes: authorized.scopes,
        target: authorized.target,
        issuedTokenType: typeof requestedType === 'string' ? requestedType : ACCESS_TOKEN_TYPE,
      });
    },
  };
}

/** The parameters of RFC 8693 §2.1 among themselves; all faults are `invalid_request` (§2.2.2). */
function validateParameters({ raw }: ExtensionGrantRequest): Refusal | undefined {
  const typeFault = (parameter: string) =>
    TOKEN_TYPES.includes(raw[parameter])
      ? undefined
      : refuse(
          'invalid_request',
          `${parameter} is ${raw[parameter] === undefined ? 'missing' : 'not supported'}`,
        );
  const fault = typeFault('subject_token_type');
  if (fault !== undefined) return fault;
  if (raw['requested_token_type'] !== undefined && typeFault('requested_token_type') !== undefined) {
    return typeFault('requested_token_type');
  }
  if (raw['actor_token'] !== undefined) return typeFault('actor_token_type');
  if (raw['actor_token_type'] === undefined) return undefined;
  return refuse('invalid_request', 'actor_token_type must not be sent without actor_token');
}

/**
 * Validates `actor_token` (RFC 8693 §2.1), when there is one: it must be the authenticated client's own
 * `client_credentials` token, meant for this server, with scope `actor` and without an actor of its own. So it proves what
 * client authentication proved before, and cannot bring a second chain of actors in.
 *
 * Refused with `invalid_request` (§2.2.2); `reason` is `policy`, since no new sign-in of the user cures it.
 */
async function validateActorToken(
  { accessTokens, issuer }: ExchangeDependencies & { readonly issuer: string },
  { raw, client, dpopThumbprint, now }: ExtensionGrantRequest,
  subjectToken: SubjectToken,
): Promise<Refusal | undefined> {
  const jwt = raw['actor_token'];
  if (jwt === undefined) return undefined;
  const fault = typeof jwt === 'string' ? await faultOf(jwt) : 'repeated';
  if (fault === undefined) return undefined;
  const options = { reason: 'policy', detail: `actor_token: ${fault}`, subjectToken };
  return refuse('invalid_request', 'the actor token is not acceptable', options);

  async function faultOf(actorToken: string): Promise<string | undefined> {
    const validated = await accessTokens.validate(actorToken, { now });
    if (!validated.ok) return validated.detail;
    const { token } = validated;
    if (!isClientToken(token)) return 'it is a user’s';
    if (token.subject !== client.id) return 'of another client';
    if (token.audience !== issuer) return 'wrong audience';
    if (!token.scopes.includes(ACTOR_SCOPE)) return 'without scope actor';
    if (token.act !== undefined) return 'it has an act of its own';
    if (!provesPossession(token, dpopThumbprint, 'same')) return 'bound to another key';
    return undefined;
  }
}
