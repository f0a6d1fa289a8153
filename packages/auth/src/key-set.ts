import { createLocalJWKSet, errors, type JSONWebKeySet, type JWK, type JWTVerifyGetKey } from 'jose';
import {
  assertSecureUrl,
  DEFAULT_TIMEOUT_MS,
  fetchJsonObject,
  isObject,
  reachIssuerAt,
  secureFetch,
  systemClock,
  TokenCheckUnavailableError,
  withoutTrailingSlash,
  type Fetch,
} from './outgoing.ts';

/** A verification key as it is published now. The same object as long as what is published under its `kid` is the same. */
export interface PublishedKey {
  readonly kid: string;
  readonly resolve: JWTVerifyGetKey;
}

/** The public keys of an issuer. */
export interface KeySet {
  /**
   * The key that is published under this `kid`; undefined when there is none.
   * Throws TokenCheckUnavailableError when that cannot be known now.
   */
  find(kid: string): Promise<PublishedKey | undefined>;
  /** The same without waiting: undefined also when the keys at hand are too old to answer from. */
  current(kid: string): PublishedKey | undefined;
}

export interface RemoteKeySetOptions {
  /** Identifier of the issuer whose discovery document names the keys, when `jwksUri` does not. */
  readonly issuer: string;
  /** Where the issuer is reached, when that differs from its identifier. */
  readonly address?: string | undefined;
  readonly jwksUri?: string | undefined;
  /** Keys at least this old are not used. Default 60. */
  readonly maximumAgeSeconds?: number | undefined;
  /** An unknown `kid` or a failure does not lead to another request sooner than this. Default 5 (failures: 1). */
  readonly cooldownSeconds?: number | undefined;
  /** Default 5000. */
  readonly timeoutMs?: number | undefined;
  /** Epoch seconds. */
  readonly now?: (() => number) | undefined;
  readonly fetch?: Fetch | undefined;
  /** Allow http to another machine, inside a network that one trusts. Default: https, or http to loopback. */
  readonly allowInsecureHttp?: boolean | undefined;
}

export interface KeySetOptions extends RemoteKeySetOptions {
  /** Keys that are known and do not change; nothing is fetched then. */
  readonly jwks?: JSONWebKeySet | undefined;
  /** A key set to share with others. */
  readonly keySet?: KeySet | undefined;
}

/** The given key set, one over the given keys, or one that is fetched. */
export function createKeySet(options: KeySetOptions): KeySet {
  if (options.keySet !== undefined) return options.keySet;
  return options.jwks === undefined ? createRemoteKeySet(options) : createStaticKeySet(options.jwks);
}

export function createStaticKeySet(jwks: JSONWebKeySet): KeySet {
  const keys = publish(jwks.keys, new Map());
  return {
    find: (kid) => Promise.resolve(keys.get(kid)?.key),
    current: (kid) => keys.get(kid)?.key,
  };
}

/**
 * Keys fetched from the issuer when first needed, by one request at a time. They are refreshed in the background from
 * half their greatest age on, so that a short outage of the issuer is not noticed, and never used beyond it.
 */
