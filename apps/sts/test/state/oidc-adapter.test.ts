import { describeEachEngine } from '@behalf/database/testing';
import { sql } from 'kysely';
import { type AdapterPayload, errors, Provider } from 'oidc-provider';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sessionIdOf } from '../../src/state/schema.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

const session: AdapterPayload = {
  kind: 'Session',
  jti: 'cookie-1',
  uid: 'uid-1',
  accountId: 'alice',
  loginTs: 1_800_000_000,
};

function code(id: string): AdapterPayload {
  return {
    kind: 'AuthorizationCode',
    jti: id,
    grantId: 'grant-1',
    sessionUid: 'uid-1',
    accountId: 'alice',
    clientId: 'web.client',
  };
}

/** A clean success, or oidc-provider's refusal; anything else fails the test. */
async function outcomeOf(attempt: Promise<void>): Promise<'consumed' | 'refused'> {
  try {
    await attempt;
    return 'consumed';
  } catch (error) {
    if (error instanceof errors.InvalidGrant) return 'refused';
    throw error;
  }
}

describeEachEngine('OidcAdapter', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
    await storage.users.add({ id: 'alice', name: 'alice', password: 'a password' });
  });
  afterEach(() => storage.close());

  it('gives back what was saved, and nothing after it was destroyed', async () => {
    const codes = storage.adapter('AuthorizationCode');
    await codes.upsert('code-1', code('code-1'), 60);
    expect(await codes.find('code-1')).toEqual(code('code-1'));
    expect(await storage.adapter('RefreshToken').find('code-1')).toBeUndefined();
    await codes.destroy('code-1');
    expect(await codes.find('code-1')).toBeUndefined();
  });

  it('finds a session by its cookie and by its uid', async () => {
    const sessions = storage.adapter('Session');
    await sessions.upsert('cookie-1', session, 3600);
    expect(await sessions.find('cookie-1')).toEqual(session);
    expect(await sessions.findByUid('uid-1')).toMatchObject({ uid: 'uid-1', accountId: 'alice' });
    expect(await sessions.findByUid('uid-2')).toBeUndefined();
  });

  it('lets nobody in with what the database holds', async () => {
    const sessions = storage.adapter('Session');
    await sessions.upsert('cookie-1', session, 3600);
    const stored = await storage.database.db.selectFrom('oidc_records').selectAll().executeTakeFirstOrThrow();
    const byUid = (await sessions.findByUid('uid-1')) as AdapterPayload;
    for (const candidate of [stored.id, `stored:${stored.id}`, byUid.jti ?? '']) {
      expect(await sessions.find(candidate)).toBeUndefined();
    }
  });

  it('stores no code, token, cookie or interaction id in clear, in no column of any table', async () => {
    await storage.adapter('Session').upsert('secret-cookie', { ...session, jti: 'secret-cookie' }, 3600);
    for (const model of ['AuthorizationCode', 'RefreshToken', 'AccessToken', 'PushedAuthorizationRequest']) {
      await storage.adapter(model).upsert(`secret-${model}`, { ...code(`secret-${model}`), kind: model }, 60);
    }
    const interaction = {
      kind: 'Interaction',
      jti: 'secret-interaction',
      returnTo: 'http://localhost:4000/connect/authorize/secret-interaction',
      session: { uid: 'uid-1', cookie: 'secret-cookie', accountId: 'alice' },
    };
    await storage.adapter('Interaction').upsert('secret-interaction', interaction, 60);
    expect(await storage.adapter('Interaction').find('secret-interaction')).toEqual(interaction);

    const { rows } = await sql`select * from oidc_records`.execute(storage.database.db);
    expect(rows).toHaveLength(6);
    expect(JSON.stringify(rows)).not.toContain('secret-');
  });

  it('lets one of 1,000 parallel redemptions on two replicas succeed, and the replay ends the grant (RFC 6749 §4.1.2)', async () => {
    const replica = await storage.replica();
    await storage.adapter('Grant').upsert('grant-1', { kind: 'Grant', jti: 'grant-1' }, 3600);
    await storage.adapter('AuthorizationCode').upsert('code-1', code('code-1'), 60);
    await storage
      .adapter('RefreshToken')
      .upsert('refresh-1', { ...code('refresh-1'), kind: 'RefreshToken' }, 60);
    const adapters = [storage.adapter('AuthorizationCode'), replica.adapter('AuthorizationCode')];
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, (_, index) =>
        outcomeOf((adapters[index % 2] as (typeof adapters)[0]).consume('code-1') as Promise<void>),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'consumed')).toHaveLength(1);
    expect(await storage.adapter('RefreshToken').find('refresh-1')).toBeUndefined();
    expect(await storage.adapter('Grant').find('grant-1')).toBeUndefined();
    expect(await storage.database.db.selectFrom('oidc_records').selectAll().execute()).toEqual([]);
  });

  it('ends what hangs from a grant when oidc-provider destroys the grant', async () => {
    await storage
      .adapter('RefreshToken')
      .upsert('refresh-1', { ...code('refresh-1'), kind: 'RefreshToken' }, 60);
    await storage.adapter('Grant').destroy('grant-1');
    expect(await storage.adapter('RefreshToken').find('refresh-1')).toBeUndefined();
  });

  it('ends the grant when a rotated refresh token comes again (RFC 9700 §4.14.2)', async () => {
    const tokens = storage.adapter('RefreshToken');
    await tokens.upsert('refresh-1', { ...code('refresh-1'), kind: 'RefreshToken' }, 3600);
    await tokens.consume('refresh-1');
    expect(await tokens.find('refresh-1')).toMatchObject({ consumed: storage.clock.now });
    await tokens.upsert('refresh-2', { ...code('refresh-2'), kind: 'RefreshToken' }, 3600);
    await expect(tokens.consume('refresh-1')).rejects.toThrow(errors.InvalidGrant);
    expect(await tokens.find('refresh-2')).toBeUndefined();
  });

  it('does not find a token of an ended grant, though it was saved after the end', async () => {
    const tokens = storage.adapter('RefreshToken');
    await storage.revocation.endGrant('grant-1');
    await tokens.upsert('late', { ...code('late'), kind: 'RefreshToken' }, 3600);
    expect(await tokens.find('late')).toBeUndefined();
    await tokens.upsert('other', { ...code('other'), kind: 'RefreshToken', grantId: 'grant-2' }, 3600);
    expect(await tokens.find('other')).toBeDefined();
  });

  it('refuses a pushed authorization request that was used (RFC 9126 §4)', async () => {
    const requests = storage.adapter('PushedAuthorizationRequest');
    await requests.upsert('urn-1', { kind: 'PushedAuthorizationRequest', jti: 'urn-1' }, 60);
    await requests.consume('urn-1');
    await expect(requests.consume('urn-1')).rejects.toThrow(errors.InvalidRequestUri);
  });

  it('never lets an ended login come back, under whichever cookie', async () => {
    const sessions = storage.adapter('Session');
    await sessions.upsert('cookie-1', session, 3600);
    expect(await storage.revocation.endSession(sessionIdOf('uid-1'))).toBe(true);
    expect(await sessions.find('cookie-1')).toBeUndefined();
    await sessions.upsert('cookie-2', { ...session, jti: 'cookie-2' }, 3600);
    expect(await sessions.find('cookie-2')).toBeUndefined();
    expect(await sessions.findByUid('uid-1')).toBeUndefined();
  });

  it('keeps the login while oidc-provider changes the id of a session', async () => {
    const sessions = storage.adapter('Session');
    await sessions.upsert('cookie-1', session, 3600);
    await sessions.destroy('cookie-1');
    await sessions.upsert('cookie-2', { ...session, jti: 'cookie-2' }, 3600);
    expect(await storage.queries.sessionsOf('alice', undefined)).toHaveLength(1);
  });

  it('refuses to give one login to another user', async () => {
    const sessions = storage.adapter('Session');
    await sessions.upsert('cookie-1', session, 3600);
    await expect(sessions.upsert('cookie-1', { ...session, accountId: 'bob' }, 3600)).rejects.toThrow(
      'changed its user',
    );
    expect(await sessions.find('cookie-1')).toMatchObject({ accountId: 'alice' });
  });

  it('carries oidc-provider’s own models', async () => {
    const provider = new Provider('http://localhost:4000', { adapter: storage.adapter });
    const grant = new provider.Grant({ accountId: 'alice', clientId: 'web.client' });
    grant.addOIDCScope('openid');
    const id = await grant.save();
    expect((await provider.Grant.find(id))?.getOIDCScope()).toBe('openid');
    await provider.Grant.adapter.destroy(id);
    expect(await provider.Grant.find(id)).toBeUndefined();
  });

  it('removes what has expired in batches, and nothing else', async () => {
    const codes = storage.adapter('AuthorizationCode');
    await codes.upsert('old', code('old'), 60);
    const { id: _id, ...old } = await storage.database.db
      .selectFrom('oidc_records')
      .selectAll()
      .executeTakeFirstOrThrow();
    const more = Array.from({ length: 1199 }, (_, index) => ({ ...old, id: `old-${index}` }));
    await storage.database.db.insertInto('oidc_records').values(more).execute();
    await codes.upsert('young', code('young'), 7200);
    await storage.consumeProof('issuer', 'jti', storage.clock.now + 60);
    storage.clock.now += 3600;
    expect(await storage.sweep()).toBe(1201);
    expect(await codes.find('young')).toBeDefined();
    expect(await storage.sweep()).toBe(0);
  });
});

describeEachEngine('consumeProof and consumePartnerToken', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
  });
  afterEach(() => storage.close());

  it('accept a value once out of 1,000 parallel times on two replicas (RFC 9449 §11.1)', async () => {
    const replica = await storage.replica();
    const claims = [storage.consumeProof, replica.consumeProof];
    const results = await Promise.all(
      Array.from({ length: 1000 }, (_, index) =>
        (claims[index % 2] as typeof storage.consumeProof)('issuer', 'jti', storage.clock.now + 60),
      ),
    );
    expect(results.filter(Boolean)).toHaveLength(1);
  });

  it('count per issuer, per id and per use', async () => {
    const expiresAt = storage.clock.now + 60;
    expect(await storage.consumePartnerToken('a', 'bc', expiresAt)).toBe(true);
    expect(await storage.consumePartnerToken('ab', 'c', expiresAt)).toBe(true);
    expect(await storage.consumeProof('a', 'bc', expiresAt)).toBe(true);
    expect(await storage.consumePartnerToken('a', 'bc', expiresAt)).toBe(false);
  });
});
