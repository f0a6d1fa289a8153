import type { RequestListener } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { JWKS } from 'oidc-provider';

/** What the engine is built from and cannot change while it runs. */
export interface EngineKeys {
  /** Private signing keys, the one to sign with first. */
  readonly jwks: JWKS;
  /** Cookie signing keys, the one to sign with first. */
  readonly cookieKeys: readonly string[];
}

export interface ProviderHost {
  /** The engine as it is now. Ask again for every request: it is replaced when keys change. */
  readonly current: Provider;
  /** Answers a request with the engine as it is now. */
  readonly handle: RequestListener;
  /** Builds a new engine on other keys; requests in flight finish with the old one. All state is in the database. */
  replaceKeys(keys: EngineKeys): void;
}

/** Holds the engine. `create` makes one with every grant, hook and override, so that each is like the one before. */
export function createProviderHost(create: (keys: EngineKeys) => Provider, keys: EngineKeys): ProviderHost {
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
