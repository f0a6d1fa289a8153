import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { Kysely, Selectable } from 'kysely';
import type { KeyTable, StsSchema } from '../state/schema.ts';
import type { KeyEncryption } from './key-encryption.ts';

/** A signing or cookie key as the database has it, sealed. */
export type StoredKey = Selectable<KeyTable>;

const generate = promisify(generateKeyPair);

export function readKeys(db: Kysely<StsSchema>): Promise<readonly StoredKey[]> {
  return db.selectFrom('keys').selectAll().execute();
}

/** Adds an ES256 signing key, whose `kid` is the thumbprint (RFC 7638), or a cookie key of 256 bits. */
export async function addKey(
  db: Kysely<StsSchema>,
  encryption: KeyEncryption,
  { use, now, activeFrom }: { use: StoredKey['use']; now: number; activeFrom: number },
): Promise<void> {
  const { id, text, public_jwk } = use === 'signing' ? await newSigningKey() : newCookieKey();
  const sealed = encryption.seal(text, contextOf({ use, id }));
  await db
    .insertInto('keys')
    .values({ id, use, public_jwk, sealed, created_at: now, active_from: activeFrom, revoked_at: null })
    .execute();
}

async function newSigningKey() {
  const { publicKey, privateKey } = await generate('ec', { namedCurve: 'P-256' });
  const publicPart = publicKey.export({ format: 'jwk' });
  const id = await calculateJwkThumbprint(publicPart);
  const described = { kid: id, alg: 'ES256', use: 'sig' };
  return {
    id,
    text: JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...described }),
    public_jwk: JSON.stringify({ ...publicPart, ...described }),
  };
}

function newCookieKey() {
  return {
    id: randomBytes(12).toString('base64url'),
    text: randomBytes(32).toString('base64url'),
    public_jwk: null,
  };
}

export function publicJwkOf(key: StoredKey): JWK {
  return JSON.parse(key.public_jwk ?? '{}') as JWK;
}

/** The private JWK as JSON, or the cookie key. */
export function openKey(key: StoredKey, encryption: KeyEncryption): string {
  return encryption.open(key.sealed, contextOf(key));
}

/** Seals with the first key-encryption key what an earlier one sealed, so that the earlier one can be taken away. */
export async function resealKeys(db: Kysely<StsSchema>, encryption: KeyEncryption): Promise<void> {
  for (const key of await readKeys(db)) {
    if (!encryption.isOutdated(key.sealed)) continue;
    const sealed = encryption.seal(openKey(key, encryption), contextOf(key));
    await db.updateTable('keys').set({ sealed }).where('id', '=', key.id).execute();
  }
}

function contextOf({ use, id }: Pick<StoredKey, 'use' | 'id'>): string {
  return `${use} key ${id}`;
}

/**
 * `upcoming`: published, not yet used. `active`: the one that signs. `retiring`: signs no more, still verifies.
 * `retired`: everything it signed has expired. `revoked`: refused at once.
 */
export type KeyState = 'upcoming' | 'active' | 'retiring' | 'retired' | 'revoked';

/**
 * The states of all keys of one use, newest first. A state follows from the other keys and the clock, so replicas agree.
 * The oldest key that is not revoked is in use whatever the clock says, because a replica whose clock is behind the one
 * that made it would otherwise make another. `retainSeconds`: the longest life of what a key signs.
 */
export function statesOf<Key extends Pick<StoredKey, 'id' | 'active_from' | 'revoked_at'>>(
  keys: readonly Key[],
  now: number,
  retainSeconds: number,
): readonly { readonly key: Key; readonly state: KeyState }[] {
  const newestFirst = keys.toSorted(
    (one, other) => other.active_from - one.active_from || (one.id < other.id ? -1 : 1),
  );
  const first = newestFirst.findLast((key) => key.revoked_at === null);
  let successor: Key | undefined;
  return newestFirst.map((key) => {
    if (key.revoked_at !== null) return { key, state: 'revoked' };
    if (key.active_from > now && key !== first) return { key, state: 'upcoming' };
    const supersededAt = successor?.active_from;
    successor = key;
    if (supersededAt === undefined) return { key, state: 'active' };
    return { key, state: supersededAt + retainSeconds > now ? 'retiring' : 'retired' };
  });
}
