import { describeEachEngine } from '@behalf/database/testing';
import { verify } from '@node-rs/argon2';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sessionIdOf } from '../../src/state/schema.ts';
import { UNKNOWN_USERS_HASH } from '../../src/state/users.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

describeEachEngine('UserStore', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
  });
  afterEach(() => storage.close());

  it('signs a user in with the right password alone', async () => {
    const alice = await storage.users.add({
      name: 'alice',
      password: 'pass',
      mayAct: { sub: 'support.client' },
    });
    expect(await storage.users.authenticate('alice', 'pass')).toEqual({
      ...alice,
      generation: { server: 0, user: 0 },
    });
    expect(alice?.mayAct).toEqual({ sub: 'support.client' });
    for (const [name, password] of [
      ['alice', 'wrong'],
      ['alice', ''],
      ['bob', 'pass'],
      ['Alice', 'pass'],
    ] as const) {
      expect(await storage.users.authenticate(name, password)).toBeUndefined();
    }
  });

  it('stores passwords as argon2id', async () => {
    await storage.users.add({ name: 'alice', password: 'pass' });
    const row = await storage.database.db.selectFrom('users').selectAll().executeTakeFirstOrThrow();
    expect(row.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('does the same work for an unknown name as for a known one', async () => {
    await storage.users.add({ name: 'alice', password: 'pass' });
    const row = await storage.database.db.selectFrom('users').selectAll().executeTakeFirstOrThrow();
    const costOf = (hash: string) => hash.split('$').slice(1, 4);
    expect(costOf(UNKNOWN_USERS_HASH)).toEqual(costOf(row.password_hash));
    expect(await verify(UNKNOWN_USERS_HASH, '')).toBe(false);
  });

  it('changes a password, and tells an unknown user', async () => {
    await storage.users.add({ name: 'alice', password: 'pass' });
    expect(await storage.users.setPassword('alice', 'new')).toBe(true);
    expect(await storage.users.authenticate('alice', 'pass')).toBeUndefined();
    expect(await storage.users.authenticate('alice', 'new')).toBeDefined();
    expect(await storage.users.setPassword('bob', 'new')).toBe(false);
    expect(await storage.users.setDisabled('bob', true)).toBe(false);
  });

  it('keeps a disabled user out and ends the user’s sessions, which enabling does not bring back', async () => {
    const alice = await storage.users.add({ name: 'alice', password: 'pass' });
    const sessions = storage.adapter('Session');
    await sessions.upsert(
      'cookie',
      { kind: 'Session', jti: 'cookie', uid: 'uid', accountId: alice?.id ?? '' },
      3600,
    );
    expect(await storage.users.setDisabled('alice', true)).toBe(true);
    expect(await storage.users.authenticate('alice', 'pass')).toBeUndefined();
    await storage.users.setDisabled('alice', false);
    expect(await storage.users.authenticate('alice', 'pass')).toBeDefined();
    expect(await sessions.find('cookie')).toBeUndefined();
    expect(await storage.revocation.endSession(sessionIdOf('uid'))).toBe(false);
  });

  it('ends the user’s sessions when the password changes: others may have signed in with the old one', async () => {
    const alice = await storage.users.add({ name: 'alice', password: 'pass' });
    const bob = await storage.users.add({ name: 'bob', password: 'pass' });
    const sessions = storage.adapter('Session');
    for (const id of [alice?.id, bob?.id]) {
      if (id === undefined) throw new Error('two users were expected');
      const session = { kind: 'Session', jti: `cookie of ${id}`, uid: `uid of ${id}`, accountId: id };
      await sessions.upsert(`cookie of ${id}`, session, 3600);
    }
    await storage.users.setPassword('alice', 'new');
    expect(await sessions.find(`cookie of ${alice?.id}`)).toBeUndefined();
    expect(await storage.revocation.endSession(sessionIdOf(`uid of ${alice?.id}`))).toBe(false);
    expect(await sessions.find(`cookie of ${bob?.id}`)).toBeDefined();
  });

  it('takes a name and an id once, without an error of the database', async () => {
    await storage.users.add({ id: 'one', name: 'alice', password: 'pass' });
    expect(await storage.users.add({ name: 'alice', password: 'other' })).toBeUndefined();
    expect(await storage.users.add({ id: 'one', name: 'bob', password: 'other' })).toBeUndefined();
    expect(await storage.users.authenticate('alice', 'pass')).toMatchObject({ id: 'one' });
  });

  it('reads the generations with the hash; a new password and revoke-all are new ones', async () => {
    await storage.users.add({ name: 'alice', password: 'pass' });
    await storage.users.setPassword('alice', 'new');
    await storage.revocation.revokeAllBefore();
    expect(await storage.users.authenticate('alice', 'new')).toMatchObject({
      generation: { server: 1, user: 1 },
    });
  });
});
