/** RFC 8693 §2.1. */
export const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';

/**
 * The code for whatever is wrong with a subject token or its user: `invalid_request` in a token exchange (RFC 8693
 * §2.2.2), `invalid_grant` in every other grant (RFC 6749 §5.2).
 */
export function subjectTokenErrorOf(grantType: string): 'invalid_request' | 'invalid_grant' {
  return grantType === TOKEN_EXCHANGE_GRANT ? 'invalid_request' : 'invalid_grant';
}
