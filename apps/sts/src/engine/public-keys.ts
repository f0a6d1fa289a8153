import { createStaticKeySet, type KeySet } from '@behalf/auth';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';

/** Our own public keys, as this process checks its own tokens with. */
export interface PublicKeys {
  readonly key: JWTVerifyGetKey;
  readonly keySet: KeySet;
  /** A key that is no longer among them is refused from now on. */
  replace(jwks: JSONWebKeySet): void;
}

export function createPublicKeys(jwks: JSONWebKeySet): PublicKeys {
  let key = createLocalJWKSet(jwks);
  let keySet = createStaticKeySet(jwks);
  return {
    key: (header, token) => key(header, token),
    keySet: { find: (kid) => keySet.find(kid), current: (kid) => keySet.current(kid) },
    replace(next) {
      key = createLocalJWKSet(next);
      keySet = createStaticKeySet(next);
    },
  };
}
