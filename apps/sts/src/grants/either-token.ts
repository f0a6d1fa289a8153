import type { SubjectTokenValidator } from './ports.ts';
import { claimedIssuerOf } from './trusted-issuer-token.ts';

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
