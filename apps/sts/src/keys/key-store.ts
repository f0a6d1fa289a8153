import { generateKeyPair, randomBytes, type JsonWebKey as NodeJwk } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { Kysely } from 'kysely';
import type { StsSchema } from '../storage/schema.ts';
import type { KeyEncryption } from './key-encryption.ts';
import type { DatedKey } from './key-states.ts';

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
