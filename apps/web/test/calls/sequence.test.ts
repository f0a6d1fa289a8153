import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/api/steps.ts';
import {
  grantLabel,
  precedingToken,
  partiesOf,
  refusalOf,
  rowsOf,
  totalMs,
} from '../../src/calls/sequence.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const own = { jti: 'own', aud: 'api1' };
const forApi2 = { jti: 'second', aud: 'api2' };
const forSubscriptions = { jti: 'third', aud: 'subscriptions' };

const call = (from: string, to: string, more: Partial<Step> = {}): Step => ({
  from,
  to,
  kind: 'call',
  route: 'GET /chain',
  at: 0,
  durationMs: 1,
  status: 200,
  ...more,
});
const exchange = (from: string, more: Partial<Step> = {}): Step => ({
  from,
  to: 'sts',
  kind: 'exchange',
  grant: 'delegation',
  cached: false,
  at: 0,
  durationMs: 1,
  status: 200,
  ...more,
});

const chain = [
  call('browser', 'api1', { claims: own, durationMs: 40 }),
  exchange('api1', { claims: forApi2, at: 1 }),
  call('api1', 'api2', { claims: forApi2, at: 10 }),
  exchange('api2', { claims: forSubscriptions, at: 11, cached: true, grant: TOKEN_EXCHANGE }),
  call('api2', 'subscriptions', { claims: forSubscriptions, at: 12, route: 'GET /users/{sub}' }),
];

describe('the rows of a sequence diagram', () => {
  it('are the steps in their order, and the answer to the browser at the end', () => {
    expect(rowsOf(chain).map(({ kind, from, to, step }) => [kind, from, to, step])).toEqual([
      ['call', 'browser', 'api1', 0],
      ['exchange', 'api1', 'sts', 1],
      ['call', 'api1', 'api2', 2],
      ['cached', 'api2', 'api2', 3],
      ['call', 'api2', 'subscriptions', 4],
      ['answer', 'api1', 'browser', 0],
    ]);
    expect(partiesOf(chain)).toEqual(['browser', 'sts', 'api1', 'api2', 'subscriptions']);
    expect(totalMs(chain)).toBe(40);
  });

  it('show a refusal where it occurred, and that of the whole call at the end', () => {
    const rows = rowsOf([
      call('browser', 'api1', { claims: own, status: 403 }),
      exchange('api1', { status: 400, error: 'invalid_grant' }),
    ]);
    expect(rows.map(({ kind, refusal }) => [kind, refusal])).toEqual([
      ['call', undefined],
      ['exchange', '400 invalid_grant'],
      ['answer', '403'],
    ]);
  });

  it('say of a token that was passed on that it is the very same', () => {
    const labels = rowsOf([
      call('browser', 'api1', { claims: own }),
      call('api1', 'api2', { claims: own, status: 401, error: 'invalid_token' }),
      call('api1', 'api2', { claims: forApi2 }),
    ]).map(({ label }) => label);
    expect(labels[1]).toContain('forwarded');
    expect(labels[2]).toContain('exchanged');
  });

  it('are none for a call that told no steps', () => {
    expect(rowsOf([])).toEqual([]);
    expect(totalMs([])).toBe(0);
  });
});

describe('the token that another one came from', () => {
  it("is that which the step's sender was called with", () => {
    expect(precedingToken(chain, 1)).toEqual({ claims: own, holder: 'api1', isForwarded: false });
    expect(precedingToken(chain, 3)?.claims).toEqual(forApi2);
    expect(precedingToken(chain, 4)).toEqual({ claims: forApi2, holder: 'api2', isForwarded: false });
  });

  it('is the last one when the sender was called more than once', () => {
    const twice = [call('api1', 'api2', { claims: own }), ...chain.slice(2, 4)];
    expect(precedingToken(twice, 2)?.claims).toEqual(forApi2);
  });

  it('is none for the own token and for a step that has no token', () => {
    expect(precedingToken(chain, 0)).toBeUndefined();
    expect(precedingToken([...chain, exchange('api1', { status: 400 })], 5)).toBeUndefined();
    expect(precedingToken(chain, 9)).toBeUndefined();
  });
});

it.each([
  [{ status: 200 }, undefined],
  [{ status: 401, error: 'invalid_token' }, '401 invalid_token'],
  [{ status: 404 }, '404'],
  [{ status: null, error: 'no_answer' }, 'no answer'],
])('says of %o: %s', (step, text) => {
  expect(refusalOf(step)).toBe(text);
});

it('calls the standard grant by its name', () => {
  expect(grantLabel(TOKEN_EXCHANGE)).toBe('token exchange');
  expect(grantLabel('translation')).toBe('translation');
});
