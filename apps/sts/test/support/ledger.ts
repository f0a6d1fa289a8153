import type { IssuedEntry, RefusedEntry } from '../../src/state/ledger.ts';
import { sessionIdOf } from '../../src/state/schema.ts';
import { TEST_START, type TestStorage } from './storage.ts';

export const SESSION = sessionIdOf('uid-1');

const API1 = 'http://localhost:4001';

export const API2 = 'http://localhost:4002';

/** The token that alice's sign-in gave web.client. */
export function issued(jti: string, changes: Partial<IssuedEntry> = {}): IssuedEntry {
  return {
    jti,
    parent: null,
    subject: 'alice',
    actors: [],
    clientId: 'web.client',
    audience: API1,
    scope: 'api1',
    grantType: 'authorization_code',
    issuedAt: TEST_START,
    expiresAt: TEST_START + 600,
    session: SESSION,
    grantId: 'grant-1',
    requestId: null,
    ...changes,
  };
}

/** A token that API1 obtained from another one. */
export function delegated(jti: string, parent: string, changes: Partial<IssuedEntry> = {}): IssuedEntry {
  return issued(jti, {
    parent,
    actors: ['api1.client'],
    clientId: 'api1.client',
    audience: API2,
    scope: 'api2',
    grantType: 'delegation',
    expiresAt: TEST_START + 300,
    grantId: null,
    ...changes,
  });
}

export function refused(changes: Partial<RefusedEntry> = {}): RefusedEntry {
  return {
    parent: 'root',
    subject: 'alice',
    actors: ['api1.client'],
    clientId: 'api1.client',
    audience: API2,
    scope: 'api2',
    grantType: 'delegation',
    at: TEST_START,
    session: SESSION,
    error: 'invalid_target',
    reason: 'policy',
    detail: 'no rule',
    requestId: null,
    ...changes,
  };
}

/** Signs alice in: a user, a login session, its grant. The clients that tests issue tokens to are registered, too. */
export async function signIn(storage: TestStorage, uid = 'uid-1', subject = 'alice'): Promise<void> {
  if ((await storage.users.findById(subject)) === undefined) {
    await storage.users.add({ id: subject, name: subject, password: 'a password' });
    for (const id of ['web.client', 'api1.client', 'api2.client']) {
      await storage.clients.upsert({ id, metadata: {}, scopes: [], firstParty: true });
    }
  }
  const payload = {
    kind: 'Session',
    jti: `cookie ${uid}`,
    uid,
    accountId: subject,
    loginTs: storage.clock.now,
  };
  await storage.adapter('Session').upsert(`cookie ${uid}`, payload, 8 * 3600);
}
