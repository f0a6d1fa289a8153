import { expect, test } from 'vitest';
import { assertLifetimes, lifetimes, type Lifetimes } from '../src/lifetimes.ts';

test('the lifetimes of the STS agree with each other', () => {
  expect(() => assertLifetimes()).not.toThrow();
});

const BROKEN: readonly (Partial<Lifetimes> & { readonly says: string })[] = [
  { delegatedTokenSeconds: 301, says: '300 s at most' },
  { clientTokenSeconds: 200, says: 'does not outlive the tokens' },
  { ownTokenSeconds: 2, says: 'outlives the question' },
  { sessionSeconds: 600, says: 'outlives its access tokens' },
  { keyRetentionSeconds: 8 * 3600, says: 'stays published longer than a session' },
  { keyPublishedAheadSeconds: 60, says: 'published before its first use' },
  { keyMaximumAgeSeconds: 3600, says: 'used for longer' },
  { outboxClaimSeconds: 5, says: 'keeps a receiver' },
  { logoutNoticeSeconds: 64, says: 'tried more often' },
  { endedSeconds: 8 * 3600, says: 'stays known' },
  { issuedRowSeconds: 600, says: 'outlives its token' },
  { recordGraceSeconds: 5, says: 'longer than clocks differ' },
  { issuedAheadSeconds: 60, says: 'ahead by a minute' },
  { codeSeconds: Number.NaN, says: 'positive and finite' },
];

test.each(BROKEN)('a start is refused: $says', ({ says, ...change }) => {
  expect(() => assertLifetimes({ ...lifetimes, ...change })).toThrow(says);
});
