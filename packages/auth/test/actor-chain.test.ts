import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ActClaim,
  checkMayAct,
  MAXIMUM_ACTOR_CHAIN_DEPTH,
  nestActor,
  parseActorChain,
} from '../src/actor-chain.ts';

const chainOf = (actors: readonly string[]) =>
  actors.toReversed().reduce<ActClaim | undefined>((prior, actor) => nestActor(actor, prior), undefined);

const actors = fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: MAXIMUM_ACTOR_CHAIN_DEPTH });

describe('parseActorChain', () => {
  it('is empty without an act claim', () => {
    expect(parseActorChain(undefined)).toEqual({ ok: true, actors: [] });
  });

  it('reads back what nestActor built, the current actor first (RFC 8693 §4.1)', () => {
    fc.assert(
      fc.property(actors, (chain) => {
        expect(parseActorChain(chainOf(chain))).toEqual({ ok: true, actors: chain });
      }),
    );
  });

  it('reads the same chain after a trip through JSON', () => {
    fc.assert(
      fc.property(actors, (chain) => {
        const act: unknown = JSON.parse(JSON.stringify(chainOf(chain)));
        expect(parseActorChain(act)).toEqual({ ok: true, actors: chain });
      }),
    );
  });

  it('never throws, and what it takes is a chain of non-empty names', () => {
    const claim = fc.letrec((tie) => ({
      act: fc.oneof(fc.anything(), fc.record({ sub: fc.oneof(fc.string(), fc.anything()), act: tie('act') })),
    })).act;
    fc.assert(
      fc.property(claim, (act) => {
        const parsed = parseActorChain(act);
        const taken: readonly unknown[] = parsed.ok ? parsed.actors : [];
        expect(taken.filter((actor) => typeof actor !== 'string' || actor === '')).toEqual([]);
      }),
    );
  });

  it('takes a chain of the greatest depth and refuses one more', () => {
    const names = Array.from({ length: MAXIMUM_ACTOR_CHAIN_DEPTH }, (_, index) => `actor-${index}`);
    expect(parseActorChain(chainOf(names)).ok).toBe(true);
    expect(parseActorChain(chainOf([...names, 'one more'])).ok).toBe(false);
  });

  it('refuses a chain of any depth without overflowing', () => {
    const names = Array.from({ length: 50_000 }, () => 'actor');
    expect(parseActorChain(chainOf(names)).ok).toBe(false);
  });

  it.each([
    ['text', 'api1.client'],
    ['null', null],
    ['a list', [{ sub: 'api1.client' }]],
    ['no sub', { client_id: 'api1.client' }],
    ['an empty sub', { sub: '' }],
    ['a sub that is no text', { sub: { value: 'api1.client' } }],
    ['a prior actor that is null', { sub: 'api2.client', act: null }],
    ['a prior actor without sub', { sub: 'api2.client', act: {} }],
    ['exp', { sub: 'api1.client', exp: 1 }],
    ['nbf', { sub: 'api1.client', nbf: 1 }],
    ['iat', { sub: 'api1.client', iat: 1 }],
    ['aud', { sub: 'api1.client', aud: 'x' }],
    ['exp further in', { sub: 'api2.client', act: { sub: 'api1.client', exp: 1 } }],
  ])('refuses an act with %s (RFC 8693 §4.1)', (_, act) => {
    expect(parseActorChain(act).ok).toBe(false);
  });
});

describe('nestActor', () => {
  it('keeps the prior chain unchanged inside the new actor (RFC 8693 §4.1)', () => {
    const prior = { sub: 'api1.client', iss: 'https://issuer.example' };
    expect(nestActor('api2.client', prior)).toEqual({ sub: 'api2.client', act: prior });
    expect(nestActor('api1.client', undefined)).toEqual({ sub: 'api1.client' });
  });
});

describe('checkMayAct', () => {
  it('restricts nobody when there is no may_act', () => {
    expect(checkMayAct(undefined, 'api1.client')).toEqual({ ok: true });
  });

  it('permits the actor that it names and nobody else (RFC 8693 §4.4)', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (named, actor) => {
        expect(checkMayAct({ sub: named }, actor).ok).toBe(named === actor);
      }),
    );
  });

  it('permits nobody when it narrows the actor by more than sub', () => {
    expect(checkMayAct({ sub: 'api1.client', iss: 'https://other.example' }, 'api1.client')).toMatchObject({
      detail: 'not_permitted',
    });
  });

  it.each([
    ['text', 'api1.client'],
    ['null', null],
    ['a list', [{ sub: 'api1.client' }]],
    ['no sub', {}],
    ['an empty sub', { sub: '' }],
  ])('permits nobody when it is malformed: %s', (_, mayAct) => {
    expect(checkMayAct(mayAct, 'api1.client')).toMatchObject({ detail: 'malformed' });
  });
});
