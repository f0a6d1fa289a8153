import type { InfiniteData } from '@tanstack/react-query';
import type { Delegation, DelegationPage } from '../api/account-api.ts';
import { isRevocable } from './delegations.ts';

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
