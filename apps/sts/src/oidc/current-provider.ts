import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { RequestListener } from 'node:http';
import type { JWK } from 'jose';
import { ExternalSigningKey, type Provider } from 'oidc-provider';

/** The keys that oidc-provider is built from and cannot change while it runs. */
export interface ProviderKeys {
  /** Private signing keys, the one to sign with first. */
  readonly signingKeys: readonly SigningKey[];
  /** Cookie signing keys, the one to sign with first. */
  readonly cookieKeys: readonly string[];
}

export interface CurrentProvider {
  /** oidc-provider as it is now. Ask again for every request: it is replaced when keys change. */
  readonly current: Provider;
  /** Answers a request with oidc-provider as it is now. */
  readonly handle: RequestListener;
  /** Builds another provider on other keys; requests in flight finish with the old one. All state is in the database. */
  replaceKeys(keys: ProviderKeys): void;
}

/** Holds oidc-provider. `create` makes one with every grant, hook and override. */
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
      current = create(next);
      listener = current.callback();
    },
  };
}

/**
 * An ES256 key of ours. It signs within the request: handing a signature to another thread and back costs about as much as
 * the signature itself.
 */
export class SigningKey extends ExternalSigningKey {
  readonly #kid: string | undefined;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;

  constructor(jwk: JWK) {
    super();
    this.#kid = jwk.kid;
    this.#privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
    this.#publicKey = createPublicKey(this.#privateKey);
  }

  override get kid(): string | undefined {
    return this.#kid;
  }

  override get alg(): string {
    return 'ES256';
  }

  override keyObject(): KeyObject {
    return this.#publicKey;
  }

  override sign(data: Uint8Array): Uint8Array {
    return sign('sha256', data, { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
  }
}
