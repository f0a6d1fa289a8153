import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '@behalf/database';
import { describeEachEngine } from '@behalf/database/testing';
import { createLocalJWKSet, importJWK, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createKeyEncryption,
  loadDevelopmentKeyEncryptionKey,
  parseKeyEncryptionKeys,
} from '../../src/keys/key-encryption.ts';
import { createKeyOperations, type KeySnapshot, openKeyRing } from '../../src/keys/key-ring.ts';
import { lifetimes } from '../../src/lifetimes.ts';
import type { StsSchema } from '../../src/state/schema.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

const ONE = `one:${Buffer.alloc(32, 1).toString('base64')}`;

const TWO = `two:${Buffer.alloc(32, 2).toString('base64')}`;

function encryptionOf(text: string) {
  return createKeyEncryption(parseKeyEncryptionKeys(text));
}

async function sign(keys: KeySnapshot): Promise<string> {
  const [active] = keys.jwks.keys;
  if (active === undefined) throw new Error('no key');
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: keys.activeKid })
    .sign(await importJWK(active, 'ES256'));
}

async function verifies(jwt: string, keys: KeySnapshot): Promise<boolean> {
  return jwtVerify(jwt, createLocalJWKSet(keys.publicJwks as JSONWebKeySet)).then(
    () => true,
    () => false,
  );
}

