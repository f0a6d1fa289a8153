import {
  type AccessTokenValidator,
  type ExtensionGrantRequest,
  type Refusal,
  refuse,
  type SubjectToken,
  subjectTokenErrorOf,
  type ValidatedToken,
} from '@behalf/extension-grants';
import {
  claimedIssuerOf,
  KEYS_UNAVAILABLE,
  type TrustedIssuerTokenValidator,
} from './trusted-issuer-token.ts';

/** Reads a token that is genuine. Its status is asked later, with everything else that the database knows. */
export interface SubjectTokenReader {
  read(jwt: string, now: number): Promise<ValidatedToken>;
}

export type SubjectTokenResult =
  { readonly ok: true; readonly token: SubjectToken } | { readonly ok: false; readonly refusal: Refusal };

/**
 * Reads the token to be exchanged from a form parameter. Not checked: whether it is a user's; that is for the policy.
 * Refused with `invalid_grant`, in RFC 8693 with `invalid_request` (§2.2.2).
 */
export async function validateSubjectToken(
  reader: SubjectTokenReader,
  { grantType, raw, now }: ExtensionGrantRequest,
  parameter: string,
): Promise<SubjectTokenResult> {
  const jwt = raw[parameter];
  if (typeof jwt !== 'string') return refused(`${parameter} is missing`, 'missing');
  const read = await reader.read(jwt, now);
  if (!read.ok && read.detail === KEYS_UNAVAILABLE) {
    const options = { detail: read.detail, retryAfterSeconds: 5 };
    const description = 'the token cannot be checked at the moment';
    return { ok: false, refusal: refuse('temporarily_unavailable', description, options) };
  }
  if (!read.ok) return refused(read.description, read.detail, read.subjectToken);
  return read;

  function refused(description: string, detail: string, subjectToken?: SubjectToken): SubjectTokenResult {
    const options = { reason: 'subject_token', detail, ...(subjectToken && { subjectToken }) };
    return { ok: false, refusal: refuse(subjectTokenErrorOf(grantType), description, options) };
  }
}

/**
 * Sends a token to the validator of the issuer that it names. The name is not believed, only used to choose: each
 * validator checks it again, with that issuer's keys.
 */
export function createSubjectTokenReader(
  accessTokens: AccessTokenValidator,
  trustedIssuerTokens: TrustedIssuerTokenValidator,
): SubjectTokenReader {
  return {
    read(jwt, now) {
      const isTrusted = trustedIssuerTokens.issuers.has(claimedIssuerOf(jwt) ?? '');
      return (isTrusted ? trustedIssuerTokens : accessTokens).read(jwt, now);
    },
  };
}
