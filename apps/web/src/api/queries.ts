import { infiniteQueryOptions, keepPreviousData, QueryClient, queryOptions } from '@tanstack/react-query';
import type { AccountApi } from './account-api.ts';
import type { Api1 } from './api1.ts';
import type { PolicyQuestion } from './policy.ts';

/** Delegations come and are shown by so many. */
export const PAGE_ROWS = 50;

/**
 * What was read belongs to one user: see CacheOfOneUser. Nothing is asked again behind the page's back, because the page
 * says what failed and then tries again itself (components/healing.ts); and being offline is such a failure.
 */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { retry: false, networkMode: 'always', staleTime: 10_000 },
      mutations: { networkMode: 'always' },
    },
  });
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

export function policyQuery(account: AccountApi) {
  return queryOptions({
    queryKey: ['policy'],
    queryFn: ({ signal }) => account.policy(signal),
    staleTime: Infinity,
  });
}

/** The answer before stays until the next one is there. */
export function decisionQuery(account: AccountApi, question: PolicyQuestion) {
  return queryOptions({
    queryKey: ['policy', question],
    queryFn: ({ signal }) => account.decide(question, signal),
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  });
}

export function sessionsQuery(account: AccountApi) {
  return queryOptions({
    queryKey: ['sessions'],
    queryFn: ({ signal }) => account.sessions(signal),
    staleTime: 0,
  });
}
