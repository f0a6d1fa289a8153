import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { isObject, watchClock } from './options.ts';
import {
  assertSecureUrl,
  connectToIssuer,
  TokenCheckUnavailableError,
  type IssuerConnection,
  type IssuerOptions,
} from './outgoing.ts';

/** The public keys of an issuer. */
export interface KeySet {
  /**
   * Finds the key that a JWS names by its `kid`, for its `alg`. Throws jose's JWKSNoMatchingKey when no such key is
   * published, and TokenCheckUnavailableError when that cannot be known now.
   */
  readonly find: JWTVerifyGetKey;
  /**
   * Stands for the keys that are published now: another object as soon as one of them changes or leaves, undefined while
   * the keys at hand are too old to decide by.
   */
  version(): object | undefined;
}

export interface RemoteKeySetOptions extends IssuerOptions {
  /** Default: the `jwks_uri` of the issuer's discovery document. */
  readonly jwksUri?: string | undefined;
}

export interface KeySetOptions extends RemoteKeySetOptions {
  /** Keys that are known and do not change; nothing is fetched then. */
  readonly jwks?: JSONWebKeySet | undefined;
  /** A key set to share with others. */
  readonly keySet?: KeySet | undefined;
}

interface KeyNames {
  /** False: for a token without `kid` the one key that fits is taken. Default true. */
  readonly needsKid?: boolean | undefined;
}

/** The given key set, one over the given keys, or one that is fetched. */
export function createKeySet(options: KeySetOptions & KeyNames): KeySet {
  if (options.keySet !== undefined) return options.keySet;
  return options.jwks === undefined ? createRemoteKeySet(options) : createStaticKeySet(options.jwks, options);
}

/** A key set over keys that the process has. `replace` puts others in their place; keys that left are not found any more. */
export function createStaticKeySet(jwks: JSONWebKeySet, { needsKid = true }: KeyNames = {}) {
  let keys = namedKeys(jwks, needsKid);
  return {
    find: ((header, token) => keys(header, token)) satisfies JWTVerifyGetKey,
    version: (): object => keys,
    replace: (next: JSONWebKeySet): void => void (keys = namedKeys(next, needsKid)),
  };
}

/** Keys at least this old are not used. */
const MAXIMUM_AGE_SECONDS = 60;
/** From this age on they are fetched again in the background. */
const REFRESH_AGE_SECONDS = MAXIMUM_AGE_SECONDS / 2;
/** An unknown `kid` and the background lead to no more requests than one in this time. */
const COOLDOWN_SECONDS = 5;
/** After a failure no request is sent for this long. */
const RETRY_SECONDS = 1;

/**
 * Keys fetched from the issuer when first needed, by one request at a time. They are refreshed in the background, so that
 * a short outage of the issuer goes unnoticed, and never used once they are 60 s old or the clock was set back. jose's
 * own remote key set promises neither of these, and its clock cannot be given.
 */
export function createRemoteKeySet(options: RemoteKeySetOptions & KeyNames): KeySet {
  const { needsKid = true } = options;
  const issuer = connectToIssuer(options);
  const load = keyLoader(issuer, options);
  const now = watchClock(() => (fetchedAt = attemptedAt = Number.NEGATIVE_INFINITY), issuer.now);
  let published = '';
  let keys: JWTVerifyGetKey | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let attemptedAt = Number.NEGATIVE_INFINITY;
  let failure: Error | undefined;
  let pending: Promise<void> | undefined;

  async function attempt(startedAt: number): Promise<void> {
    attemptedAt = startedAt;
    try {
      const jwks = await load();
      const text = JSON.stringify(jwks);
      if (text !== published) keys = namedKeys(jwks, needsKid);
      published = text;
      fetchedAt = startedAt;
      failure = undefined;
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      pending = undefined;
    }
  }

  function refresh(at: number): Promise<void> {
    if (pending === undefined && failure !== undefined && at - attemptedAt < RETRY_SECONDS)
      return Promise.reject(failure);
    pending ??= attempt(at);
    return pending;
  }

  /** The keys while they are young enough. Older ones than half of that are refreshed without waiting. */
  function current(at: number): JWTVerifyGetKey | undefined {
    const age = at - fetchedAt;
    if (age < 0 || age >= MAXIMUM_AGE_SECONDS) return undefined;
    if (age >= REFRESH_AGE_SECONDS && pending === undefined && at - attemptedAt >= COOLDOWN_SECONDS)
      refresh(at).catch(() => undefined); // The keys at hand are still good. Callers who need newer ones get the error.
    return keys;
  }

  async function fresh(at: number): Promise<JWTVerifyGetKey> {
    await refresh(at);
    if (keys === undefined) throw new TokenCheckUnavailableError('the keys could not be fetched');
    return keys;
  }

  return {
    version: () => current(now()),
    async find(header, token) {
      const at = now();
      try {
        return await (current(at) ?? (await fresh(at)))(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        if (pending === undefined && at - attemptedAt < COOLDOWN_SECONDS) throw failure ?? error;
      }
      return (await fresh(at))(header, token);
    },
  };
}

function keyLoader(issuer: IssuerConnection, { jwksUri, allowInsecureHttp = false }: RemoteKeySetOptions) {
  if (jwksUri !== undefined) assertSecureUrl(jwksUri, allowInsecureHttp);
  return async (): Promise<JSONWebKeySet> => {
    const uri = jwksUri ?? (await issuer.metadata())['jwks_uri'];
    if (typeof uri !== 'string') throw new TokenCheckUnavailableError('the issuer names no jwks_uri');
    const jwks = await issuer.getJson(uri);
    if (!Array.isArray(jwks['keys'])) throw new TokenCheckUnavailableError(`${uri} answered no key set`);
    return { keys: jwks['keys'].filter(isObject) };
  };
}

/**
 * Finds a key by `kid`, which every token of an issuer has unless it was told otherwise (RFC 9068 §2.1). jose leaves out keys for encryption and keys
 * of another type or algorithm. A private, symmetric or broken key is as good as none.
 */
function namedKeys(jwks: JSONWebKeySet, needsKid: boolean): JWTVerifyGetKey {
  const local = createLocalJWKSet(jwks);
  return async (header, token) => {
    if (needsKid && typeof header?.kid !== 'string') throw new errors.JWKSNoMatchingKey();
    try {
      return await local(header, token);
    } catch (error) {
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSInvalid)) throw error;
      throw new errors.JWKSNoMatchingKey('the published key is unusable', { cause: error });
    }
  };
}
