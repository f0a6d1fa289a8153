/** What a delegation client sends for each grant, and the key under which it keeps the answer. */
import { hash } from 'node:crypto';
import { decodeJwt } from 'jose';
import type { TokenOrigin } from './token-cache.ts';

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
export function originOf(form: URLSearchParams): TokenOrigin {
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
