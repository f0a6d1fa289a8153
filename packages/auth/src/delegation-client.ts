import { genericGrantRequest } from 'openid-client';
import { delegationErrorOf } from './delegation-error.ts';
import { reportExchange, type ExchangeObserver } from './exchange-report.ts';
import {
  exchangeParametersOf,
  formOf,
  keyOf,
  originOf,
  parametersOf,
  TOKEN_EXCHANGE,
  type DelegationRequest,
  type ExchangeRequest,
  type GrantParameters,
} from './grant-request.ts';
import { createOAuthClient, type OAuthClientOptions } from './oauth-client.ts';
import { systemClock } from './outgoing.ts';
import {
  createTokenCache,
  type DelegatedToken,
  type FoundToken,
  type TokenCacheOptions,
} from './token-cache.ts';

export type DelegationClientOptions = OAuthClientOptions & TokenCacheOptions;

export type TokenSource = () => Promise<DelegatedToken>;

/**
 * Obtains tokens on behalf of a user, and keeps them for a short while: see TokenCache.
 * Every method that obtains a token throws DelegationError when there is none.
 */
export interface DelegationClient {
  /** The `delegation` grant. */
  delegate(request: DelegationRequest): Promise<DelegatedToken>;
  /** The `translation` grant. */
  translate(request: DelegationRequest): Promise<DelegatedToken>;
  /** Token exchange (RFC 8693 §2.1). */
  exchange(request: ExchangeRequest): Promise<DelegatedToken>;
  /** Any other grant. `cache: false` for one whose parameters may be used once only. */
  requestCustomGrant(
    grantType: string,
    parameters: GrantParameters,
    options?: { readonly cache?: boolean },
  ): Promise<DelegatedToken>;
  /**
   * Calls an API with a token from `source` (`() => client.delegate(…)`). When the API answers 401, the token is dropped
   * and the call made once more with another; that answer is final.
   */
  withToken<Answer extends ApiAnswer>(
    source: TokenSource,
    call: (token: DelegatedToken) => Promise<Answer>,
  ): Promise<Answer>;
  /**
   * This very client, cache included, for one caller that wants to know where its tokens come from: the observer is told
   * of each one that is asked for through what this returns.
   */
  observedBy(observer: ExchangeObserver): DelegationClient;
  /** Drops one token. */
  forget(token: DelegatedToken): void;
  /** Drops what hangs from a login session (`sid`), and keeps nothing for it until every token of it has expired. */
  forgetSession(sessionId: string): void;
  /** The same for all sessions of a user. */
  forgetSubject(subject: string): void;
}

/** What an API call resolves to; a fetch Response is one. */
export interface ApiAnswer {
  readonly status: number;
  readonly body?: unknown;
}

/** Secrets are read, addresses checked and mistakes thrown here; nothing is sent before the first token is asked for. */
export function createDelegationClient(options: DelegationClientOptions): DelegationClient {
  const client = createOAuthClient(options);
  const cache = createTokenCache(options);
  const now = options.now ?? systemClock;

  async function request(grantType: string, form: URLSearchParams): Promise<DelegatedToken> {
    const askedAt = now();
    try {
      const answer = await genericGrantRequest(await client(), grantType, form);
      const scope = answer.scope ?? form.get('scope') ?? '';
      return Object.freeze({
        accessToken: answer.access_token,
        tokenType: answer.token_type,
        expiresAt: askedAt + (answer.expires_in ?? 0),
        scopes: Object.freeze(scope.split(' ').filter((value) => value !== '')),
        issuedTokenType:
          typeof answer['issued_token_type'] === 'string' ? answer['issued_token_type'] : undefined,
      });
    } catch (error) {
      throw delegationErrorOf(error);
    }
  }

  function find(grantType: string, form: URLSearchParams, useCache: boolean): FoundToken {
    const ask = () => request(grantType, form);
    if (!useCache) return { from: 'issuer', promise: ask() };
    return cache.get(keyOf(grantType, form), () => originOf(form), ask);
  }

  async function withToken<Answer extends ApiAnswer>(
    source: TokenSource,
    call: (token: DelegatedToken) => Promise<Answer>,
  ): Promise<Answer> {
    const token = await source();
    const answer = await call(token);
    if (answer.status !== 401) return answer;
    cache.forget(token);
    if (answer.body instanceof ReadableStream) await answer.body.cancel();
    return call(await source());
  }

  function clientFor(observer: ExchangeObserver | undefined): DelegationClient {
    async function obtain(grantType: string, parameters: GrantParameters, useCache = true) {
      const form = formOf(parameters);
      const startedAtMs = performance.now();
      const { from: origin, promise } = find(grantType, form, useCache);
      if (observer === undefined) return promise;
      return reportExchange(promise, { grantType, origin, startedAtMs }, observer);
    }

    return {
      delegate: (request) => obtain('delegation', parametersOf(request)),
      translate: (request) => obtain('translation', parametersOf(request)),
      exchange: (request) => obtain(TOKEN_EXCHANGE, exchangeParametersOf(request)),
      requestCustomGrant: (grantType, parameters, { cache: useCache = true } = {}) =>
        obtain(grantType, parameters, useCache),
      withToken,
      observedBy: clientFor,
      forget: cache.forget,
      forgetSession: cache.forgetSession,
      forgetSubject: cache.forgetSubject,
    };
  }

  return clientFor(undefined);
}
