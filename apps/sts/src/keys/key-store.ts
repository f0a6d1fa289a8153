import { generateKeyPair, type JsonWebKey as NodeJwk, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { Kysely } from 'kysely';
import type { StsSchema } from '../state/schema.ts';
import type { KeyEncryption } from './key-encryption.ts';

export interface SigningKey extends DatedKey {
  readonly createdAt: number;
  /** Sealed. */
  readonly sealedJwk: string;
  readonly publicJwk: JWK;
}

export interface CookieKey extends DatedKey {
  readonly createdAt: number;
  readonly sealedKey: string;
}

const generate = promisify(generateKeyPair);

export async function readSigningKeys(db: Kysely<StsSchema>): Promise<readonly SigningKey[]> {
  const rows = await db.selectFrom('signing_keys').selectAll().execute();
  return rows.map((row) => ({
    id: row.kid,
    createdAt: row.created_at,
    activeFrom: row.active_from,
    revokedAt: row.revoked_at,
    sealedJwk: row.sealed_jwk,
    publicJwk: JSON.parse(row.public_jwk) as JWK,
  }));
}

export async function readCookieKeys(db: Kysely<StsSchema>): Promise<readonly CookieKey[]> {
  const rows = await db.selectFrom('cookie_keys').selectAll().execute();
  return rows.map((row) => ({
    id: row.id,
    createdAt: row.created_at,
    activeFrom: row.active_from,
    revokedAt: null,
    sealedKey: row.sealed_key,
  }));
}

/** A new ES256 key, its `kid` the thumbprint (RFC 7638). */
export async function addSigningKey(
  db: Kysely<StsSchema>,
  encryption: KeyEncryption,
  dates: { readonly now: number; readonly activeFrom: number },
): Promise<void> {
  const { publicKey, privateKey } = await generate('ec', { namedCurve: 'P-256' });
  const publicPart: NodeJwk = publicKey.export({ format: 'jwk' });
  const kid = await calculateJwkThumbprint(publicPart);
  const described = { kid, alg: 'ES256', use: 'sig' };
  const privateJwk = JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...described });
  await db
    .insertInto('signing_keys')
    .values({
      kid,
      algorithm: 'ES256',
      public_jwk: JSON.stringify({ ...publicPart, ...described }),
      sealed_jwk: encryption.seal(privateJwk, signingContext(kid)),
      created_at: dates.now,
      active_from: dates.activeFrom,
      revoked_at: null,
    })
    .execute();
}

export async function addCookieKey(
  db: Kysely<StsSchema>,
  encryption: KeyEncryption,
  dates: { readonly now: number; readonly activeFrom: number },
): Promise<void> {
  const id = randomBytes(12).toString('base64url');
  const sealed_key = encryption.seal(randomBytes(32).toString('base64url'), cookieContext(id));
  await db
    .insertInto('cookie_keys')
    .values({ id, sealed_key, created_at: dates.now, active_from: dates.activeFrom })
    .execute();
}

export function openSigningKey(key: SigningKey, encryption: KeyEncryption): JWK {
  return JSON.parse(encryption.open(key.sealedJwk, signingContext(key.id))) as JWK;
}

export function openCookieKey(key: CookieKey, encryption: KeyEncryption): string {
  return encryption.open(key.sealedKey, cookieContext(key.id));
}

/** Seals with the first key-encryption key what an earlier one sealed, so that the earlier one can be taken away. */
export async function resealKeys(db: Kysely<StsSchema>, encryption: KeyEncryption): Promise<void> {
  for (const key of await readSigningKeys(db)) {
    if (!encryption.isOutdated(key.sealedJwk)) continue;
    const sealed_jwk = encryption.seal(
      encryption.open(key.sealedJwk, signingContext(key.id)),
      signingContext(key.id),
    );
    await db.updateTable('signing_keys').set({ sealed_jwk }).where('kid', '=', key.id).execute();
  }
  for (const key of await readCookieKeys(db)) {
    if (!encryption.isOutdated(key.sealedKey)) continue;
    const sealed_key = encryption.seal(openCookieKey(key, encryption), cookieContext(key.id));
    await db.updateTable('cookie_keys').set({ sealed_key }).where('id', '=', key.id).execute();
  }
}

function signingContext(kid: string): string {
  return `signing key ${kid}`;
}

function cookieContext(id: string): string {
  return `cookie key ${id}`;
}

/** A key's place in time; what it is follows from the other keys and the clock, so that replicas agree without a word. */
export interface DatedKey {
  readonly id: string;
  /** Epoch seconds. */
  readonly activeFrom: number;
  readonly revokedAt: number | null;
}

/**
 * `upcoming`: published, not yet used. `active`: the one that signs. `retiring`: signs no more, still verifies.
 * `retired`: everything it signed has expired. `revoked`: refused at once.
 */
export type KeyState = 'upcoming' | 'active' | 'retiring' | 'retired' | 'revoked';

export interface StatedKey<Key extends DatedKey> {
  readonly key: Key;
  readonly state: KeyState;
}

/**
 * States of all keys, newest first. `retainSeconds`: the longest life of what a key signs. The first key of those that are
 * not revoked is in use whatever the clock says: that there is one is the database's answer, and a replica whose clock is
 * behind the one that made it would otherwise make another.
 */
export function statesOf<Key extends DatedKey>(
  keys: readonly Key[],
  now: number,
  retainSeconds: number,
): readonly StatedKey<Key>[] {
  const newestFirst = [...keys].sort(
    (one, other) => other.activeFrom - one.activeFrom || (one.id < other.id ? -1 : 1),
  );
  const first = newestFirst.findLast(({ revokedAt }) => revokedAt === null);
  let successor: Key | undefined;
  return newestFirst.map((key) => {
    if (key.revokedAt !== null) return { key, state: 'revoked' };
    if (key.activeFrom > now && key !== first) return { key, state: 'upcoming' };
    const supersededAt = successor?.activeFrom;
    successor = key;
    if (supersededAt === undefined) return { key, state: 'active' };
    return { key, state: supersededAt + retainSeconds > now ? 'retiring' : 'retired' };
  });
}

const PUBLISHED: Readonly<Record<KeyState, number>> = {
  active: 1,
  upcoming: 2,
  retiring: 3,
  retired: 0,
  revoked: 0,
};

/** The keys that others must know, the active one first. */
export function publishedOf<Key extends DatedKey>(states: readonly StatedKey<Key>[]): readonly Key[] {
  return states
    .filter(({ state }) => PUBLISHED[state] > 0)
    .sort((one, other) => PUBLISHED[one.state] - PUBLISHED[other.state])
    .map(({ key }) => key);
}
