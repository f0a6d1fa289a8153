import type { Delegation } from '../api/account-api.ts';

export type DelegationFilter = 'all' | 'live' | 'ended' | 'refused';

export type DelegationStanding = 'live' | 'ended' | 'taken_back' | 'refused';

/** Where a delegation stands at `now` (epoch seconds). That a token above it was ended is not visible here. */
export function standingOf(delegation: Delegation, now: number): DelegationStanding {
  if (delegation.outcome === 'refused') return 'refused';
  if (typeof delegation.revoked_at === 'number') return 'taken_back';
  return typeof delegation.expires_at === 'number' && delegation.expires_at <= now ? 'ended' : 'live';
}

export function matches(delegation: Delegation, filter: DelegationFilter, now: number): boolean {
  if (filter === 'all') return true;
  const standing = standingOf(delegation, now);
  return filter === 'ended' ? standing === 'ended' || standing === 'taken_back' : standing === filter;
}

export function isRevocable(delegation: Delegation, now: number): boolean {
  return standingOf(delegation, now) === 'live';
}