export function createRemoteKeySet(options: RemoteKeySetOptions): KeySet {
  const { maximumAgeSeconds = 60, cooldownSeconds = 5, now = systemClock } = options;
  const load = keyLoader(options);
  let keys: PublishedKeys = new Map();
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let attemptedAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let pending: Promise<void> | undefined;

  /** A clock that was set back makes every age unknown: such keys count as too old. */
  const isYounger = (then: number, seconds: number) => now() >= then && now() - then < seconds;
  const isFresh = () => isYounger(fetchedAt, maximumAgeSeconds);

  async function attempt(): Promise<void> {
    const startedAt = now();
    attemptedAt = startedAt;
    try {
      keys = publish(await load(), keys);
      fetchedAt = startedAt;
      failure = undefined;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      pending = undefined;
    }
  }

  function refresh(): Promise<void> {
    if (pending === undefined && failure !== undefined && isYounger(attemptedAt, 1))
      return Promise.reject(asError(failure));
    pending ??= attempt();
    return pending;
  }

  function refreshInBackground(): void {
    if (
      isYounger(fetchedAt, maximumAgeSeconds / 2) ||
      pending !== undefined ||
      isYounger(attemptedAt, cooldownSeconds)
    )
      return;
    refresh().catch(() => undefined); // The keys at hand are still good; whoever needs newer ones gets the error.
  }

  return {
    async find(kid) {
      if (!isFresh()) await refresh();
      else refreshInBackground();
      const key = keys.get(kid)?.key;
      if (key !== undefined) return key;
      if (pending === undefined && isYounger(attemptedAt, cooldownSeconds)) {
        if (failure !== undefined) throw asError(failure);
        return undefined;
      }
      await refresh();
      return keys.get(kid)?.key;
    },
    current(kid) {
      if (!isFresh()) return undefined;
      refreshInBackground();
      return keys.get(kid)?.key;
    },
  };
}

function keyLoader(options: RemoteKeySetOptions): () => Promise<readonly unknown[]> {
  const { issuer, address, jwksUri, timeoutMs = DEFAULT_TIMEOUT_MS, allowInsecureHttp } = options;
  const base = withoutTrailingSlash(address ?? issuer);
  assertSecureUrl(jwksUri ?? base, allowInsecureHttp);
  const send = reachIssuerAt(issuer, address, secureFetch(options.fetch ?? fetch, allowInsecureHttp));
  let discovered = jwksUri;

  async function discover(): Promise<string> {
    const metadata = await fetchJsonObject(`${base}/.well-known/openid-configuration`, send, timeoutMs);
    if (metadata['issuer'] !== issuer)
      throw new TokenCheckUnavailableError(`${base} is not the issuer ${issuer}`);
    const uri = metadata['jwks_uri'];
    if (typeof uri !== 'string') throw new TokenCheckUnavailableError(`${base} names no jwks_uri`);
    return uri;
  }

  return async () => {
    discovered ??= await discover();
    const { keys } = await fetchJsonObject(discovered, send, timeoutMs);
    if (!Array.isArray(keys)) throw new TokenCheckUnavailableError(`${discovered} answered no key set`);
    return keys;
  };
}

type PublishedKeys = ReadonlyMap<string, { readonly published: string; readonly key: PublishedKey }>;

/** What is not a public signature key is left out (RFC 7517 §5); what has not changed keeps its identity. */
function publish(jwks: readonly unknown[], before: PublishedKeys): PublishedKeys {
  const byId = Map.groupBy(jwks.filter(isVerificationKey), (jwk) => jwk.kid);
  return new Map(
    [...byId].map(([kid, group]) => {
      const published = JSON.stringify(group);
      const known = before.get(kid);
      return [kid, known?.published === published ? known : { published, key: publishedKey(kid, group) }];
    }),
  );
}

function publishedKey(kid: string, keys: JWK[]): PublishedKey {
  const local = createLocalJWKSet({ keys });
  return {
    kid,
    resolve: async (header, token) => {
      try {
        return await local(header, token);
      } catch (error) {
        if (error instanceof errors.JOSEError) throw error;
        throw new errors.JWKSNoMatchingKey('the published key is unusable', { cause: error });
      }
    },
  };
}

function isVerificationKey(value: unknown): value is JWK & { kid: string } {
  if (!isObject(value) || typeof value['kid'] !== 'string') return false;
  if (value['kty'] === 'oct' || Object.hasOwn(value, 'd')) return false;
  return value['use'] === undefined || value['use'] === 'sig';
}

function asError(failure: unknown): Error {
  return failure instanceof Error
    ? failure
    : new TokenCheckUnavailableError('the keys could not be fetched', { cause: failure });
}
