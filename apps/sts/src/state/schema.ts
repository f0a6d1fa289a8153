import { createHash, timingSafeEqual } from 'node:crypto';
import { type Generated, sql } from 'kysely';

/**
 * The tables of the STS. Times are epoch seconds, flags 0 or 1, lists and objects JSON text. Ids that would be good as
 * a bearer value (codes, refresh tokens, session cookies, …) are stored as SHA-256 digests only.
 *
 * A `generation` counts how often everything of a user, a client or the whole server was ended. What was read in one
 * generation is inactive in the next, so no order of events depends on clocks.
 */
export interface StsSchema {
  server: ServerTable;
  keys: KeyTable;
  users: UserTable;
  /** People of another server or directory, as users of this one. */
  upstream_users: { issuer: string; subject: string; user_id: string };
  clients: ClientTable;
  client_secrets: { client_id: string; digest: string; expires_at: number | null };
  oidc_records: OidcRecordTable;
  logins: LoginTable;
  grant_ends: { grant_id: string; ended_at: number };
  ledger: LedgerTable;
  delegation_blocks: DelegationBlockTable;
  logout_outbox: LogoutOutboxTable;
  /** Clients that have notices in the outbox. A worker leases one until `next_attempt_at`. */
  logout_receivers: { client_id: string; failures: number; next_attempt_at: number };
  /** Values that count once until they expire: DPoP proofs, client assertions, tokens of trusted issuers. */
  replays: { digest: string; expires_at: number };
  /** Failed sign-ins per name and network, and per network; keys are digests. */
  sign_in_attempts: { key: string; attempts: number; window_ends_at: number };
}

/** One row: the server that this database belongs to. */
export interface ServerTable {
  id: number;
  /** Null until a server has started. */
  issuer: string | null;
  mode: 'production' | 'development' | null;
  /** JSON: identifiers and addresses of a development server. */
  addresses: string | null;
  generation: number;
}

/** Signing keys and cookie keys have one life cycle. */
export interface KeyTable {
  id: string;
  use: 'signing' | 'cookie';
  /** JSON of the public JWK; null for a cookie key. */
  public_jwk: string | null;
  /** The private JWK, or the cookie key, sealed. */
  sealed: string;
  created_at: number;
  active_from: number;
  revoked_at: number | null;
}

export interface UserTable {
  id: string;
  name: string;
  email: string | null;
  display_name: string | null;
  may_act: string | null;
  password_hash: string;
  disabled: Generated<number>;
  generation: Generated<number>;
}

export interface ClientTable {
  id: string;
  metadata: string;
  scopes: string;
  first_party: number;
  disabled: Generated<number>;
  generation: Generated<number>;
  /** Digest of the secret that was last taken from the environment. */
  seeded_digest: string | null;
}

/** A record of oidc-provider. `session` and `grant_id` say what it ends with. */
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

/** A login session, by the `sid` that its tokens carry. An ended one stays, so that it never comes back. */
export interface LoginTable {
  session: string;
  subject: string;
  /** As they were when the password was checked. */
  server_generation: number;
  user_generation: number;
  signed_in_at: number;
  expires_at: number;
  ended_at: number | null;
  /** `Firefox on Linux`; null when it is not known. */
  browser: string | null;
  /** The session at the upstream that it began with, `<issuer>#<sid>`; null when it began here. */
  upstream: string | null;
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
  /** As they were when the row was written; `client_generation` is null for a client that is in no database. */
  server_generation: number | null;
  client_generation: number | null;
}

/** The user took from an actor the right to act at an audience. */
export interface DelegationBlockTable {
  subject: string;
  /** Empty for chains without a session: those of a trusted issuer's token. */
  session: string;
  actor: string;
  audience: string;
  expires_at: number;
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

/** SHA-256, base64url. For values with the entropy of a random id or secret, where a slow hash would protect nothing. */
export function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url');
}

/** Compares two digests in constant time. */
export function sameDigest(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** The `sid` of tokens: a digest of oidc-provider's `session.uid`, which names the login without being good for anything. */
export function sessionIdOf(sessionUid: string): string {
  return digestOf(`login session ${sessionUid}`);
}

/** How the ledger names a trusted issuer's token, since only issuer and `jti` together are unique. Our own `jti` has no "#". */
export function externalTokenId(issuer: string, jti: string): string {
  return `${issuer}#${jti}`;
}

export function isExternalTokenId(id: string): boolean {
  return id.includes('#');
}

/** Whether text can be a key in both databases: PostgreSQL keeps no NUL. Ask before a caller's text becomes part of a query. */
export function isStorable(text: string): boolean {
  return !text.includes('\0');
}

/** A token with an actor, or a refusal: word for word the condition of the index `ledger_of_delegations`. */
export const IS_DELEGATION = sql<boolean>`(outcome = 'refused' or actor is not null)`;
