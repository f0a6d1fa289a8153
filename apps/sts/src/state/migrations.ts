import type { Migration } from '@behalf/database';
import { type Kysely, sql } from 'kysely';

/** In the common subset of SQLite and PostgreSQL. The types of the rows are in `schema.ts`. */
const TABLES: readonly string[] = [
  `create table server (
    id integer primary key, issuer text, mode text, addresses text, generation integer not null)`,
  `insert into server (id, generation) values (1, 0)`,

  `create table keys (
    id text primary key, use text not null, public_jwk text, sealed text not null,
    created_at bigint not null, active_from bigint not null, revoked_at bigint)`,

  `create table users (
    id text primary key, name text not null unique, email text, display_name text, may_act text,
    password_hash text not null, disabled integer not null default 0, generation integer not null default 0)`,

  `create table upstream_users (
    issuer text not null, subject text not null, user_id text not null, primary key (issuer, subject))`,

  `create table clients (
    id text primary key, metadata text not null, scopes text not null, first_party integer not null,
    disabled integer not null default 0, generation integer not null default 0, seeded_digest text)`,
  `create table client_secrets (
    client_id text not null references clients (id) on delete cascade, digest text not null, expires_at bigint,
    primary key (client_id, digest))`,

  `create table oidc_records (
    model text not null, id text not null, payload text not null, grant_id text, session text, uid text,
    expires_at bigint, consumed_at bigint, primary key (model, id))`,
  `create index oidc_records_by_grant on oidc_records (grant_id)`,
  `create index oidc_records_by_session on oidc_records (session)`,
  `create index oidc_records_by_uid on oidc_records (uid)`,
  `create index oidc_records_by_expiry on oidc_records (expires_at)`,

  `create table logins (
    session text primary key, subject text not null, server_generation integer not null,
    user_generation integer not null, signed_in_at bigint not null, expires_at bigint not null,
    ended_at bigint, browser text, upstream text)`,
  `create index logins_by_subject on logins (subject)`,
  `create index logins_by_expiry on logins (expires_at)`,
  `create index logins_by_end on logins (ended_at)`,
  `create index logins_by_upstream on logins (upstream) where upstream is not null`,

  `create table grant_ends (grant_id text primary key, ended_at bigint not null)`,
  `create index grant_ends_by_end on grant_ends (ended_at)`,

  `create table ledger (
    id text primary key, sequence bigint not null, outcome text not null, parent text, subject text,
    actors text not null, actor text, client_id text not null, audience text, scope text not null,
    grant_type text not null, at bigint not null, expires_at bigint, session text, grant_id text, request_id text,
    error text, reason text, detail text, revoked_at bigint, keep_until bigint not null,
    server_generation integer, client_generation integer)`,
  `create index ledger_by_sequence on ledger (sequence, id)`,
  // For /account/delegations; the condition stands in its query word for word.
  `create index ledger_of_delegations on ledger (subject, sequence, id)
    where outcome = 'refused' or actor is not null`,
  `create index ledger_by_session on ledger (session)`,
  // For /account/sessions; the condition stands in its query word for word.
  `create index ledger_of_sign_ins on ledger (session, client_id)
    where (outcome = 'issued' and actor is null)`,
  `create index ledger_by_parent on ledger (parent)`,
  // Every index costs each exchange, so an issued token is found by its jti alone.
  `create index ledger_of_refused_requests on ledger (request_id) where outcome = 'refused'`,
  `create index ledger_by_keep_until on ledger (keep_until)`,

  `create table delegation_blocks (
    subject text not null, session text not null, actor text not null, audience text not null,
    expires_at bigint not null, primary key (subject, session, actor, audience))`,
  `create index delegation_blocks_by_expiry on delegation_blocks (expires_at)`,

  `create table logout_outbox (
    session text not null, client_id text not null, subject text not null, created_at bigint not null,
    expires_at bigint not null, attempts integer not null, next_attempt_at bigint not null, delivered_at bigint,
    primary key (session, client_id))`,
  `create index logout_outbox_by_client on logout_outbox (client_id, delivered_at, next_attempt_at)`,
  `create index logout_outbox_by_expiry on logout_outbox (expires_at)`,
  `create table logout_receivers (
    client_id text primary key, failures integer not null, next_attempt_at bigint not null)`,

  `create table replays (digest text primary key, expires_at bigint not null)`,
  `create index replays_by_expiry on replays (expires_at)`,

  `create table sign_in_attempts (key text primary key, attempts integer not null, window_ends_at bigint not null)`,
  `create index sign_in_attempts_by_end on sign_in_attempts (window_ends_at)`,
];

/** In order. A released migration never changes. */
export const migrations: readonly Migration[] = [
  {
    name: '001-initial',
    async up(db: Kysely<unknown>) {
      for (const statement of TABLES) await sql.raw(statement).execute(db);
    },
  },
];
