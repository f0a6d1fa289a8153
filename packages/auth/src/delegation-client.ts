import { hash } from 'node:crypto';
import { decodeJwt } from 'jose';
import { genericGrantRequest, getDPoPHandle } from 'openid-client';
import { DelegationError, delegationErrorOf } from './delegation-error.ts';
import { createProofMaker, type DpopKey } from './dpop-key.ts';
import type { RequestAuth } from './guard.ts';
import { createOAuthClient, type OAuthClientOptions } from './oauth-client.ts';
import { systemClock } from './options.ts';
import { wantedAuthenticationOf } from './recent-authentication.ts';
import {
  createTokenCache,
  type CacheTags,
  type DelegatedToken,
  type FoundToken,
  type TokenCacheOptions,
  type TokenOriginKind,
} from './token-cache.ts';
import { digestOf } from './verifier.ts';

export type DelegationClientOptions = OAuthClientOptions &
  TokenCacheOptions & {
    /** Binds every token to this key (RFC 9449): requests for tokens carry a proof of it. Default: bearer tokens. */
    readonly dpopKey?: DpopKey | undefined;
    /** Is told of every token that is asked for, whether it is granted or not. */
    readonly onExchange?: ExchangeObserver | undefined;
  };

/** The user's token as it came, or the caller that `authOf` gives, whose token has been hashed already. */
export type CallerToken = string | Pick<RequestAuth, 'token' | 'tokenDigest'>;

interface RequestedToken {
  readonly scopes?: readonly string[] | undefined;
  readonly audience?: string | undefined;
  readonly resource?: string | undefined;
}

export interface DelegationRequest extends RequestedToken {
  readonly token: CallerToken;
}

export interface ExchangeRequest extends RequestedToken {
  readonly subjectToken: CallerToken;
  /** Default: an access token. */
  readonly subjectTokenType?: string | undefined;
  /** The client's own token; without it the client itself is the actor. */
  readonly actorToken?: string | undefined;
  /** Default, with an actor token: an access token. */
  readonly actorTokenType?: string | undefined;
  readonly requestedTokenType?: string | undefined;
}

/** Form parameters; undefined and empty ones are not sent. */
export type GrantParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

export type TokenSource = () => Promise<DelegatedToken>;

