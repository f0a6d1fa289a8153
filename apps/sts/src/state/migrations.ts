import type { Migration } from '@behalf/database';
import type { CreateTableBuilder, Kysely } from 'kysely';

const initial: Migration = {
  name: '001-initial',
  async up(db) {
    await createOidcRecords(db);
    await createRegistry(db);
    await createLedger(db);
    await createKeys(db);
  },
};

async function createOidcRecords(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('oidc_records')
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('grant_id', 'text')
    .addColumn('session', 'text')
    .addColumn('uid', 'text')
    .addColumn('expires_at', 'bigint')
    .addColumn('consumed_at', 'bigint')
    .addPrimaryKeyConstraint('oidc_records_key', ['model', 'id'])
    .execute();
  for (const column of ['grant_id', 'session', 'uid', 'expires_at']) {
    await index(db, 'oidc_records', [column]);
  }
  await createTable(db, 'replays', (table) =>
    table
      .addColumn('digest', 'text', (column) => column.primaryKey())
      .addColumn('expires_at', 'bigint', (column) => column.notNull()),
  );
  await index(db, 'replays', ['expires_at']);
  await createTable(db, 'sign_in_attempts', (table) =>
    table
      .addColumn('key', 'text', (column) => column.primaryKey())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('window_ends_at', 'bigint', (column) => column.notNull()),
  );
  await index(db, 'sign_in_attempts', ['window_ends_at']);
}

async function createRegistry(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'users', (table) =>
    table
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull().unique())
      .addColumn('email', 'text')
      .addColumn('display_name', 'text')
      .addColumn('may_act', 'text')
      .addColumn('password_hash', 'text', (column) => column.notNull())
      .addColumn('disabled', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('sessions_ended_at', 'bigint'),
  );
  await createTable(db, 'clients', (table) =>
    table
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('metadata', 'text', (column) => column.notNull())
      .addColumn('scopes', 'text', (column) => column.notNull())
      .addColumn('first_party', 'integer', (column) => column.notNull())
      .addColumn('disabled', 'integer', (column) => column.notNull().defaultTo(0)),
  );
  await createTable(db, 'client_secrets', (table) =>
    table
      .addColumn('client_id', 'text', (column) =>
        column.notNull().references('clients.id').onDelete('cascade'),
      )
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('expires_at', 'bigint')
      .addPrimaryKeyConstraint('client_secrets_key', ['client_id', 'digest']),
  );
}

async function createLedger(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'logins', (table) =>
    table
      .addColumn('session', 'text', (column) => column.primaryKey())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('signed_in_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('ended_at', 'bigint')
      .addColumn('browser', 'text'),
  );
  await createTable(db, 'grant_ends', (table) =>
    table
      .addColumn('grant_id', 'text', (column) => column.primaryKey())
      .addColumn('ended_at', 'bigint', (column) => column.notNull()),
  );
  await createTable(db, 'delegation_blocks', (table) =>
    table
      .addColumn('session', 'text', (column) => column.notNull())
      .addColumn('actor', 'text', (column) => column.notNull())
      .addColumn('audience', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('delegation_blocks_key', ['session', 'actor', 'audience']),
  );
  await createTable(db, 'global_revocation', (table) =>
    table
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('not_before', 'bigint', (column) => column.notNull()),
  );
  await createTable(db, 'ledger', (table) =>
    table
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('parent', 'text')
      .addColumn('subject', 'text')
      .addColumn('actors', 'text', (column) => column.notNull())
      .addColumn('actor', 'text')
      .addColumn('client_id', 'text', (column) => column.notNull())
      .addColumn('audience', 'text')
      .addColumn('scope', 'text', (column) => column.notNull())
      .addColumn('grant_type', 'text', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint')
      .addColumn('session', 'text')
      .addColumn('grant_id', 'text')
      .addColumn('request_id', 'text')
      .addColumn('error', 'text')
      .addColumn('reason', 'text')
      .addColumn('detail', 'text')
      .addColumn('revoked_at', 'bigint')
      .addColumn('keep_until', 'bigint', (column) => column.notNull()),
  );
  await createTable(db, 'logout_outbox', (table) =>
    table
      .addColumn('session', 'text', (column) => column.notNull())
      .addColumn('client_id', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('next_attempt_at', 'bigint', (column) => column.notNull())
      .addColumn('delivered_at', 'bigint')
      .addPrimaryKeyConstraint('logout_outbox_key', ['session', 'client_id']),
  );
  await index(db, 'logins', ['subject']);
  await index(db, 'logins', ['expires_at']);
  await index(db, 'logins', ['ended_at']);
  await index(db, 'grant_ends', ['ended_at']);
  await index(db, 'ledger', ['subject', 'sequence']);
  for (const column of ['session', 'parent', 'request_id', 'sequence', 'keep_until'])
    await index(db, 'ledger', [column]);
  await index(db, 'logout_outbox', ['delivered_at', 'next_attempt_at']);
}

async function createKeys(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'signing_keys', (table) =>
    table
      .addColumn('kid', 'text', (column) => column.primaryKey())
      .addColumn('algorithm', 'text', (column) => column.notNull())
      .addColumn('public_jwk', 'text', (column) => column.notNull())
      .addColumn('sealed_jwk', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('active_from', 'bigint', (column) => column.notNull())
      .addColumn('revoked_at', 'bigint'),
  );
  await createTable(db, 'cookie_keys', (table) =>
    table
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('sealed_key', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('active_from', 'bigint', (column) => column.notNull()),
  );
}

async function createTable(
  db: Kysely<unknown>,
  name: string,
  columns: (table: CreateTableBuilder<string>) => CreateTableBuilder<string>,
): Promise<void> {
  await columns(db.schema.createTable(name)).execute();
}

async function index(db: Kysely<unknown>, table: string, columns: string[]): Promise<void> {
  await db.schema
    .createIndex(`${table}_by_${columns.join('_')}`)
    .on(table)
    .columns(columns)
    .execute();
}

/** In order. A released migration never changes. */
export const migrations: readonly Migration[] = [initial];
