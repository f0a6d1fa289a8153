import type { Claims, Step } from '../api/steps.ts';
import type { ClientConfig } from '../config.ts';
import { audienceName, clientName, type ServiceName } from './services.ts';

/** A token of a call in words: about whom it is, where it is good, what it permits, and who acts with it. */
export interface TokenInWords {
  readonly claims: Claims;
  /** The party that holds it. */
  readonly holder: string;
  /** Index of the step that first shows it. */
  readonly step: number;
  /** Whether it is about the signed-in user and not about a client. */
  readonly isAboutUser: boolean;
  readonly goodAt: ServiceName;
  /** Each scope in words. */
  readonly permits: readonly string[];
  /** The current actor first; empty when the user acts in person. */
  readonly actors: readonly ServiceName[];
}

/** The tokens of a call in the order in which they came in, each once. */
export function tokensOf(steps: readonly Step[], config: ClientConfig): readonly TokenInWords[] {
  const seen = new Set<unknown>();
  return steps.flatMap(({ claims, from }, step) => {
    if (!claims || seen.has(claims['jti'])) return [];
    seen.add(claims['jti']);
    return [tokenInWords(claims, { holder: from, step }, config)];
  });
}

export function tokenInWords(
  claims: Claims,
  where: Pick<TokenInWords, 'holder' | 'step'>,
  config: ClientConfig,
): TokenInWords {
  const { sub, aud, scope, client_id: client } = claims;
  return {
    ...where,
    claims,
    isAboutUser: sub !== client,
    goodAt: audienceName(text(aud), config),
    permits: text(scope).split(' ').filter(Boolean).map(scopeInWords),
    actors: actorsOf(claims).map(clientName),
  };
}

/** The chain of `act`, the current actor first (RFC 8693 §4.1). */
export function actorsOf({ act }: Claims): readonly string[] {
  const actors: string[] = [];
  for (let level: unknown = act; isObject(level) && actors.length < 16; level = level['act'])
    actors.push(text(level['sub']));
  return actors;
}

const SCOPES: Readonly<Record<string, string>> = {
  api1: 'use API1',
  api2: 'see accounts and make payments',
  'api2.premium': 'read the premium report',
  'api2.statistics': 'read statistics without a person',
  'subscriptions.read': 'read a subscription',
  account: 'see and end who acts',
  actor: 'name itself as the actor',
  agent: 'use the agent',
};

export function scopeInWords(scope: string): string {
  return Object.hasOwn(SCOPES, scope) ? (SCOPES[scope] ?? scope) : scope;
}

/** The token in one sentence. `person`: the name of the signed-in user. */
export function sentenceOf({ goodAt, permits, actors, isAboutUser }: TokenInWords, person: string): string {
  const may = permits.length > 0 ? `may only ${permits.join(' and ')}` : 'has no rights';
  const [current, ...earlier] = actors.map(({ label }) => label);
  if (!isAboutUser)
    return `The token service is calling ${goodAt.label} in its own name. The token is about no person, and ${may}.`;
  if (current === undefined) return `${person} is calling ${goodAt.label} in person, and ${may}.`;
  const through = earlier.map((label) => `on behalf of ${label}, `).join('');
  return `${current} is calling ${goodAt.label}, ${through}for ${person}, and ${may}.`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
