import type { Configuration } from 'oidc-provider';

/**
 * Cookies of sessions and sign-ins. Over https browsers hold the session to this very host (`__Host-`) and the others to
 * https (`__Secure-`; they have paths of their own), so that no sibling host and no network can plant one (RFC 6265bis §4.1.3).
 */
export function cookieSettings(
  issuer: string,
  keys: readonly string[],
): NonNullable<Configuration['cookies']> {
  const secure = issuer.startsWith('https:');
  const [hostPrefix, securePrefix] = secure ? ['__Host-', '__Secure-'] : ['', ''];
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const;
  return {
    names: {
      session: `${hostPrefix}behalf.session`,
      interaction: `${securePrefix}behalf.interaction`,
      resume: `${securePrefix}behalf.resume`,
    },
    long: cookie,
    short: cookie,
    keys: [...keys],
  };
}
