import type { JWK } from 'jose';
import type { RotationContext } from './key-rotation.ts';
import { publishedOf, statesOf } from './key-states.ts';
import { openCookieKey, openSigningKey, type CookieKey, type SigningKey } from './key-store.ts';

/** The keys of one moment. */
export interface KeySnapshot {
  /** Differs when anything below differs. */
  readonly version: string;
  readonly activeKid: string;
  /** With private parts, the active key first: for the engine. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** What everyone may see, and the only keys that verify. A revoked key is not among them. */
  readonly publicJwks: { readonly keys: readonly JWK[] };
  /** The first signs, all verify. */
  readonly cookieKeys: readonly string[];
}

/** Throws when a key cannot be opened, or there is none. */
export function snapshotOf(
  signing: readonly SigningKey[],
  cookies: readonly CookieKey[],
  { encryption, policy, now }: RotationContext,
): KeySnapshot {
  const published = publishedOf(statesOf(signing, now, policy.retainSeconds));
  const cookieKeys = publishedOf(statesOf(cookies, now, policy.retainSeconds));
  const [active] = published;
  if (active === undefined) throw new Error('there is no signing key');
  return {
    version: [...published, ...cookieKeys].map(({ id }) => id).join(' '),
    activeKid: active.id,
    jwks: { keys: published.map((key) => openSigningKey(key, encryption)) },
    publicJwks: { keys: published.map(({ publicJwk }) => publicJwk) },
    cookieKeys: cookieKeys.map((key) => openCookieKey(key, encryption)),
  };
}
