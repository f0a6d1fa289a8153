import { describeEachEngine } from '@behalf/database/testing';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { API2, delegated, issued, refused, SESSION, signIn } from '../support/ledger.ts';
import { openTestStorage, TEST_START, type TestStorage } from '../support/storage.ts';

describeEachEngine('LedgerQueries', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
    await signIn(storage);
    for (const id of ['web.client', 'api1.client', 'api2.client']) {
      await storage.clients.upsert({ id, metadata: {}, scopes: [], firstParty: true });
    }
    await storage.ledger.recordIssued(issued('root', { requestId: 'request-1' }));
  });
  afterEach(() => storage.close());

  it('shows who acted for a user, and what was refused, the newest first', async () => {
    await storage.ledger.recordIssued(delegated('hop1', 'root'));
    await storage.ledger.recordRefused(refused());
    await storage.revocation.revokeToken('hop1');
    const page = await storage.queries.delegationsOf('alice', { limit: 50 });
    expect(page?.next).toBeNull();
    expect(page?.rows).toEqual([
      expect.objectContaining({ outcome: 'refused', reason: 'policy', expires_at: null, parent: 'root' }),
      {
        jti: 'hop1',
        parent: 'root',
        at: TEST_START,
        client_id: 'api1.client',
        actors: ['api1.client'],
        audience: API2,
        scope: 'api2',
        grant_type: 'delegation',
        outcome: 'issued',
        reason: null,
        expires_at: TEST_START + 300,
        revoked_at: TEST_START,
        active: false,
        session: SESSION,
        blocked: false,
      },
    ]);
  });

  it('says of each token whether it is active, which depends on its parents too', async () => {
    await storage.ledger.recordIssued(delegated('hop1', 'root'));
    await storage.ledger.recordIssued(delegated('hop2', 'hop1'));
    await storage.ledger.recordRefused(refused());
    const standing = async () =>
      (await storage.queries.delegationsOf('alice', { limit: 50 }))?.rows.map(({ active }) => active);
    expect(await standing()).toEqual([false, true, true]);
    await storage.revocation.revokeToken('hop1');
    expect(await standing()).toEqual([false, false, false]);
  });

  it('says that the user has blocked an actor at an audience, of that session alone', async () => {
    await storage.ledger.recordIssued(delegated('hop1', 'root'));
    await storage.ledger.recordIssued(delegated('hop2', 'hop1'));
    await storage.revocation.revokeDelegation('hop1', 'alice');
    const rows = (await storage.queries.delegationsOf('alice', { limit: 50 }))?.rows ?? [];
    expect(rows.map(({ jti, active, blocked, session }) => [jti, active, blocked, session])).toEqual([
      ['hop2', false, expect.any(Boolean), SESSION],
      ['hop1', false, true, SESSION],
    ]);
    const elsewhere = { subject: 'alice', session: 'another', actor: 'api1.client', audience: API2 };
    await storage.database.db.updateTable('delegation_blocks').set(elsewhere).execute();
    const after = (await storage.queries.delegationsOf('alice', { limit: 50 }))?.rows ?? [];
    expect(after.some(({ blocked }) => blocked)).toBe(false);
  });

  it('never tells a user the fine detail of a refusal', async () => {
    await storage.ledger.recordRefused(refused({ detail: 'a detail' }));
    expect(JSON.stringify(await storage.queries.delegationsOf('alice', { limit: 50 }))).not.toContain(
      'a detail',
    );
  });

  it('shows nobody’s delegations to anybody else', async () => {
    await storage.ledger.recordIssued(delegated('hop1', 'root'));
    expect((await storage.queries.delegationsOf('bob', { limit: 50 }))?.rows).toEqual([]);
  });

  it('gives every row once over its pages, though rows are added meanwhile', async () => {
    const jtis = Array.from({ length: 25 }, (_, index) => `hop-${index}`);
    for (const jti of jtis) await storage.ledger.recordIssued(delegated(jti, 'root'));
    const seen: string[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await storage.queries.delegationsOf('alice', {
        limit: 10,
        ...(cursor == null ? {} : { cursor }),
      });
      if (page === null) throw new Error('the cursor was not taken');
      seen.push(...page.rows.map((row) => row.jti));
      cursor = page.next;
      await storage.ledger.recordIssued(delegated(`later-${seen.length}`, 'root'));
    } while (cursor !== null);
    expect(seen).toEqual(jtis.toReversed());
  });

  it('gives at most 100 rows a page and at least one', async () => {
    for (let index = 0; index < 120; index++)
      await storage.ledger.recordIssued(delegated(`hop-${index}`, 'root'));
    const sizes = await Promise.all(
      [1000, 0, -5].map(
        async (limit) => (await storage.queries.delegationsOf('alice', { limit }))?.rows.length,
      ),
    );
    expect(sizes).toEqual([100, 1, 1]);
  });

  it.each([
    '',
    'x',
    'bnVsbA',
    Buffer.from('[1]').toString('base64url'),
    Buffer.from('["1","x"]').toString('base64url'),
  ])('refuses a malformed cursor: %j', async (cursor) => {
    expect(await storage.queries.delegationsOf('alice', { limit: 10, cursor })).toBeNull();
  });

  it('lists a user’s live sessions with the clients that were signed in to', async () => {
    storage.clock.now += 5;
    await signIn(storage, 'uid-2');
    await storage.ledger.recordIssued(delegated('hop1', 'root'));
    expect(await storage.queries.sessionsOf('alice', SESSION)).toEqual([
      expect.objectContaining({ client_ids: [], signed_in_at: TEST_START + 5, current: false }),
      { id: SESSION, client_ids: ['web.client'], signed_in_at: TEST_START, browser: null, current: true },
    ]);
    await storage.revocation.endSession(SESSION);
    expect(await storage.queries.sessionsOf('alice', SESSION)).toHaveLength(1);
    expect(await storage.queries.sessionsOf('bob', undefined)).toEqual([]);
  });

  it('lists at most a hundred of a user’s sessions, the one that asks among them', async () => {
    for (let count = 2; count <= 103; count += 1) {
      storage.clock.now += 1;
      await signIn(storage, `uid-${count}`);
    }
    const sessions = await storage.queries.sessionsOf('alice', SESSION);
    expect(sessions).toHaveLength(100);
    expect(sessions.at(-1)).toMatchObject({ id: SESSION, current: true });
    expect(sessions[0]).toMatchObject({ signed_in_at: storage.clock.now });
  });

  it('lists for operators what it hides from users, for one user or for all', async () => {
    await storage.ledger.recordIssued(
      issued('machine', { subject: null, session: null, clientId: 'machine.client' }),
    );
    const everything = await storage.queries.list({}, { limit: 10 });
    expect(everything?.rows.map((row) => row.jti)).toEqual(['machine', 'root']);
    expect(everything?.rows[1]).toMatchObject({ subject: 'alice', session: SESSION });
    expect((await storage.queries.list({ subject: 'alice' }, { limit: 10 }))?.rows).toHaveLength(1);
  });

  it('reads a page of delegations from an index of its own, which has no other rows of the user', async () => {
    const { db } = storage.database;
    const plain = Array.from({ length: 300 }, (_, index) => issued(`plain ${index}`));
    for (const entry of plain) await storage.ledger.recordIssued(entry);
    if (engine === 'postgres') await sql`analyze ledger`.execute(db);
    const explain = engine === 'postgres' ? sql`explain` : sql`explain query plan`;
    const { rows } = await sql<Record<string, unknown>>`${explain}
      select * from ledger where subject = ${'alice'} and (outcome = 'refused' or actor is not null)
      order by sequence desc, id desc limit 51`.execute(db);
    const plan = JSON.stringify(rows);
    expect(plan).toContain('ledger_of_delegations');
    expect(plan).not.toMatch(/TEMP B-TREE|Sort/);
  });

  it('explains a refusal by its request id, and a token by its jti', async () => {
    await storage.ledger.recordRefused(refused({ requestId: 'request-2', detail: 'no rule for api3' }));
    const refusal = await storage.queries.explain('request-2');
    expect(refusal).toMatchObject({
      rows: [{ error: 'invalid_target', detail: 'no rule for api3' }],
      status: null,
    });
    await storage.revocation.endSession(SESSION);
    expect(await storage.queries.explain('root')).toMatchObject({
      rows: [{ jti: 'root' }],
      status: { active: false, detail: 'session_ended' },
    });
    expect(await storage.queries.explain('nothing')).toEqual({ rows: [], status: null });
  });
});
