/** Access tokens of servers that do not follow RFC 9068. Without a profile only RFC 9068's tokens are accepted. */

import { decodeJwt, decodeProtectedHeader } from 'jose';
import { assertOptions } from './options.ts';

/** Each member accepts more, or asks for more, than RFC 9068. */
export interface AccessTokenProfile {
  /**
   * Accepted `typ` headers in lower case; `none` stands for a token without one. Default: `at+jwt`.
   * Risk: ID tokens of the same issuer often have `JWT` or none as well. Tell them apart by `requiredClaims`.
   */
  readonly types?: readonly string[] | undefined;
  /** The claim that names the client. Default: `client_id`. */
  readonly clientClaim?: string | undefined;
  /** The claim that holds the scopes, as text or as a list. Default: `scope`, as text. */
  readonly scopeClaim?: string | undefined;
  /**
   * `aud` may be a list with this API among others. Risk: each of the others can use the token here.
   */
  readonly allowOtherAudiences?: boolean | undefined;
  /** Claims and the values that they must have. */
  readonly requiredClaims?: Readonly<Record<string, string | number | boolean>> | undefined;
  /**
   * Parts that a token may lack. Without a `client`, `clientId` is empty, and users and clients cannot be told apart by it. Without `kid`
   * the one published key that fits is taken, and a token is refused when several fit.
   */
  readonly mayLack?: readonly ('client' | 'jti' | 'kid')[] | undefined;
  /** In characters. Default: 8192. */
  readonly maximumTokenLength?: number | undefined;
}

export const MAXIMUM_TOKEN_LENGTH = 8 * 1024;

export type ResolvedProfile = ReturnType<typeof resolve>;

/** The rules of a profile, complete. Throws TypeError for an option that is given and empty. */
export function resolveProfile(profile: AccessTokenProfile | undefined): ResolvedProfile {
  return profile === undefined ? RFC_9068 : resolve(profile);
}

function resolve(profile: AccessTokenProfile) {
  const { types = ['at+jwt'], clientClaim = 'client_id', mayLack = [] } = profile;
  const { scopeClaim = 'scope', allowOtherAudiences = false } = profile;
  const { requiredClaims = {}, maximumTokenLength = MAXIMUM_TOKEN_LENGTH } = profile;
  assertOptions('names', { 'profile.types': types });
  assertOptions('name', { 'profile.clientClaim': clientClaim, 'profile.scopeClaim': scopeClaim });
  assertOptions('number', { 'profile.maximumTokenLength': maximumTokenLength });
  return {
    types: types.map(typeName),
    clientClaim,
    scopeClaim,
    /** RFC 9068 §2.2.3 knows text alone. */
    allowScopeList: profile.scopeClaim !== undefined,
    allowOtherAudiences,
    requiredClaims: Object.entries(requiredClaims),
    needsClient: !mayLack.includes('client'),
    needsJti: !mayLack.includes('jti'),
    needsKid: !mayLack.includes('kid'),
    maximumTokenLength,
  };
}

const RFC_9068 = resolve({});

/** A `typ` header as profiles write it (RFC 7515 §4.1.9). */
export function typeName(typ: string | undefined): string {
  return typ === undefined ? 'none' : typ.toLowerCase().replace(/^application\//, '');
}

/**
 * Every difference between a token and the expected one at once, with the option that would accept it. For operators; it
 * has no claim besides `iss`, `aud` and the profile's own.
 */
export function differencesOf(
  jwt: string,
  expected: { readonly issuer: string; readonly audience: string; readonly profile: ResolvedProfile },
): string {
  const { issuer, audience, profile } = expected;
  const header = decodeProtectedHeader(jwt);
  const claims = decodeJwt(jwt);
  const { iss, aud, jti } = claims;
  const text = (value: unknown) => JSON.stringify(value)?.slice(0, 200) ?? 'nothing';
  const type = typeName(header.typ);
  const audiences = [aud ?? []].flat();
  const scopes = claims[profile.scopeClaim];
  const differences: readonly (readonly [boolean, string])[] = [
    [iss !== issuer, `iss is ${text(iss)}, and the option issuer says ${text(issuer)}`],
    [!audiences.includes(audience), `aud is ${text(aud)}, and the option audience says ${text(audience)}`],
    [
      audiences.includes(audience) && typeof aud !== 'string' && !profile.allowOtherAudiences,
      `aud is a list, ${text(aud)}: see profile.allowOtherAudiences`,
    ],
    [!profile.types.includes(type), `typ is ${text(type)}, and profile.types has ${text(profile.types)}`],
    [
      profile.needsClient && typeof claims[profile.clientClaim] !== 'string',
      `no claim ${profile.clientClaim} names the client: see profile.clientClaim`,
    ],
    [profile.needsJti && typeof jti !== 'string', 'there is no jti: see profile.mayLack'],
    [
      scopes !== undefined && typeof scopes !== 'string' && !profile.allowScopeList,
      `${profile.scopeClaim} is no text: see profile.scopeClaim`,
    ],
    ...profile.requiredClaims.map(
      ([name, value]) =>
        [
          claims[name] !== value,
          `${name} is ${text(claims[name])}, and profile.requiredClaims says ${text(value)}`,
        ] as const,
    ),
  ];
  return differences.flatMap(([differs, sentence]) => (differs ? [sentence] : [])).join('; ');
}
