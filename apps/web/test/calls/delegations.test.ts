import { expect, it } from 'vitest';
import type { Delegation } from '../../src/api/account-api.ts';
import { EVERYTHING, actorsIn, isRevocable, matches, standingOf } from '../../src/calls/delegations.ts';

const NOW = 1_000;
const issued: Delegation = {
  jti: 'a',
  at: 900,
  client_id: 'api1.client',
  actors: ['api1.client'],
  outcome: 'issued',
  expires_at: 1_200,
  revoked_at: null,
};

it.each([
  ['live', issued],
  ['ended', { ...issued, expires_at: NOW }],
  ['taken_back', { ...issued, revoked_at: 950 }],
  ['taken_back', { ...issued, revoked_at: 950, expires_at: 990 }],
  ['refused', { ...issued, outcome: 'refused', expires_at: null }],
] as const)('stands as %s', (standing, delegation) => {
  expect(standingOf(delegation, NOW)).toBe(standing);
});

it('lets only a live delegation be taken back', () => {
  expect(isRevocable(issued, NOW)).toBe(true);
  expect(isRevocable({ ...issued, revoked_at: 950 }, NOW)).toBe(false);
  expect(isRevocable({ ...issued, outcome: 'refused' }, NOW)).toBe(false);
});

it('counts what was taken back among what is over', () => {
  expect(matches({ ...issued, revoked_at: 950 }, { ...EVERYTHING, standing: 'ended' }, NOW)).toBe(true);
  expect(matches({ ...issued, revoked_at: 950 }, { ...EVERYTHING, standing: 'live' }, NOW)).toBe(false);
  expect(matches(issued, EVERYTHING, NOW)).toBe(true);
});

it('finds what one service did, by the actor that stands first', () => {
  const second = { ...issued, client_id: 'api2.client', actors: ['api2.client', 'api1.client'] };
  const byApi1 = { ...EVERYTHING, actor: 'api1.client' };
  expect([issued, second].map((delegation) => matches(delegation, byApi1, NOW))).toEqual([true, false]);
  expect(actorsIn([second, issued, second])).toEqual(['api1.client', 'api2.client']);
});
