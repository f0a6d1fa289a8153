import { createHash, timingSafeEqual } from 'node:crypto';
import type { Generated } from 'kysely';

/**
 * The tables of the STS. Times are epoch seconds, flags 0 or 1, lists and objects JSON text. Ids that would be good
 * as a bearer value (codes, refresh tokens, session cookies, …) are stored as SHA-256 digests only.
 */
export interface StsSchema {
  oidc_records: OidcRecordTable;
  users: UserTable;
  clients: ClientTable;
  client_secrets: ClientSecretTable;
  logins: LoginTable;
  grant_ends: { grant_id: string; ended_at: number };
  ledger: LedgerTable;
  delegation_blocks: { session: string; actor: string; audience: string; created_at: number };
  /** Values that count once until they expire: DPoP proofs, client assertions, tokens of trusted issuers. */
  replays: { digest: string; expires_at: number };
  logout_outbox: LogoutOutboxTable;
  /** One row: nothing that was signed in or issued before this moment holds. */
  global_revocation: { id: number; not_before: number };
  signing_keys: SigningKeyTable;
  cookie_keys: CookieKeyTable;
  /** Failed sign-ins per name and network, and per network; keys are digests. */
  sign_in_attempts: { key: string; attempts: number; window_ends_at: number };
}

/** What oidc-provider keeps. `session` and `grant_id` are what a record hangs from. */
export interface OidcRecordTable {
  model: string;
  id: string;
  payload: string;
  grant_id: string | null;
  /** `sid` digest of the login session. */
  session: string | null;
  uid: string | null;
  expires_at: number | null;
  consumed_at: number | null;
}

export interface UserTable {
  id: string;
  name: string;
  email: string | null;
  display_name: string | null;
  may_act: string | null;
  password_hash: string;
  disabled: Generated<number>;
  /** When all of the user's sessions were ended last. */
  sessions_ended_at: number | null;
}

export interface ClientTable {
  id: string;
  metadata: string;
  scopes: string;
  first_party: number;
  disabled: Generated<number>;
}

export interface ClientSecretTable {
  client_id: string;
  digest: string;
  expires_at: number | null;
}

/** A login session, by the `sid` that its tokens carry. An ended one stays, so that it never comes back. */
export interface LoginTable {
  session: string;
  subject: string;
  signed_in_at: number;
  expires_at: number;
  ended_at: number | null;
  /** `Firefox on Linux`; null when it is not known. */
  browser: string | null;
}

export interface LedgerTable {
  /** The jti of an issued token; an id of its own for a refusal. */
  id: string;
  /** Rises with time; orders rows and is the cursor of pages. */
  sequence: number;
  outcome: 'issued' | 'refused';
  parent: string | null;
  subject: string | null;
  /** JSON, the current actor first. */
  actors: string;
  /** The current actor. */
  actor: string | null;
  client_id: string;
  audience: string | null;
  scope: string;
  grant_type: string;
  at: number;
  expires_at: number | null;
  session: string | null;
  grant_id: string | null;
  request_id: string | null;
  error: string | null;
  reason: string | null;
  detail: string | null;
  revoked_at: number | null;
  keep_until: number;
}

export interface LogoutOutboxTable {
  session: string;
  client_id: string;
  subject: string;
  created_at: number;
  expires_at: number;
  attempts: number;
  next_attempt_at: number;
  delivered_at: number | null;
}

export interface SigningKeyTable {
  kid: string;
  algorithm: string;
  /** JSON of the public JWK. */
  public_jwk: string;
  /** The private JWK, sealed. */
  sealed_jwk: string;
  created_at: number;
  active_from: number;
  revoked_at: number | null;
}

export interface CookieKeyTable {
  id: string;
  sealed_key: string;
  created_at: number;
  active_from: number;
}

/** SHA-256, base64url. For values with the entropy of a random id or secret, where a slow hash would protect nothing. */
export function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url');
}

/** Compares two digests in constant time. */
export function sameDigest(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * The `sid` of tokens: a digest of oidc-provider's `session.uid`. It names the login to APIs and people without giving
 * them anything that oidc-provider would look up.
 */
export function sessionIdOf(sessionUid: string): string {
  return digestOf(`login session ${sessionUid}`);
}

/**
 * Whether text can be a key in both databases: PostgreSQL keeps no NUL and fails on one, so there is nothing by such a
 * name. Ask before a stranger's text becomes part of a query; what is looked up by its digest needs no question.
 */
export function isStorable(text: string): boolean {
  return !text.includes('\0');
}
