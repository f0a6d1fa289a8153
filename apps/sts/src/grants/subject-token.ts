import {
  type ExtensionGrantRequest,
  type Refusal,
  refuse,
  type SubjectToken,
  subjectTokenErrorOf,
} from '@behalf/extension-grants';
import type { SubjectTokenValidator } from './authorize-actor.ts';
import { claimedIssuerOf } from './trusted-issuer-token.ts';

export type SubjectTokenResult =
  { readonly ok: true; readonly token: SubjectToken } | { readonly ok: false; readonly refusal: Refusal };

/**
 * Reads the token to be exchanged from a form parameter. It is a user's: a client's own token has nobody to act for.
 * Refused with `invalid_grant`, in RFC 8693 with `invalid_request` (§2.2.2).
 */
export async function validateSubjectToken(
  validator: SubjectTokenValidator,
  request: ExtensionGrantRequest,
  parameter: string,
): Promise<SubjectTokenResult> {
  const jwt = request.raw[parameter];
  if (typeof jwt !== 'string') return bad(request, `${parameter} is missing`, 'missing');
  const validated = await validator.validate(jwt, { now: request.now });
  if (!validated.ok && validated.isOutage === true) {
    const description = 'the token cannot be checked at the moment';
    const refusal = refuse('temporarily_unavailable', description, {
      detail: validated.detail,
      retryAfterSeconds: 5,
    });
    return { ok: false, refusal };
  }
  if (!validated.ok) return bad(request, validated.description, validated.detail, validated.subjectToken);
  if (validated.isClientToken) return bad(request, 'the token has no user', 'client_token');
  return { ok: true, token: validated.token };
}

function bad(
  request: ExtensionGrantRequest,
  description: string,
  detail: string,
  subjectToken?: SubjectToken,
): SubjectTokenResult {
  const refusal = refuse(subjectTokenErrorOf(request.grantType), description, {
    reason: 'subject_token',
    detail,
    ...(subjectToken === undefined ? {} : { subjectToken }),
  });
  return { ok: false, refusal };
}

/**
 * Sends a token to the validator of the issuer that it names. The name is not believed, only used to choose: each
 * validator checks it again, with that issuer's keys.
 */
export function createEitherTokenValidator(options: {
  readonly trustedIssuers: readonly { readonly issuer: string }[];
  readonly accessTokens: SubjectTokenValidator;
  readonly trustedIssuerTokens: SubjectTokenValidator;
}): SubjectTokenValidator {
  const trusted = new Set(options.trustedIssuers.map(({ issuer }) => issuer));
  return {
    validate(jwt, context) {
      const isTrusted = trusted.has(claimedIssuerOf(jwt) ?? '');
      return (isTrusted ? options.trustedIssuerTokens : options.accessTokens).validate(jwt, context);
    },
  };
}
