import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SettingsError } from '@behalf/service';

const KEY_BYTES = 32;

const NONCE_BYTES = 12;

const TAG_BYTES = 16;

/** AES-256-GCM: nonce, ciphertext and tag in base64url. `context` names what is sealed and is authenticated with it. */
export function seal(key: Buffer, text: string, context = ''): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString('base64url');
}

/** Throws when the key is another one, or text or context were changed. */
export function unseal(key: Buffer, sealed: string, context = ''): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
  const text = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
  return Buffer.concat(text).toString('utf8');
}

/** Seals signing and cookie keys at rest. That protects a copied database, not one whose configuration was copied along. */
export type KeyEncryption = ReturnType<typeof createKeyEncryption>;

/**
 * Reads `KEY_ENCRYPTION_KEY`: a list `id:base64,id:base64`. The first key seals; the others open what they sealed until
 * a start with the new list has sealed it anew. Throws without ever naming a key's value.
 */
export function parseKeyEncryptionKeys(text: string) {
  const keys = text.split(',').map((part) => {
    const [id = '', encoded = '', ...rest] = part.trim().split(':');
    const key = Buffer.from(encoded, 'base64');
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id) || rest.length > 0 || key.length !== KEY_BYTES) {
      throw new Error('KEY_ENCRYPTION_KEY is no list of id:base64 with 32 bytes each');
    }
    return { id, key };
  });
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) {
    throw new Error('KEY_ENCRYPTION_KEY repeats an id');
  }
  return keys;
}

/** A sealed text begins with the id of the key: `<id>.<sealed>`. Both functions throw SettingsError naming that id. */
export function createKeyEncryption(keys: ReturnType<typeof parseKeyEncryptionKeys>) {
  const [first] = keys;
  if (first === undefined) throw new Error('there is no key-encryption key');
  const byId = new Map(keys.map(({ id, key }) => [id, key]));
  return {
    seal: (text: string, context: string) => `${first.id}.${seal(first.key, text, context)}`,

    open(sealed: string, context: string): string {
      const id = idOf(sealed);
      const key = byId.get(id);
      if (key === undefined) {
        throw new SettingsError([`KEY_ENCRYPTION_KEY lacks the key "${id}", which sealed the ${context}`]);
      }
      try {
        return unseal(key, sealed.slice(id.length + 1), context);
      } catch {
        throw new SettingsError([
          `KEY_ENCRYPTION_KEY has another key under the id "${id}" than the one that sealed the ${context}, or that row of the database was changed`,
        ]);
      }
    },

    /** Whether it was sealed by a key that is no longer the first. */
    isOutdated: (sealed: string) => idOf(sealed) !== first.id,
  };
}

function idOf(sealed: string): string {
  return sealed.split('.', 1)[0] ?? '';
}

/** The value of `KEY_ENCRYPTION_KEY` for development. A key beside its database protects nothing. */
export function loadDevelopmentKeyEncryptionKey(file: string): Promise<string> {
  return loadSecretFile(file, () => `development:${randomBytes(KEY_BYTES).toString('base64')}`);
}

/**
 * The text of a secret file, made when it is missing (0600, new folders 0700). Of processes that start at once one makes
 * it and all read the same: it is written under another name and linked, so it appears whole and only once.
 */
export async function loadSecretFile(file: string, create: () => string | Promise<string>): Promise<string> {
  const existing = await readIfThere(file);
  if (existing !== undefined) return existing;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, await create(), { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return (await readFile(file, 'utf8')).trim();
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new Error(`the development key ${file} cannot be read`, { cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
