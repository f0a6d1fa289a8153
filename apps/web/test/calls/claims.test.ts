import { describe, expect, it } from 'vitest';
import { compareClaims, explainClaim } from '../../src/calls/claims.ts';

const own = { sub: 'usr_1', aud: 'http://api1', client_id: 'web.client', scope: 'api1', nonce_of_ours: 1 };
const delegated = {
  sub: 'usr_1',
  aud: 'http://api2',
  client_id: 'api1.client',
  scope: 'api2',
  act: { sub: 'api1.client' },
};

describe('claims of a token beside those of the token it came from', () => {
  it('says which were kept, changed, added and removed', () => {
    const changes = Object.fromEntries(
      compareClaims(own, delegated).map(({ claim, change }) => [claim, change]),
    );
    expect(changes).toEqual({
      sub: 'kept',
      aud: 'changed',
      client_id: 'changed',
      act: 'added',
      scope: 'changed',
      nonce_of_ours: 'removed',
    });
  });

  it('tells the story in order, whatever the order in the token, and unknown claims last', () => {
    const names = compareClaims(own, Object.fromEntries(Object.entries(delegated).toReversed())).map(
      ({ claim }) => claim,
    );
    expect(names).toEqual(['sub', 'aud', 'act', 'scope', 'client_id', 'nonce_of_ours']);
  });

  it('sees a change deep in the actor chain (RFC 8693 §4.1)', () => {
    const [row] = compareClaims(
      { act: { sub: 'api2.client', act: { sub: 'api1.client' } } },
      { act: { sub: 'api2.client', act: { sub: 'other.client' } } },
    );
    expect(row?.change).toBe('changed');
  });

  it('takes objects with the same members in another order as kept', () => {
    const [row] = compareClaims({ act: { sub: 'a', iss: 'i' } }, { act: { iss: 'i', sub: 'a' } });
    expect(row?.change).toBe('kept');
  });

  it('takes a list in another order as changed', () => {
    const [row] = compareClaims({ amr: ['pwd', 'otp'] }, { amr: ['otp', 'pwd'] });
    expect(row?.change).toBe('changed');
  });

  it('takes a claim that is null as present', () => {
    expect(compareClaims({ cnf: null }, { cnf: null })[0]?.change).toBe('kept');
    expect(compareClaims({}, { cnf: null })[0]?.change).toBe('added');
  });
});

describe('what is said about a claim', () => {
  it('warns when a subject changes, which no delegation does', () => {
    expect(explainClaim('sub', 'changed').sentence).toContain('must never happen');
  });

  it('warns when an actor is dropped', () => {
    expect(explainClaim('act', 'removed').sentence).toContain('must never happen');
  });

  it('has a sentence and a source for every claim of an access token, and for unknown ones', () => {
    const claims = [
      'iss',
      'sub',
      'aud',
      'client_id',
      'scope',
      'iat',
      'exp',
      'jti',
      'sid',
      'auth_time',
      'amr',
      'act',
      'may_act',
      'cnf',
      'subscription',
      'x',
    ];
    for (const claim of claims) {
      for (const change of [undefined, 'added', 'removed', 'changed', 'kept'] as const) {
        const { sentence, source } = explainClaim(claim, change);
        expect(sentence).not.toBe('');
        expect(source).toMatch(/§/);
      }
    }
  });

  it('does not take a name from the prototype for a claim it knows', () => {
    expect(explainClaim('constructor').source).toBe('RFC 7519 §4.3');
  });
});
