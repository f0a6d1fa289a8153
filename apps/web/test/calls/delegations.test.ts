import { describe, expect, it } from 'vitest';
import type { Delegation } from '../../src/api/account-api.ts';
import { liveToken, treesOf, withDescendants, type ActingNode } from '../../src/calls/delegations.ts';

const issued: Delegation = {
  jti: 'a',
  at: 900,
  client_id: 'api1.client',
  actors: ['api1.client'],
  audience: 'http://api2',
  scope: 'api2',
  outcome: 'issued',
  active: true,
  blocked: false,
  session: 's1',
};
const onward: Delegation = {
  ...issued,
  jti: 'b',
  client_id: 'api2.client',
  actors: ['api2.client', 'api1.client'],
  audience: 'http://subscriptions',
  scope: 'subscriptions.read',
};
const refusal: Delegation = { ...issued, outcome: 'refused', active: false, reason: 'policy' };

const drawn = (nodes: readonly ActingNode[] = []): unknown =>
  nodes.map(({ actor, tokens, standing, children }) => [actor, tokens.length, standing, drawn(children)]);
const nodesOf = (rows: readonly Delegation[], session = 's1') => treesOf(rows).get(session)?.nodes ?? [];

describe('the tree of who acted', () => {
  it('has one node for a service at a place, with those below it that act on its behalf', () => {
    expect(drawn(nodesOf([onward, issued, { ...issued, jti: 'older', active: false }]))).toEqual([
      ['api1.client', 2, 'live', [['api2.client', 1, 'live', []]]],
    ]);
  });

  it('keeps sessions apart, and tells their nodes apart', () => {
    const rows = [issued, { ...issued, jti: 'c', session: 's2' }, { ...issued, jti: 'd', session: null }];
    expect([...treesOf(rows).keys()]).toEqual(['s1', 's2', '']);
    expect(new Set(rows.map(({ session }) => nodesOf(rows, session ?? '')[0]?.key)).size).toBe(3);
  });

  it.each([
    ['live', {}],
    ['ended', { active: false }],
    ['blocked', { active: false, blocked: true }],
  ])('says %s as the server says it', (standing, changes) => {
    expect(nodesOf([{ ...issued, ...changes }])[0]?.standing).toBe(standing);
  });

  it('puts a token at the top whose upper one has not been loaded', () => {
    expect(drawn(nodesOf([onward]))).toEqual([['api2.client', 1, 'live', []]]);
  });

  it('groups refusals of one kind', () => {
    const rows = [
      refusal,
      { ...refusal, jti: 'x', at: 800 },
      { ...refusal, jti: 'y', reason: 'subscription' },
    ];
    expect(treesOf(rows).get('s1')?.refusals).toMatchObject([
      { reason: 'policy', count: 2, lastAt: 900 },
      { reason: 'subscription', count: 1 },
    ]);
  });

  it('knows what ends with a node, and by which token it is taken back', () => {
    const [node] = nodesOf([onward, { ...issued, jti: 'expired', active: false }, issued]);
    expect(node && withDescendants(node).map(({ actor }) => actor)).toEqual(['api1.client', 'api2.client']);
    expect(node && liveToken(node)?.jti).toBe('a');
  });
});
