import { hash } from 'node:crypto';
import { decodeJwt } from 'jose';
import { genericGrantRequest } from 'openid-client';
import { delegationErrorOf } from './delegation-error.ts';
import { type ExchangeObserver, reportExchange } from './exchange-report.ts';
import { createOAuthClient, type OAuthClientOptions } from './oauth-client.ts';
import { systemClock } from './outgoing.ts';
import {
  createTokenCache,
  type DelegatedToken,
  type FoundToken,
  type TokenCacheOptions,
  type CacheTags,
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
    return cache.get(keyOf(grantType, form), () => cacheTagsOf(form), ask);
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

/** What a delegation client sends for each grant, and the key under which it keeps the answer. */

export interface DelegationRequest {
  /** The user's token, as it came. */
  readonly token: string;
  readonly scopes?: readonly string[] | undefined;
  readonly audience?: string | undefined;
  readonly resource?: string | undefined;
}

export interface ExchangeRequest {
  readonly subjectToken: string;
  /** Default: an access token. */
  readonly subjectTokenType?: string | undefined;
  /** The client's own token; without it the client itself is the actor. */
  readonly actorToken?: string | undefined;
  /** Default, with an actor token: an access token. */
  readonly actorTokenType?: string | undefined;
  readonly requestedTokenType?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly audience?: string | undefined;
  readonly resource?: string | undefined;
}

/** Form parameters; undefined and empty ones are not sent. */
export type GrantParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** The request's own; a caller that sets them would choose who authenticates. */
const RESERVED_PARAMETERS = [
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
];

export function parametersOf({ token, scopes, audience, resource }: DelegationRequest): GrantParameters {
  return { token, scope: scopes?.join(' '), audience, resource };
}

export function exchangeParametersOf(request: ExchangeRequest): GrantParameters {
  const { subjectToken, actorToken, scopes, audience, resource } = request;
  return {
    subject_token: subjectToken,
    subject_token_type: request.subjectTokenType ?? ACCESS_TOKEN,
    actor_token: actorToken,
    actor_token_type: actorToken === undefined ? undefined : (request.actorTokenType ?? ACCESS_TOKEN),
    requested_token_type: request.requestedTokenType,
    scope: scopes?.join(' '),
    audience,
    resource,
  };
}

/** Throws TypeError for a parameter that is not the grant's own. */
export function formOf(parameters: GrantParameters): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (RESERVED_PARAMETERS.includes(name)) throw new TypeError(`${name} is not a parameter of a grant`);
    for (const item of typeof value === 'string' ? [value] : (value ?? []))
      if (item !== '') form.append(name, item);
  }
  return form;
}

/** A digest over the grant and every parameter, tokens included: what differs in anything never shares a token. */
export function keyOf(grantType: string, form: URLSearchParams): string {
  const parameters = [...form].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return hash('sha256', JSON.stringify([grantType, parameters]), 'base64url');
}

/**
 * The sessions and subjects of every token among the parameters that came from a caller. They are read, not verified: they only
 * ever make the cache forget. The actor token is the client's own, and a client does not look into those (RFC 9068 §6).
 */
export function cacheTagsOf(form: URLSearchParams): CacheTags {
  const claims = [...form]
    .map(([name, value]) => (name === 'actor_token' ? undefined : claimsOf(value)))
    .filter((token) => token !== undefined);
  const all = (name: string) =>
    claims.map((token) => token[name]).filter((value) => typeof value === 'string');
  return { sessions: all('sid'), subjects: all('sub') };
}

function claimsOf(value: string): Readonly<Record<string, unknown>> | undefined {
  if (!value.startsWith('eyJ')) return undefined;
  try {
    return decodeJwt(value);
  } catch {
    return undefined;
  }
}
