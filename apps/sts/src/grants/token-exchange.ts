import { TOKEN_EXCHANGE_GRANT, grantSubject, refuse } from '@behalf/extension-grants';
import type { ExtensionGrantRequest, ExtensionGrantValidator, Refusal } from '@behalf/extension-grants';
import { refuseActorToken } from './actor-token.ts';
import { authorizeActor } from './authorize-actor.ts';
import type { ExchangePorts } from './ports.ts';
import { readSubjectToken } from './subject-token.ts';

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
      const malformed = refuseForm(request);
      if (malformed !== undefined) return malformed;

      const subject = await readSubjectToken(ports.accessTokens, request, 'subject_token');
      if (!subject.ok) return subject.refusal;

      const badActor = await refuseActorToken(ports, request, subject.token);
      if (badActor !== undefined) return badActor;

      const authorized = await authorizeActor(ports, request, subject.token);
      if (!authorized.ok) return authorized.refusal;

      return grantSubject({
        from: subject.token,
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
function refuseForm(request: ExtensionGrantRequest): Refusal | undefined {
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
