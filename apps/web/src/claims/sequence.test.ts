import { expect, it } from 'vitest';
import { claimsOf, partiesOf, stepsOf } from './sequence.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

const chain = {
  hops: [
    { service: 'api1', sub: 'usr_1' },
    {
      service: 'api2',
      sub: 'usr_1',
      duration_ms: 40,
      exchange: { grant_type: 'delegation', cached: false, duration_ms: 12 },
    },
    { service: 'subscriptions', sub: 'usr_1', exchange: { grant_type: TOKEN_EXCHANGE, cached: true } },
  ],
};

it('draws per hop the exchange that brought its token, and then the call', () => {
  expect(stepsOf(chain, 90).map(({ from, to, kind, hop }) => [from, to, kind, hop])).toEqual([
    ['browser', 'api1', 'call', 0],
    ['api1', 'sts', 'exchange', 1],
    ['sts', 'api1', 'exchange', 1],
    ['api1', 'api2', 'call', 1],
    ['api2', 'api2', 'kept', 2],
    ['api2', 'subscriptions', 'call', 2],
    ['browser', 'browser', 'answer', 2],
  ]);
});

it('times what was reported and nothing else', () => {
  expect(stepsOf(chain, 90).map(({ durationMs }) => durationMs)).toEqual([
    undefined,
    undefined,
    12,
    40,
    undefined,
    undefined,
    90,
  ]);
});

it('names the standard grant by its RFC, and others as they are called', () => {
  const fresh = {
    hops: [{ service: 'api1' }, { service: 'api2', exchange: { grant_type: TOKEN_EXCHANGE } }],
  };
  expect(stepsOf(fresh)[1]?.label).toBe('asks: token exchange (RFC 8693)');
  expect(stepsOf(chain)[1]?.label).toBe('asks: delegation');
});

it('draws a chain that reports no exchanges as exchanged each time', () => {
  const bare = { hops: [{ service: 'api1' }, { service: 'api2' }] };
  expect(stepsOf(bare).map(({ kind }) => kind)).toEqual(['call', 'exchange', 'exchange', 'call', 'answer']);
  expect(stepsOf(bare)[1]?.label).toBe('asks for a token');
});

it('gives every service its lane once, after browser and token service', () => {
  expect(partiesOf(chain).map(({ id }) => id)).toEqual(['browser', 'sts', 'api1', 'api2', 'subscriptions']);
});

it('shows as claims only what stood in the token', () => {
  const hop = { service: 'api2', duration_ms: 40, exchange: { cached: false }, sub: 'usr_1' };
  expect(claimsOf(hop)).toEqual({ sub: 'usr_1' });
});
