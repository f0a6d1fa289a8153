/**
 * The private keys of parties that live elsewhere in a real deployment: jwt.client's and the partner's. They are made on
 * the first start in development, so that a person can sign as either of them.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';

export interface DevelopmentKeys {
  /** Public keys. */
  readonly jwtClient: JWK;
  readonly partner: JWK;
}

export const JWT_CLIENT_KEY_FILE = 'jwt.client.private.jwk.json';
export const PARTNER_KEY_FILE = 'partner.private.jwk.json';

/** Reads both keys from `<dataDirectory>/dev`, making what is missing (folder 0700, files 0600). Gives the public halves. */
export async function loadDevelopmentKeys(dataDirectory: string): Promise<DevelopmentKeys> {
  const folder = join(dataDirectory, 'dev');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [jwtClient, partner] = await Promise.all([
    loadOrCreate(join(folder, JWT_CLIENT_KEY_FILE), 'jwt.client'),
    loadOrCreate(join(folder, PARTNER_KEY_FILE), 'partner'),
  ]);
  return { jwtClient: publicHalf(jwtClient), partner: publicHalf(partner) };
}

async function loadOrCreate(file: string, kid: string): Promise<JWK> {
  const existing = await read(file);
  if (existing !== undefined) return existing;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk: JWK = { ...(await exportJWK(privateKey)), kid, alg: 'ES256', use: 'sig' };
  // Written whole under another name and then linked: of two starts at once one wins, and neither reads half a file.
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${JSON.stringify(jwk, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, file);
    return jwk;
  } catch (error) {
    const other = codeOf(error) === 'EEXIST' ? await read(file) : undefined;
    if (other === undefined) throw error;
    return other;
  } finally {
    await rm(draft, { force: true });
  }
}

async function read(file: string): Promise<JWK | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as JWK;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new Error(`the development key ${file} cannot be read`, { cause: error });
  }
}

function publicHalf(jwk: JWK): JWK {
  const { d: _private, ...publicKey } = jwk;
  return publicKey;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