/** The result of an API call; a fetch Response is one. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers?: unknown;
  readonly body?: unknown;
}

/** How one request for a token went: it has either `token` or `error`. */
export interface ExchangeReport {
  readonly grantType: string;
  readonly origin: TokenOriginKind;
  /** `performance.now()` when it began. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly token?: DelegatedToken;
  readonly error?: DelegationError;
}

/** Is told of every request for a token, before the caller gets the token. It must not throw, nor log the token. */
export type ExchangeObserver = (report: ExchangeReport) => void;

/**
 * Obtains tokens on behalf of a user, and keeps them for a short while: see createTokenCache.
 * Every method that obtains a token throws DelegationError when there is none.
 */
export interface DelegationClient {
  /** The `delegation` grant. */
  delegate(request: DelegationRequest): Promise<DelegatedToken>;
  /** The `translation` grant. */
  translate(request: DelegationRequest): Promise<DelegatedToken>;
  /** Token exchange (RFC 8693 §2.1). */
  exchange(request: ExchangeRequest): Promise<DelegatedToken>;
  /** Any other grant. `cache: false` for one whose parameters may be used once only, or with another `dpopKey` or none. */
  requestCustomGrant(
    grantType: string,
    parameters: GrantParameters,
    options?: { readonly cache?: true } | { readonly cache: false; readonly dpopKey?: DpopKey | 'none' },
  ): Promise<DelegatedToken>;
  /**
   * Calls an API with a token from `source` (`() => client.delegate(…)`). When the API answers 401, the token is dropped
   * and the call made once more with another; that answer is final. A 401 that asks for a recent sign-in (RFC 9470) is
   * thrown as RecentAuthenticationRequiredError instead, because every token of this sign-in would meet it.
   */
  withToken<Answer extends ApiAnswer>(
    source: TokenSource,
    call: (token: DelegatedToken) => Promise<Answer>,
  ): Promise<Answer>;
  /** Drops one token. */
  forget(token: DelegatedToken): void;
  /** Drops what hangs from a login session (`sid`), and keeps nothing for it until every token of it has expired. */
  forgetSession(sessionId: string): void;
  /** The same for all sessions of a user. */
  forgetSubject(subject: string): void;
}

/** Throws TypeError for a malformed option. Nothing is sent before the first token is asked for. */
export function createDelegationClient(options: DelegationClientOptions): DelegationClient {
  const client = createOAuthClient(options);
  const cache = createTokenCache(options);
  const now = options.now ?? systemClock;

  async function request(
    grantType: string,
    form: URLSearchParams,
    key: DpopKey | undefined,
  ): Promise<DelegatedToken> {
    const askedAt = now();
    try {
      const configuration = await client();
      const dpop = key === undefined ? {} : { DPoP: getDPoPHandle(configuration, key) };
      const answer = await genericGrantRequest(configuration, grantType, form, dpop);
      if (key !== undefined && answer.token_type !== 'dpop')
        throw new DelegationError('refused', { error: 'the token is not bound to the key' });
      const { scope = form.get('scope') ?? '', issued_token_type: issuedTokenType } = answer;
      return Object.freeze({
        accessToken: answer.access_token,
        tokenType: answer.token_type,
        expiresAt: askedAt + (answer.expires_in ?? 0),
        prove: key === undefined ? undefined : createProofMaker(key, answer.access_token, now),
        scopes: Object.freeze(scope.split(' ').filter((value) => value !== '')),
        issuedTokenType: typeof issuedTokenType === 'string' ? issuedTokenType : undefined,
      });
    } catch (error) {
      throw delegationErrorOf(error);
    }
  }

  /** Without a key nothing is kept. */
  function find(
    grantType: string,
    key: string | undefined,
    parameters: GrantParameters,
    dpopKey: DpopKey | 'none' | undefined = options.dpopKey,
  ): FoundToken {
    const found = key === undefined ? undefined : cache.find(key);
    if (found !== undefined) return found;
    const form = formOf(parameters);
    const ask = () => request(grantType, form, dpopKey === 'none' ? undefined : dpopKey);
    return key === undefined ? { from: 'issuer', promise: ask() } : cache.add(key, cacheTagsOf(form), ask);
  }

  async function withToken<Answer extends ApiAnswer>(
    source: TokenSource,
    call: (token: DelegatedToken) => Promise<Answer>,
  ): Promise<Answer> {
    async function send(token: DelegatedToken): Promise<Answer> {
      const answer = await call(token);
      const wanted = wantedAuthenticationOf(answer);
      if (wanted === undefined) return answer;
      await discardBody(answer);
      throw wanted;
    }

    const token = await source();
    const answer = await send(token);
    if (answer.status !== 401) return answer;
    cache.forget(token);
    await discardBody(answer);
    return send(await source());
  }

  const { onExchange } = options;

  function obtain(
    grantType: string,
    key: string | undefined,
    parameters: GrantParameters,
    dpopKey?: DpopKey | 'none',
  ) {
    if (onExchange === undefined) return find(grantType, key, parameters, dpopKey).promise;
    const startedAtMs = performance.now();
    const { from: origin, promise } = find(grantType, key, parameters, dpopKey);
    return reportExchange(promise, { grantType, origin, startedAtMs }, onExchange);
  }

  function delegate(grantType: string, { token, scopes, audience, resource }: DelegationRequest) {
    const target = { scope: sorted(scopes), audience, resource };
    return obtain(grantType, keyOf(grantType, token, target), { token: textOf(token), ...target });
  }

  return {
    delegate: (request) => delegate('delegation', request),
    translate: (request) => delegate('translation', request),
    exchange({ subjectToken, scopes, actorToken, ...request }) {
      const rest = {
        subject_token_type: request.subjectTokenType ?? ACCESS_TOKEN,
        actor_token_type: actorToken === undefined ? undefined : (request.actorTokenType ?? ACCESS_TOKEN),
        requested_token_type: request.requestedTokenType,
        scope: sorted(scopes),
        audience: request.audience,
        resource: request.resource,
      };
      const actor = actorToken === undefined ? undefined : digestOf(actorToken);
      const key = keyOf(TOKEN_EXCHANGE, subjectToken, { ...rest, actor });
      const tokens = { subject_token: textOf(subjectToken), actor_token: actorToken };
      return obtain(TOKEN_EXCHANGE, key, { ...tokens, ...rest });
    },
    requestCustomGrant: async (grantType, parameters, { cache: useCache = true, ...rest } = {}) => {
      const key = useCache ? customKey(grantType, parameters) : undefined;
      return obtain(grantType, key, parameters, 'dpopKey' in rest ? rest.dpopKey : undefined);
    },
    withToken,
    forget: cache.forget,
    forgetSession: cache.forgetSession,
    forgetSubject: cache.forgetSubject,
  };
}

async function discardBody({ body }: ApiAnswer): Promise<void> {
  if (body instanceof ReadableStream) await body.cancel();
}

/** Waits for a token and tells the observer how that went. Errors pass through. */
async function reportExchange(
  promise: Promise<DelegatedToken>,
  begun: Pick<ExchangeReport, 'grantType' | 'origin' | 'startedAtMs'>,
  observer: ExchangeObserver,
): Promise<DelegatedToken> {
  const durationMs = () => performance.now() - begun.startedAtMs;
  let token: DelegatedToken;
  try {
    token = await promise;
  } catch (error) {
    if (error instanceof DelegationError) observer({ ...begun, durationMs: durationMs(), error });
    throw error;
  }
  observer({ ...begun, durationMs: durationMs(), token });
  return token;
}

/**
 * The keys of the cache. Requests that differ in anything have different keys; the order of scopes makes no difference. No
 * token and no parameter of another grant, which may be secret, stands in a key: they are hashed.
 */
function keyOf(grantType: string, token: CallerToken, parameters: GrantParameters): string {
  const digest = typeof token === 'string' ? digestOf(token) : token.tokenDigest;
  return `${grantType} ${digest} ${JSON.stringify(parameters)}`;
}

function customKey(grantType: string, parameters: GrantParameters): string {
  const entries = Object.entries(parameters)
    .map(([name, value]) => [name, name === 'scope' ? sorted([value].flat().join(' ').split(' ')) : value])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return `custom ${hash('sha256', JSON.stringify([grantType, entries]), 'base64url')}`;
}

function sorted(scopes: readonly string[] | undefined): string | undefined {
  return scopes === undefined || scopes.length < 2 ? scopes?.[0] : scopes.toSorted().join(' ');
}

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** A caller that sets one of these would choose who authenticates. */
const RESERVED_PARAMETERS = [
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
];

function textOf(token: CallerToken): string {
  return typeof token === 'string' ? token : token.token;
}

/** Throws TypeError for a parameter that is not the grant's own. */
function formOf(parameters: GrantParameters): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (RESERVED_PARAMETERS.includes(name)) throw new TypeError(`${name} is not a parameter of a grant`);
    for (const item of [value ?? []].flat()) if (item !== '') form.append(name, item);
  }
  return form;
}

/**
 * The sessions and subjects of every token among the parameters that came from a caller. They are read, not verified,
 * because they only ever make the cache forget. The actor token is the client's own, and a client does not look into
 * those (RFC 9068 §6).
 */
function cacheTagsOf(form: URLSearchParams): CacheTags {
  const claims = [...form].map(([name, value]) => (name === 'actor_token' ? {} : claimsOf(value)));
  const all = (name: string) =>
    claims.map((token) => token[name]).filter((value) => typeof value === 'string');
  return { sessions: all('sid'), subjects: all('sub') };
}

function claimsOf(value: string): Readonly<Record<string, unknown>> {
  if (!value.startsWith('eyJ')) return {};
  try {
    return decodeJwt(value);
  } catch {
    return {};
  }
}
