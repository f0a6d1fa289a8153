import { describeEachEngine } from '@behalf/database/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TokenStatus } from '../../src/state/liveness.ts';
import { sessionIdOf } from '../../src/state/schema.ts';
import { API2, delegated, issued, SESSION, signIn } from '../support/ledger.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

describeEachEngine('liveness', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
    await signIn(storage);
    await storage.ledger.recordIssued(issued('root'));
    await storage.ledger.recordIssued(delegated('hop1', 'root'));
    await storage.ledger.recordIssued(
      delegated('hop2', 'hop1', { clientId: 'api2.client', actors: ['api2.client', 'api1.client'] }),
    );
    await storage.ledger.recordIssued(delegated('sibling', 'root'));
  });
  afterEach(() => storage.close());

  const causeOf = async (jti: string, ledger = storage.ledger): Promise<string> => {
    const verdict: TokenStatus = await ledger.statusOf(jti, storage.clock.now);
    return verdict.active ? 'live' : verdict.detail;
  };
  const causes = async () =>
    Object.fromEntries(
      await Promise.all(
        ['root', 'hop1', 'hop2', 'sibling'].map(async (jti) => [jti, await causeOf(jti)] as const),
      ),
    ) as Record<string, string>;
  const all = (detail: string) => ({ root: detail, hop1: detail, hop2: detail, sibling: detail });

  it('says that a token is active while all it hangs from is', async () => {
    expect(await causes()).toEqual(all('live'));
  });

  it('does not know a token that was never issued here', async () => {
    expect(await causeOf('stranger')).toBe('unknown');
  });

  it('ends a token at its time', async () => {
    storage.clock.now += 300;
    expect(await causes()).toEqual({ root: 'live', hop1: 'expired', hop2: 'expired', sibling: 'expired' });
  });

  it('ends what was derived from a revoked token, and nothing beside it', async () => {
    expect(await storage.revocation.revokeToken('hop1')).toBe(true);
    expect(await causes()).toEqual({ root: 'live', hop1: 'revoked', hop2: 'revoked', sibling: 'live' });
    expect(await storage.revocation.revokeToken('stranger')).toBe(false);
  });

  it('ends what is derived after the revocation too', async () => {
    await storage.revocation.revokeToken('root');
    await storage.ledger.recordIssued(delegated('late', 'hop2'));
    expect(await causeOf('late')).toBe('revoked');
  });

  it('ends everything of a session at logout, on every replica', async () => {
    const replica = await storage.replica();
    expect(await storage.revocation.endSession(SESSION)).toBe(true);
    expect(await causes()).toEqual(all('session_ended'));
    expect(await causeOf('hop2', replica.ledger)).toBe('session_ended');
    expect(await storage.revocation.endSession(SESSION)).toBe(false);
  });

  it('ends a session for its own user alone', async () => {
    expect(await storage.revocation.endSession(SESSION, { subject: 'bob' })).toBe(false);
    expect(await causes()).toEqual(all('live'));
    expect(await storage.revocation.endSession(SESSION, { subject: 'alice' })).toBe(true);
  });

  it('ends everything of a session that has run out', async () => {
    await storage.ledger.recordIssued(issued('long', { expiresAt: storage.clock.now + 100_000 }));
    storage.clock.now += 8 * 3600;
    expect(await causeOf('long')).toBe('session_ended');
  });

  it('ends a token whose session is unknown or another user’s', async () => {
    await storage.ledger.recordIssued(issued('no session', { session: 'unknown' }));
    expect(await causeOf('no session')).toBe('session_ended');
    await storage.users.add({ id: 'bob', name: 'bob', password: 'a password' });
    await storage.ledger.recordIssued(issued('not hers', { subject: 'bob' }));
    expect(await causeOf('not hers')).toBe('session_ended');
  });

  it('ends one client’s grant with its descendants, and leaves the session', async () => {
    await storage.ledger.recordIssued(issued('other client', { grantId: 'grant-2' }));
    await storage.revocation.endGrant('grant-1');
    expect(await causes()).toEqual(all('grant_ended'));
    expect(await causeOf('other client')).toBe('live');
    expect(await storage.queries.sessionsOf('alice', undefined)).toHaveLength(1);
  });

  it('ends everything of a disabled user, for good', async () => {
    await storage.users.setDisabled('alice', true);
    expect(await causes()).toEqual(all('subject_disabled'));
    await storage.users.setDisabled('alice', false);
    expect(await causes()).toEqual(all('session_ended'));
  });

  it('ends tokens of a user who is not there', async () => {
    await storage.ledger.recordIssued(issued('nobody', { subject: 'nobody', session: null }));
    expect(await causeOf('nobody')).toBe('subject_disabled');
  });

  it('ends what passed through a disabled client', async () => {
    await storage.clients.setDisabled('api1.client', true);
    expect(await causes()).toEqual({
      root: 'live',
      hop1: 'client_disabled',
      hop2: 'client_disabled',
      sibling: 'client_disabled',
    });
  });

  it('ends for good what passed through a disabled client: enabling brings back nothing, and lets new tokens be active', async () => {
    await storage.clients.setDisabled('api1.client', true);
    await storage.clients.setDisabled('api1.client', false);
    expect(await causeOf('hop1')).toBe('client_disabled');
    expect(await causeOf('root')).toBe('live');
    await storage.ledger.recordIssued(delegated('new', 'root'));
    expect(await causeOf('new')).toBe('live');
  });

  it('ends what passed through a client that is gone from the database', async () => {
    await storage.database.db.deleteFrom('clients').where('id', '=', 'api1.client').execute();
    expect(await causeOf('hop1')).toBe('client_disabled');
    await storage.ledger.recordIssued(delegated('later', 'root'));
    expect(await causeOf('later')).toBe('client_disabled');
    const own = { clientId: 'userSubscriptionClient', subject: null, session: null, grantId: null };
    await storage.ledger.recordIssued(issued('of the server itself', own));
    expect(await causeOf('of the server itself')).toBe('live');
  });

  it('takes the token of a trusted issuer as a beginning, but no unknown token of ours', async () => {
    const external = { session: null, grantId: null };
    await storage.ledger.recordIssued(delegated('from partner', 'https://partner.example#jti-1', external));
    await storage.ledger.recordIssued(delegated('from nowhere', 'unknown-jti', external));
    expect(await causeOf('from partner')).toBe('live');
    expect(await causeOf('from nowhere')).toBe('unknown');
    await storage.revocation.endAllSessionsOf('alice');
    expect(await causeOf('from partner')).toBe('revoked');
  });

  it('says that a client’s own token is active while the client is enabled', async () => {
    await storage.ledger.recordIssued(
      issued('machine', { subject: null, session: null, grantId: null, clientId: 'api2.client' }),
    );
    expect(await causeOf('machine')).toBe('live');
    await storage.clients.setDisabled('api2.client', true);
    expect(await causeOf('machine')).toBe('client_disabled');
  });

  it('ends everything issued or signed in before everything was revoked, and nothing that begins after it in the same second', async () => {
    const sessions = storage.adapter('Session');
    const own = { subject: null, session: null, grantId: null, clientId: 'api2.client' };
    await storage.ledger.recordIssued(issued('machine', own));
    await storage.revocation.revokeAllBefore();
    expect(await causes()).toEqual(all('revoked'));
    expect(await causeOf('machine')).toBe('revoked');
    expect(await sessions.find('cookie uid-1')).toBeUndefined();
    expect(await storage.queries.sessionsOf('alice', undefined)).toEqual([]);
    await storage.ledger.recordIssued(delegated('late', 'root'));
    expect(await causeOf('late')).toBe('session_ended');

    await signIn(storage, 'uid-2');
    expect(await sessions.find('cookie uid-2')).toBeDefined();
    await storage.ledger.recordIssued(issued('new', { session: sessionIdOf('uid-2'), grantId: 'grant-2' }));
    await storage.ledger.recordIssued(issued('new machine', own));
    expect([await causeOf('new'), await causeOf('new machine')]).toEqual(['live', 'live']);
  });

  it('never leaves a live descendant when revocation races with exchange on two replicas', async () => {
    const replica = await storage.replica();
    const exchanges = Array.from({ length: 100 }, async (_, index) => {
      const jti = `race-${index}`;
      const { ledger } = index % 2 === 0 ? storage : replica;
      if ((await ledger.statusOf('root', storage.clock.now)).active)
        await ledger.recordIssued(delegated(jti, 'root'));
      return jti;
    });
    const [jtis] = await Promise.all([Promise.all(exchanges), replica.revocation.endSession(SESSION)]);
    const verdicts = await Promise.all(jtis.map((jti) => causeOf(jti)));
    expect(verdicts).not.toContain('live');
  });

  it('blocks an actor at an audience for the rest of the session when the user takes back a delegation', async () => {
    expect(await storage.revocation.revokeDelegation('hop1', 'bob')).toBe(false);
    expect(await storage.revocation.revokeDelegation('root', 'alice')).toBe(false);
    const isBlocked = async (actor: string) => {
      const status = await storage.ledger.statusOf('root', storage.clock.now, { actor, audience: API2 });
      return status.active && status.isBlocked;
    };
    expect(await isBlocked('api1.client')).toBe(false);
    expect(await storage.revocation.revokeDelegation('hop1', 'alice')).toBe(true);
    expect(await isBlocked('api1.client')).toBe(true);
    expect(await isBlocked('api2.client')).toBe(false);
    expect(await causeOf('hop2')).toBe('revoked');
  });

  it('ends every token of an actor whom the user has blocked from an audience, in that session alone', async () => {
    await signIn(storage, 'uid-2');
    const elsewhere = { session: sessionIdOf('uid-2'), grantId: 'grant-2' };
    await storage.ledger.recordIssued(issued('root 2', elsewhere));
    await storage.ledger.recordIssued(delegated('hop1 2', 'root 2', { ...elsewhere, grantId: null }));
    await storage.revocation.revokeDelegation('hop1', 'alice');
    expect(await causes()).toEqual({ root: 'live', hop1: 'revoked', hop2: 'revoked', sibling: 'revoked' });
    expect(await causeOf('hop1 2')).toBe('live');
    const page = await storage.queries.delegationsOf('alice', { limit: 10 });
    const sibling = page?.rows.find(({ jti }) => jti === 'sibling');
    expect(sibling?.revoked_at).toBe(storage.clock.now);
  });

  it('ends every chain without a session of that user, actor and audience when the user takes one back, and blocks new ones for as long as a session lasts', async () => {
    const external = { session: null, grantId: null };
    for (const jti of ['p1', 'p2']) {
      await storage.ledger.recordIssued(delegated(jti, `https://partner.example#${jti}`, external));
    }
    await storage.users.add({ id: 'bob', name: 'bob', password: 'a password' });
    await storage.ledger.recordIssued(
      delegated('of bob', 'https://partner.example#p3', { ...external, subject: 'bob' }),
    );
    const chain = { subject: 'alice', actor: 'api1.client', audience: API2 };
    expect(await storage.ledger.isActorBlocked(chain, storage.clock.now)).toBe(false);
    expect(await storage.revocation.revokeDelegation('p1', 'alice')).toBe(true);
    await storage.ledger.recordIssued(delegated('late', 'https://partner.example#p4', external));
    expect(await causeOf('p1')).toBe('revoked');
    expect(await causeOf('p2')).toBe('revoked');
    expect(await causeOf('late')).toBe('revoked');
    expect(await causeOf('of bob')).toBe('live');
    expect(await causeOf('hop1')).toBe('live');
    expect(await storage.ledger.isActorBlocked(chain, storage.clock.now + 8 * 3600 - 1)).toBe(true);
    expect(await storage.ledger.isActorBlocked(chain, storage.clock.now + 8 * 3600)).toBe(false);
  });

  it('leaves no live token of a blocked actor when the user takes it back while another is being issued', async () => {
    await storage.revocation.revokeDelegation('hop1', 'alice');
    await storage.ledger.recordIssued(delegated('late', 'root'));
    await storage.ledger.recordIssued(
      delegated('after late', 'late', { clientId: 'api2.client', actors: ['api2.client', 'api1.client'] }),
    );
    expect(await causeOf('late')).toBe('revoked');
    expect(await causeOf('after late')).toBe('revoked');
  });
});
