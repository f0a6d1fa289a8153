import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A key-encryption key: 32 bytes and the id that what it sealed carries. */
export interface KeyEncryptionKey {
  readonly id: string;
  readonly key: Buffer;
}

/** Seals signing and cookie keys at rest. It protects a copied database; not one whose configuration was copied along. */
export interface KeyEncryption {
  /** `context` names what is sealed; the same text must be given to open it. */
  seal(text: string, context: string): string;
  /** Throws when the key is unknown, or text or context were changed. */
  open(sealed: string, context: string): string;
  /** Whether it was sealed by a key that is no longer the first. */
  isOutdated(sealed: string): boolean;
}

const KEY_BYTES = 32;

const NONCE_BYTES = 12;

const TAG_BYTES = 16;

/**
 * Reads `KEY_ENCRYPTION_KEY`: a list `id:base64,id:base64`. The first one seals; the others still open what they sealed,
 * until a start with the new list has sealed it anew. Throws without ever naming a key's value.
 */
export function parseKeyEncryptionKeys(text: string): readonly KeyEncryptionKey[] {
  const keys = text.split(',').map((part) => {
    const [id = '', encoded = '', ...rest] = part.trim().split(':');
    const key = Buffer.from(encoded, 'base64');
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id) || rest.length > 0 || key.length !== KEY_BYTES) {
      throw new Error('KEY_ENCRYPTION_KEY is no list of id:base64 with 32 bytes each');
    }
    return { id, key };
  });
  if (new Set(keys.map(({ id }) => id)).size !== keys.length)
    throw new Error('KEY_ENCRYPTION_KEY repeats an id');
  return keys;
}

/** AES-256-GCM, as `<key id>.<nonce, ciphertext and tag in base64url>`. */
export function createKeyEncryption(keys: readonly KeyEncryptionKey[]): KeyEncryption {
  const [first] = keys;
  if (first === undefined) throw new Error('there is no key-encryption key');
  const byId = new Map(keys.map((key) => [key.id, key.key]));
  return {
    seal(text, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', first.key, nonce).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `${first.id}.${sealed.toString('base64url')}`;
    },

    open(sealed, context) {
      const id = idOf(sealed);
      const key = byId.get(id);
      if (key === undefined)
        throw new Error(`the database is sealed with key-encryption key "${id}", which is not configured`);
      const bytes = Buffer.from(sealed.slice(id.length + 1), 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([
        decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)),
        decipher.final(),
      ]).toString('utf8');
    },

    isOutdated: (sealed) => idOf(sealed) !== first.id,
  };
}

function idOf(sealed: string): string {
  return sealed.split('.', 1)[0] ?? '';
}

/**
 * The value of `KEY_ENCRYPTION_KEY` for development, made on the first start (0600, folders 0700). Two processes that
 * start at once read the same one: the file appears whole, and only once. A key beside its database protects nothing.
 */
export function loadDevelopmentKeyEncryptionKey(file: string): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `development:${randomBytes(32).toString('base64')}`, { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(file, 'utf8').trim();
}
