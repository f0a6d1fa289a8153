import { infiniteQueryOptions, QueryClient, queryOptions } from '@tanstack/react-query';
import { AuthorizationServerUnreachable, SessionEnded } from '../auth/session.ts';
import type { AccountApi } from './account-api.ts';
import type { Api1 } from './api1.ts';
import { ApiError } from './api-error.ts';

const MAXIMUM_RETRIES = 2;

/** Delegations come and are shown by so many. */
export const PAGE_ROWS = 50;

/** What was read belongs to one user: see CacheOfOneUser. Only reads that may pass by themselves are asked again. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (failures, error) => failures < MAXIMUM_RETRIES && isPassing(error),
        staleTime: 10_000,
      },
    },
  });
}

function isPassing(error: unknown): boolean {
  if (error instanceof SessionEnded || error instanceof AuthorizationServerUnreachable) return false;
  return error instanceof ApiError && error.status === 503;
}

export function accountsQuery(api1: Api1) {
  return queryOptions({ queryKey: ['accounts'], queryFn: ({ signal }) => api1.accounts(signal) });
}

export function insightsQuery(api1: Api1) {
  return queryOptions({ queryKey: ['insights'], queryFn: ({ signal }) => api1.insights({ signal }) });
}

export function delegationsQuery(account: AccountApi) {
  return infiniteQueryOptions({
    queryKey: ['delegations'],
    queryFn: ({ pageParam, signal }) => account.delegations({ cursor: pageParam, limit: PAGE_ROWS, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    staleTime: 0,
  });
}

export function sessionsQuery(account: AccountApi) {
  return queryOptions({
    queryKey: ['sessions'],
    queryFn: ({ signal }) => account.sessions(signal),
    staleTime: 0,
  });
}
