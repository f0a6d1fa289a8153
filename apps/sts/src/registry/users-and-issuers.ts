import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWK } from 'jose';

/** The people of the development registry. Their passwords are their names; production has none of them. */

export interface DemoUser {
  /** `sub`: opaque, never changes. */
  readonly id: string;
  readonly name: string;
  readonly password: string;
  readonly email: string;
  readonly displayName: string;
  /** `may_act` (RFC 8693 §4.4) of the user's tokens. */
  readonly mayAct?: Readonly<Record<string, unknown>>;
}

export const ALICE = 'usr_7Q2mZk4TtR9xPa1c';

export const BOB = 'usr_B8nWf3LsYv6dKe0j';

export const CAROL = 'usr_J5hXq2RgUw9tMb7z';

export const DAVE = 'usr_D1pCk8VyNa4sLf6e';

export const DEMO_USERS: readonly DemoUser[] = [
  { id: ALICE, name: 'alice', password: 'alice', email: 'alice@behalf.example', displayName: 'Alice Adler' },
  { id: BOB, name: 'bob', password: 'bob', email: 'bob@behalf.example', displayName: 'Bob Brandt' },
  { id: CAROL, name: 'carol', password: 'carol', email: 'carol@behalf.example', displayName: 'Carol Conti' },
  {
    id: DAVE,
    name: 'dave',
    password: 'dave',
    email: 'dave@behalf.example',
    displayName: 'Dave Dunn',
    // Nobody here is support.client, so nobody may act for dave.
    mayAct: { sub: 'support.client' },
  },
];

/** The issuers besides ourselves whose JWTs the translation grant takes as subject tokens (RFC 8693 §3, `…:jwt`). */

export interface TrustedIssuer {
  /** `iss`, exactly. */
  readonly issuer: string;
  readonly keys:
    | { readonly kind: 'static'; readonly jwks: JSONWebKeySet }
    | { readonly kind: 'remote'; readonly jwksUri: string };
  /** The only audience its tokens may have. */
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** Its `sub` → the `sub` of a user of ours. Whoever is not here is nobody here. */
  readonly subjects: Readonly<Record<string, string>>;
  /** How long ago a token may have been issued. */
  readonly maximumAgeSeconds: number;
  readonly requiredClaims: readonly string[];
}

export const PARTNER_ISSUER = 'https://partner.behalf.example';

/** The partner of the development registry; its key pair is made on this machine. */
export function createDemoPartner(options: { audience: string; publicKey: JWK }): TrustedIssuer {
  return {
    issuer: PARTNER_ISSUER,
    keys: { kind: 'static', jwks: { keys: [options.publicKey] } },
    audience: options.audience,
    algorithms: ['ES256'],
    subjects: { 'alice@partner': ALICE, 'bob@partner': BOB },
    maximumAgeSeconds: 300,
    // azp names the client that may present the token; jti makes it good for one use.
    requiredClaims: ['iss', 'aud', 'sub', 'azp', 'iat', 'exp', 'jti'],
  };
}

/**
 * The private keys of parties that live elsewhere in a real deployment: jwt.client's and the partner's. They are made on
 * the first start in development, so that a person can sign as either of them.
 */

export interface DemoKeys {
  /** Public keys. */
  readonly jwtClient: JWK;
  readonly partner: JWK;
}

export const JWT_CLIENT_KEY_FILE = 'jwt.client.private.jwk.json';

export const PARTNER_KEY_FILE = 'partner.private.jwk.json';

/** Reads both keys from `<dataDirectory>/dev`, making what is missing (folder 0700, files 0600). Gives the public halves. */
export async function loadDemoKeys(dataDirectory: string): Promise<DemoKeys> {
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
