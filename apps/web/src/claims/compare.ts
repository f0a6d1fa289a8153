import type { Claims } from '../api/steps.ts';

export type Change = 'added' | 'removed' | 'changed' | 'kept';

export interface ClaimComparison {
  readonly claim: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly change: Change;
}

/** Claims in the order that tells the story: who, for whom, by whom, what, and only then the bookkeeping. */
const ORDER = [
  'sub',
  'aud',
  'client_id',
  'act',
  'scope',
  'iss',
  'may_act',
  'subscription',
  'auth_time',
  'amr',
  'sid',
  'iat',
  'exp',
  'jti',
  'cnf',
];

/**
 * Compares the claims of a token with those of the token it came from. Values are compared as JSON, objects without
 * regard to the order of their members. Claims that nobody here has heard of come last, in alphabetical order.
 */
export function compareClaims(before: Claims, after: Claims): readonly ClaimComparison[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.toSorted(byStory).map((claim) => ({
    claim,
    before: valueOf(before, claim),
    after: valueOf(after, claim),
    change: changeOf(claim, before, after),
  }));
}

function changeOf(claim: string, before: Claims, after: Claims): Change {
  const [was, is] = [valueOf(before, claim), valueOf(after, claim)];
  if (was === undefined) return 'added';
  if (is === undefined) return 'removed';
  return canonical(was) === canonical(is) ? 'kept' : 'changed';
}

function valueOf(claims: Claims, claim: string): unknown {
  return Object.hasOwn(claims, claim) ? claims[claim] : undefined;
}

function byStory(a: string, b: string): number {
  return rank(a) - rank(b) || a.localeCompare(b, 'en');
}

function rank(claim: string): number {
  const index = ORDER.indexOf(claim);
  return index === -1 ? ORDER.length : index;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
