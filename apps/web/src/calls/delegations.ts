import type { InfiniteData } from '@tanstack/react-query';
import type { Delegation, DelegationPage } from '../api/account-api.ts';

export type DelegationStanding = 'live' | 'ended' | 'taken_back' | 'refused';

export interface DelegationFilter {
  readonly standing: 'all' | 'live' | 'ended' | 'refused';
  /** The client that acted; `all` for every one. */
  readonly actor: string;
}

export const EVERYTHING: DelegationFilter = { standing: 'all', actor: 'all' };

/** Where a delegation stands at `now` (epoch seconds). That a token above it was ended is not visible here. */
export function standingOf(delegation: Delegation, now: number): DelegationStanding {
  if (delegation.outcome === 'refused') return 'refused';
  if (typeof delegation.revoked_at === 'number') return 'taken_back';
  return typeof delegation.expires_at === 'number' && delegation.expires_at <= now ? 'ended' : 'live';
}

/** The service that acted: the current actor. */
export function actorOf({ actors, client_id: clientId }: Delegation): string {
  return actors[0] ?? clientId;
}

export function matches(delegation: Delegation, filter: DelegationFilter, now: number): boolean {
  if (filter.actor !== 'all' && actorOf(delegation) !== filter.actor) return false;
  if (filter.standing === 'all') return true;
  const standing = standingOf(delegation, now);
  return filter.standing === 'ended'
    ? standing === 'ended' || standing === 'taken_back'
    : standing === filter.standing;
}

export function isRevocable(delegation: Delegation, now: number): boolean {
  return standingOf(delegation, now) === 'live';
}

/** Everyone who acted, each once, in alphabetical order. */
export function actorsIn(delegations: readonly Delegation[]): readonly string[] {
  return [...new Set(delegations.map(actorOf))].toSorted((a, b) => a.localeCompare(b, 'en'));
}

/** Far more than any delegated token lives: what is older has ended. */
const SURELY_OVER_SECONDS = 3600;

/** As much of an infinite query as this needs. */
export interface PagedDelegations {
  readonly data: InfiniteData<DelegationPage> | undefined;
  readonly hasNextPage: boolean;
  readonly error: Error | null;
  readonly isFetchNextPageError: boolean;
  fetchNextPage(): Promise<PagedDelegations>;
}

/**
 * Every delegation that may be taken back at `now` (epoch seconds), also those that no page has shown yet: pages are read until
 * the rest is too old to live. Throws when one cannot be read.
 */
export async function allLive(list: PagedDelegations, now: number): Promise<readonly Delegation[]> {
  let read = list;
  while (read.hasNextPage && (rowsOf(read).at(-1)?.at ?? now) > now - SURELY_OVER_SECONDS) {
    read = await read.fetchNextPage();
    if (read.isFetchNextPageError) throw read.error ?? new Error('the next page could not be read');
  }
  return rowsOf(read).filter((delegation) => isRevocable(delegation, now));
}

function rowsOf({ data }: PagedDelegations): readonly Delegation[] {
  return data?.pages.flatMap(({ delegations }) => delegations) ?? [];
}
