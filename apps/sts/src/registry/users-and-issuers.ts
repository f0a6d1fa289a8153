import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWK } from 'jose';
import { loadSecretFile } from '../keys/key-encryption.ts';
import { lifetimes } from '../lifetimes.ts';

/** A user of the demo. Production has none of them. */
export interface DemoUser {
  /** `sub`: opaque, never changes. */
  readonly id: string;
  readonly name: string;
  readonly password: string;
  readonly email: string;
  readonly displayName: string;
  /** Of the subscription, or of `may_act`: the sign-in page tells it in development. */
  readonly about: string;
  /** `may_act` (RFC 8693 §4.4) of the user's tokens. */
  readonly mayAct?: Readonly<Record<string, unknown>>;
}

export const ALICE = 'usr_7Q2mZk4TtR9xPa1c';

export const BOB = 'usr_B8nWf3LsYv6dKe0j';

export const CAROL = 'usr_J5hXq2RgUw9tMb7z';

export const DAVE = 'usr_D1pCk8VyNa4sLf6e';

export const DEMO_USERS: readonly DemoUser[] = [
  {
    id: ALICE,
    name: 'alice',
    password: 'alice',
    email: 'alice@behalf.example',
    displayName: 'Alice Adler',
    about: 'an active subscription',
  },
  {
    id: BOB,
    name: 'bob',
    password: 'bob',
    email: 'bob@behalf.example',
    displayName: 'Bob Brandt',
    about: 'a lapsed subscription',
  },
  {
    id: CAROL,
    name: 'carol',
    password: 'carol',
    email: 'carol@behalf.example',
    displayName: 'Carol Conti',
    about: 'no subscription',
  },
  {
    id: DAVE,
    name: 'dave',
    password: 'dave',
    email: 'dave@behalf.example',
    displayName: 'Dave Dunn',
    about: 'lets nobody here act for him',
    // No client here is support.client, so none may act for dave.
    mayAct: { sub: 'support.client' },
  },
];

/** An issuer besides ourselves whose JWTs the translation grant takes as subject tokens (RFC 8693 §3, `…:jwt`). */
export interface TrustedIssuer {
  /** `iss`, exactly. */
  readonly issuer: string;
  readonly keys:
    | { readonly kind: 'static'; readonly jwks: JSONWebKeySet }
    | { readonly kind: 'remote'; readonly jwksUri: string };
  /** The only audience its tokens may have. */
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** Its `sub` → the `sub` of a user of ours. Any other subject is refused. */
  readonly subjects: Readonly<Record<string, string>>;
  /** How long ago a token may have been issued. */
  readonly maximumAgeSeconds: number;
  readonly requiredClaims: readonly string[];
}

export const PARTNER_ISSUER = 'https://partner.behalf.example';

/** The partner of the demo; its key pair is made on this machine. */
export function createDemoPartner(options: { audience: string; publicKey: JWK }): TrustedIssuer {
  return {
    issuer: PARTNER_ISSUER,
    keys: { kind: 'static', jwks: { keys: [options.publicKey] } },
    audience: options.audience,
    algorithms: ['ES256'],
    subjects: { 'alice@partner': ALICE, 'bob@partner': BOB },
    maximumAgeSeconds: lifetimes.partnerTokenSeconds,
    // azp names the client that may present the token; jti makes it good for one use.
    requiredClaims: ['iss', 'aud', 'sub', 'azp', 'iat', 'exp', 'jti'],
  };
}

/** Everything that is wrong with the trusted issuers; production takes keys over https alone. */
export function trustedIssuerFaults(issuers: readonly TrustedIssuer[]): readonly string[] {
  return issuers.flatMap(({ issuer, keys }) =>
    keys.kind === 'remote' && URL.parse(keys.jwksUri)?.protocol !== 'https:'
      ? [`the keys of the trusted issuer ${issuer} are not at an https address`]
      : [],
  );
}

export const JWT_CLIENT_KEY_FILE = 'jwt.client.private.jwk.json';

export const PARTNER_KEY_FILE = 'partner.private.jwk.json';

/**
 * The public keys of two parties that live elsewhere in a real deployment, jwt.client and the partner. The private halves
 * are made in `<dataDirectory>/dev` on the first start, so that a person can sign as either of them.
 */
export async function loadDemoKeys(
  dataDirectory: string,
): Promise<{ readonly jwtClient: JWK; readonly partner: JWK }> {
  const [jwtClient, partner] = await Promise.all([
    loadPublicKey(join(dataDirectory, 'dev', JWT_CLIENT_KEY_FILE), 'jwt.client'),
    loadPublicKey(join(dataDirectory, 'dev', PARTNER_KEY_FILE), 'partner'),
  ]);
  return { jwtClient, partner };
}

async function loadPublicKey(file: string, kid: string): Promise<JWK> {
  const text = await loadSecretFile(file, async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk: JWK = { ...(await exportJWK(privateKey)), kid, alg: 'ES256', use: 'sig' };
    return `${JSON.stringify(jwk, null, 2)}\n`;
  });
  const { d: _private, ...publicKey } = JSON.parse(text) as JWK;
  return publicKey;
}