describeEachEngine('openKeyRing', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
  });
  afterEach(() => storage.close());

  const open = async (text = ONE, database: Database<StsSchema> = storage.database, skewSeconds = 0) => {
    const encryption = encryptionOf(text);
    const now = () => storage.clock.now + skewSeconds;
    const ring = await openKeyRing({ database, encryption, now });
    const operations = createKeyOperations(database, now, () => Promise.resolve(encryption));
    return {
      ...ring,
      list: operations.list,
      rotate: async () => {
        await operations.rotate();
        await ring.refresh();
      },
      rotateNow: async () => {
        await operations.rotateNow();
        await ring.refresh();
      },
    };
  };

  const states = async (ring: Awaited<ReturnType<typeof open>>) =>
    (await ring.list()).map(({ state }) => state);

  it('makes one signing key and one cookie key, however many replicas start at once', async () => {
    const replicas = [storage.database, await storage.database.reopen(), await storage.database.reopen()];
    const rings = await Promise.all(replicas.map((database) => open(ONE, database)));
    expect(new Set(rings.map((ring) => ring.current().version)).size).toBe(1);
    expect(rings[0]?.current().jwks.keys).toHaveLength(1);
    expect(rings[0]?.current().cookieKeys).toHaveLength(1);
  });

  it.each([60, 3600])(
    'makes one of each also when the replicas’ clocks are up to %i s apart',
    async (apart) => {
      const skews = [apart, 0, -apart];
      const replicas = await Promise.all(
        skews.map(async (skew) => ({ skew, database: await storage.database.reopen() })),
      );
      const rings = await Promise.all(replicas.map(({ skew, database }) => open(ONE, database, skew)));
      expect(new Set(rings.map((ring) => ring.current().version)).size).toBe(1);
      for (const ring of rings) {
        expect(await ring.refresh()).toBe(false);
        expect(await states(ring)).toEqual(['active']);
        expect(ring.current().cookieKeys).toHaveLength(1);
      }
    },
  );

  it('takes the key of an emergency rotation at once, though made by a clock that is ahead', async () => {
    const ring = await open();
    await (await open(ONE, await storage.database.reopen(), 60)).rotateNow();
    await ring.refresh();
    expect(await states(ring)).toEqual(['active', 'revoked']);
  });

  it('keeps its keys over a restart', async () => {
    const before = (await open()).current();
    expect((await open()).current()).toEqual(before);
  });

  it('publishes no private part and stores none in clear', async () => {
    const { publicJwks, jwks } = (await open()).current();
    expect(publicJwks.keys[0]).not.toHaveProperty('d');
    const stored = JSON.stringify(await storage.database.db.selectFrom('keys').selectAll().execute());
    expect(stored).not.toContain(jwks.keys[0]?.d);
  });

  it('publishes a new key more than 60 s before its first use, and keeps the old one until its last token has expired', async () => {
    const ring = await open();
    const before = ring.current();
    const token = await sign(before);
    await ring.rotate();
    expect(ring.current().activeKid).toBe(before.activeKid);
    expect(ring.current().publicJwks.keys).toHaveLength(2);

    storage.clock.now += 61;
    await ring.refresh();
    expect(ring.current().activeKid).toBe(before.activeKid);

    storage.clock.now += lifetimes.keyPublishedAheadSeconds - 61;
    expect(await ring.refresh()).toBe(true);
    expect(ring.current().activeKid).not.toBe(before.activeKid);
    expect(ring.current().jwks.keys[0]?.kid).toBe(ring.current().activeKid);
    expect(await verifies(token, ring.current())).toBe(true);

    storage.clock.now += lifetimes.keyRetentionSeconds;
    await ring.refresh();
    expect(await verifies(token, ring.current())).toBe(false);
    expect(await states(ring)).toEqual(['active', 'retired']);
  });

  it('publishes one successor, however often it is asked', async () => {
    const ring = await open();
    await Promise.all([ring.rotate(), ring.rotate(), ring.rotate()]);
    expect(await states(ring)).toEqual(['upcoming', 'active']);
  });

  it('replaces a key that has come of age', async () => {
    const ring = await open();
    storage.clock.now += lifetimes.keyMaximumAgeSeconds - 1;
    expect(await ring.refresh()).toBe(false);
    storage.clock.now += 1;
    expect(await ring.refresh()).toBe(true);
    expect(await states(ring)).toEqual(['upcoming', 'active']);
    expect(ring.current().cookieKeys).toHaveLength(2);
  });

  it('refuses every older key at once after an emergency rotation, an upcoming one included', async () => {
    const [ring, replica] = [await open(), await open(ONE, await storage.database.reopen())];
    const { cookieKeys } = ring.current();
    const token = await sign(ring.current());
    await ring.rotate();
    storage.clock.now += 1;
    await ring.rotateNow();
    expect(await verifies(token, ring.current())).toBe(false);
    expect(ring.current().publicJwks.keys).toHaveLength(1);
    expect(cookieKeys).not.toContain(ring.current().cookieKeys[0]);
    expect(ring.current().cookieKeys).toEqual(expect.arrayContaining([...cookieKeys]));
    expect(await states(ring)).toEqual(expect.arrayContaining(['active', 'revoked', 'revoked']));
    await replica.refresh();
    expect(replica.current()).toEqual(ring.current());
  });

  it('tells a watcher what another replica changed', async () => {
    const [ring, replica] = [await open(), await open(ONE, await storage.database.reopen())];
    const seen = new Promise<KeySnapshot>((resolve) => {
      const stop = replica.watch(
        (keys) => {
          stop();
          resolve(keys);
        },
        { intervalMs: 5 },
      );
    });
    await ring.rotateNow();
    expect((await seen).activeKid).toBe(ring.current().activeKid);
  });

  it('takes a new key-encryption key, after which the old one can go', async () => {
    const before = (await open(ONE)).current();
    await expect(open(TWO)).rejects.toThrow('KEY_ENCRYPTION_KEY lacks the key "one"');
    expect((await open(`${TWO},${ONE}`)).current()).toEqual(before);
    expect((await open(TWO)).current()).toEqual(before);
  });

  it('names the id under which the settings have another key than the one that sealed', async () => {
    await open(ONE);
    await expect(open(`one:${Buffer.alloc(32, 3).toString('base64')}`)).rejects.toThrow(
      /KEY_ENCRYPTION_KEY has another key under the id "one" than the one that sealed the signing key/,
    );
  });

  it('does not open a sealed key that was moved to another row', async () => {
    const ring = await open();
    await ring.rotate();
    const { db } = storage.database;
    const [one, other] = await db.selectFrom('keys').selectAll().where('use', '=', 'signing').execute();
    if (one === undefined || other === undefined) throw new Error('two keys were expected');
    await db.updateTable('keys').set({ sealed: other.sealed }).where('id', '=', one.id).execute();
    await expect(open()).rejects.toThrow(`signing key ${one.id}, or that row of the database was changed`);
  });
});

describe('key-encryption keys', () => {
  it.each([
    ['empty', ''],
    ['no id', `:${Buffer.alloc(32).toString('base64')}`],
    ['too short', `a:${Buffer.alloc(16).toString('base64')}`],
    ['no key', 'a:'],
    ['an id twice', `${ONE},${ONE}`],
  ])('refuses a list that is wrong: %s', (_name, text) => {
    expect(() => parseKeyEncryptionKeys(text)).toThrow('KEY_ENCRYPTION_KEY');
  });

  it('never names a wrong key in its message', () => {
    expect(() => parseKeyEncryptionKeys('a:c2VjcmV0')).toThrow(expect.not.stringContaining('c2VjcmV0'));
  });

  it('makes a development key once, readable by its owner alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'behalf-keys-'));
    const file = join(folder, 'dev', 'key-encryption-key');
    const texts = await Promise.all([
      loadDevelopmentKeyEncryptionKey(file),
      loadDevelopmentKeyEncryptionKey(file),
    ]);
    const [text] = texts;
    expect(parseKeyEncryptionKeys(text)).toHaveLength(1);
    expect(new Set([...texts, await loadDevelopmentKeyEncryptionKey(file)]).size).toBe(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    rmSync(folder, { recursive: true });
  });
});
