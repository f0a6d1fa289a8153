import type { RequestListener } from 'node:http';
import { createStaticKeySet, type KeySet } from '@behalf/auth';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { JWKS, Provider } from 'oidc-provider';

/** What oidc-provider is built from and cannot change while it runs. */
export interface ProviderKeys {
  /** Private signing keys, the one to sign with first. */
  readonly jwks: JWKS;
  /** Cookie signing keys, the one to sign with first. */
  readonly cookieKeys: readonly string[];
}

export interface CurrentProvider {
  /** oidc-provider as it is now. Ask again for every request: it is replaced when keys change. */
  readonly current: Provider;
  /** Answers a request with oidc-provider as it is now. */
  readonly handle: RequestListener;
  /** Builds a new engine on other keys; requests in flight finish with the old one. All state is in the database. */
  replaceKeys(keys: ProviderKeys): void;
}

/** Holds oidc-provider. `create` makes one with every grant, hook and override, so that each is like the one before. */
export function createCurrentProvider(
  create: (keys: ProviderKeys) => Provider,
  keys: ProviderKeys,
): CurrentProvider {
  let current = create(keys);
  let listener = current.callback();
  return {
    get current() {
      return current;
    },
    handle: (request, response) => void listener(request, response),
    replaceKeys(next) {
      const provider = create(next);
      listener = provider.callback();
      current = provider;
    },
  };
}

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
