import { describeEachEngine } from '@behalf/database/testing';
import { sql, type Transaction } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogoutOutbox, type PendingLogout } from '../../src/state/logout-outbox.ts';
import { sessionIdOf, type StsSchema } from '../../src/state/schema.ts';
import { delegated, issued, SESSION, signIn } from '../support/ledger.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

const OTHER = 'http://localhost:4003';

describeEachEngine('LogoutOutbox', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
    await signIn(storage);
    for (const id of ['web.client', 'api1.client', 'api2.client']) {
      await storage.clients.upsert({ id, metadata: {}, scopes: [], firstParty: true });
    }
    await storage.ledger.recordIssued(issued('root'));
    await storage.ledger.recordIssued(delegated('hop1', 'root'));
  });
  afterEach(() => storage.close());

  const deliver = async (accepts: (logout: PendingLogout) => boolean = () => true) => {
    const sent: PendingLogout[] = [];
    await storage.outbox.deliver((logout) => {
      sent.push(logout);
      return accepts(logout) ? Promise.resolve() : Promise.reject(new Error('not now'));
    });
    return sent.sort((one, other) => (one.clientId < other.clientId ? -1 : 1));
  };

  it('tells every client that asked for a token of the session or acts for an API that one was for', async () => {
    await storage.revocation.endSession(SESSION);
    expect(await deliver()).toEqual(
      ['api1.client', 'api2.client', 'web.client'].map((clientId) => ({
        session: SESSION,
        subject: 'alice',
        clientId,
      })),
    );
    expect(await deliver()).toEqual([]);
  });

  it('tells a client of a token that was recorded while its session was being ended, and only that client', async () => {
    const { db } = storage.database;
    await db.deleteFrom('ledger').where('id', '=', 'hop1').execute();
    await storage.revocation.endSession(SESSION);
    expect((await deliver()).map(({ clientId }) => clientId)).toEqual(['api1.client', 'web.client']);
    await storage.ledger.recordIssued(delegated('late', 'root', { issuedAt: storage.clock.now - 1 }));
    expect((await deliver()).map(({ clientId }) => clientId)).toEqual(['api2.client']);
    expect(await deliver()).toEqual([]);
  });

  it('has nothing to tell while the session lives, or of another session', async () => {
    await signIn(storage, 'uid-2');
    expect(await deliver()).toEqual([]);
  });

  it('tells nobody when the revocation was rolled back', async () => {
    await storage.database.db
      .transaction()
      .execute(async (transaction) => {
        await storage.revocation.endAllSessionsWithin(transaction, 'alice');
        throw new Error('rolled back');
      })
      .catch(() => undefined);
    expect(await deliver()).toEqual([]);
    expect(await storage.ledger.statusOf('root', storage.clock.now)).toMatchObject({ active: true });
  });

  describe('of what is revoked while the session goes on', () => {
    const secondHop = (jti: string, parent: string) =>
      delegated(jti, parent, {
        clientId: 'api2.client',
        actors: ['api2.client', 'api1.client'],
        audience: OTHER,
      });
    const told = async () => (await deliver()).map(({ clientId }) => clientId);

    it('tells the actor of a delegation that was taken back, and who may hold what came of it', async () => {
      await storage.ledger.recordIssued(secondHop('hop2', 'hop1'));
      await storage.revocation.revokeDelegation('hop1', 'alice');
      expect(await told()).toEqual(['api1.client', 'api2.client']);
      expect(await told()).toEqual([]);
    });

    it('ends all that the actor holds for that audience, and nothing else', async () => {
      await storage.ledger.recordIssued(delegated('sibling', 'root'));
      await storage.ledger.recordIssued(delegated('elsewhere', 'root', { audience: OTHER }));
      await storage.revocation.revokeDelegation('hop1', 'alice');
      const { now } = storage.clock;
      expect(await storage.ledger.statusOf('sibling', now)).toEqual({ active: false, detail: 'revoked' });
      expect(await storage.ledger.statusOf('elsewhere', now)).toMatchObject({ active: true });
      expect(await storage.ledger.statusOf('root', now)).toMatchObject({ active: true });
    });

    it('tells the actor also when the token that is taken back has expired, since it may hold a later one', async () => {
      storage.clock.now += 400;
      await storage.revocation.revokeDelegation('hop1', 'alice');
      expect(await told()).toContain('api1.client');
    });

    it('tells those below a revoked token, not the client that revoked it (RFC 7009 §2.1)', async () => {
      await storage.ledger.recordIssued(secondHop('hop2', 'hop1'));
      await storage.revocation.revokeToken('root');
      expect(await told()).toEqual(['api1.client', 'api2.client']);
      await storage.revocation.revokeToken('hop2');
      expect(await told()).toEqual([]);
    });

    it('tells those below the tokens of a grant that ended', async () => {
      const login = { jti: 'a-refresh-token', grantId: 'grant-1', sessionUid: 'uid-1', kind: 'RefreshToken' };
      await storage.adapter('RefreshToken').upsert('a-refresh-token', login, 600);
      await storage.adapter('RefreshToken').consume('a-refresh-token');
      expect(await told()).toEqual([]);
      await expect(storage.adapter('RefreshToken').consume('a-refresh-token')).rejects.toThrow(
        'invalid_grant',
      );
      expect(await told()).toEqual(['api1.client', 'api2.client']);
    });

    it('tells nobody when nothing of that name was issued', async () => {
      expect(await storage.revocation.revokeToken('stranger')).toBe(false);
      expect(await storage.revocation.revokeDelegation('hop1', 'bob')).toBe(false);
      expect(await told()).toEqual([]);
    });

    it('tells of the logout all the same, later on', async () => {
      await storage.revocation.revokeDelegation('hop1', 'alice');
      expect(await told()).toEqual(['api1.client', 'api2.client']);
      storage.clock.now += 1;
      await storage.revocation.endSession(SESSION);
      expect(await told()).toEqual(['api1.client', 'api2.client', 'web.client']);
      expect(await told()).toEqual([]);
    });

    it('tells of a late token after the logout a client that had been told of a revocation before', async () => {
      await storage.revocation.revokeDelegation('hop1', 'alice');
      await told();
      storage.clock.now += 1;
      await storage.database.db.deleteFrom('ledger').where('id', '=', 'hop1').execute();
      await storage.revocation.endSession(SESSION);
      expect(await told()).toEqual(['api1.client', 'web.client']);
      await storage.ledger.recordIssued(delegated('late', 'root', { issuedAt: storage.clock.now }));
      expect(await told()).toEqual(['api2.client']);
    });

    it('tells again what was revoked while an earlier word was on its way', async () => {
      await storage.revocation.revokeDelegation('hop1', 'alice');
      const under = Promise.withResolvers<void>();
      let sending = 0;
      const delivering = storage.outbox.deliver(() => {
        sending += 1;
        return under.promise;
      });
      await expect.poll(() => sending).toBe(2);
      await storage.revocation.revokeDelegation('hop1', 'alice');
      under.resolve();
      await delivering;
      expect(await told()).toEqual(['api1.client', 'api2.client']);
    });
  });

  const endManySessions = async (count: number) => {
    const uids = Array.from({ length: count }, (_, index) => `many-${index}`);
    for (const uid of uids) {
      await signIn(storage, uid);
      await storage.ledger.recordIssued(issued(`root ${uid}`, { session: sessionIdOf(uid) }));
    }
    await storage.revocation.endAllSessionsOf('alice');
  };

  it('puts a client off whole that does not answer, and goes on with the others meanwhile', async () => {
    await endManySessions(60);
    const hanging = Promise.withResolvers<void>();
    const hung: PendingLogout[] = [];
    const heard: PendingLogout[] = [];
    const send = (logout: PendingLogout) => {
      if (logout.clientId !== 'api1.client') return Promise.resolve(void heard.push(logout));
      hung.push(logout);
      return hanging.promise;
    };
    const first = storage.outbox.deliver(send);
    await expect.poll(() => hung.length).toBe(10);
    await expect
      .poll(async () => {
        await storage.outbox.deliver(send);
        return heard.filter(({ clientId }) => clientId === 'web.client').length;
      })
      .toBe(61);
    expect(hung).toHaveLength(10);
    hanging.reject(new Error('timed out'));
    await first;
    storage.clock.now += 1;
    expect(await storage.outbox.deliver(send)).toBe(0);
    storage.clock.now += 1;
    expect(await deliver()).toHaveLength(10);
    expect(await deliver()).toHaveLength(10);
  });

  it('puts off one notice alone that a client answers with a refusal', async () => {
    await endManySessions(1);
    const refused = Object.assign(new Error('expected 200 OK'), { response: { status: 400 } });
    const send = ({ session }: PendingLogout) =>
      session === SESSION ? Promise.reject(refused) : Promise.resolve();
    await storage.outbox.deliver(send);
    await signIn(storage, 'another');
    await storage.ledger.recordIssued(issued('another', { session: sessionIdOf('another') }));
    await storage.revocation.endSession(sessionIdOf('another'));
    const told = await deliver();
    expect(told.map(({ session }) => session)).toEqual([sessionIdOf('another'), sessionIdOf('another')]);
  });

  it('tries again, later and later, until a client has heard', async () => {
    await storage.revocation.endSession(SESSION);
    const refusing = (logout: PendingLogout) => logout.clientId !== 'api2.client';
    expect(await deliver(refusing)).toHaveLength(3);
    expect(await deliver(refusing)).toEqual([]);
    for (const pauseSeconds of [2, 4, 8]) {
      storage.clock.now += pauseSeconds - 1;
      expect(await deliver(refusing)).toEqual([]);
      storage.clock.now += 1;
      expect(await deliver(refusing)).toHaveLength(1);
    }
    storage.clock.now += 16;
    expect(await deliver()).toHaveLength(1);
    storage.clock.now += 600;
    expect(await deliver()).toEqual([]);
  });

  it('gives up when the logout has expired, and forgets it', async () => {
    await storage.revocation.endSession(SESSION);
    storage.clock.now += 3600;
    expect(await deliver()).toEqual([]);
    storage.clock.now += 3600;
    await storage.sweep();
    expect(await storage.database.db.selectFrom('logout_outbox').selectAll().execute()).toEqual([]);
  });

  it('is worked off by several replicas without telling anyone twice', async () => {
    await endManySessions(60);
    const replica = await storage.replica();
    const sent: string[] = [];
    const send = ({ session, clientId }: PendingLogout) =>
      Promise.resolve(void sent.push(`${session} ${clientId}`));
    const workOff = async ({ outbox }: Pick<TestStorage, 'outbox'>) => {
      while ((await outbox.deliver(send)) > 0);
    };
    await Promise.all([storage, replica, storage, replica].map(workOff));
    expect(new Set(sent).size).toBe(2 * 60 + 3);
    expect(sent).toHaveLength(2 * 60 + 3);
  });

  it('leaves rows to the process that is just taking them', async () => {
    const replica = await storage.replica();
    await storage.revocation.endSession(SESSION);
    const send = () => Promise.resolve();
    const { others } = await storage.database.db.transaction().execute(async (transaction) => {
      const outbox = createLogoutOutbox({
        db: transaction,
        now: () => storage.clock.now,
        clientsOfAudience: () => [],
      });
      expect(await outbox.deliver(send)).toBe(3);
      const waiting = replica.outbox.deliver(send);
      // On SQLite the second one has not even begun.
      if (engine === 'postgres') await vi.waitUntil(async () => (await waitersOn(transaction)) === 1);
      return { others: waiting };
    });
    expect(await others).toBe(0);
  });

  it('hands over what a process took and never finished', async () => {
    await storage.revocation.endSession(SESSION);
    let begun = 0;
    void storage.outbox.deliver(() => {
      begun += 1;
      return new Promise(() => undefined);
    });
    await expect.poll(() => begun).toBe(3);
    expect(await deliver()).toEqual([]);
    storage.clock.now += 60;
    expect(await deliver()).toHaveLength(3);
  });
});

/** How many PostgreSQL connections wait for a lock of this one's. */
async function waitersOn(transaction: Transaction<StsSchema>): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))`.execute(
    transaction,
  );
  return rows[0]?.n ?? 0;
}
