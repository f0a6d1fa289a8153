import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../src/open.ts';
import { newTestServerDatabase, type TestServerDatabase } from './support/testing.ts';

/** The statements of `deploy/make-roles.sh`: those for the database, and those for each role. */
const [forDatabase = '', forRole = ''] = [
  ...readFileSync(join(import.meta.dirname, '../../../deploy/make-roles.sh'), 'utf8').matchAll(
    /<<'SQL'\n([\s\S]*?)\nSQL\n/g,
  ),
].map(([, statements = '']) => statements);

let database: TestServerDatabase;
let roles: readonly string[];

beforeAll(async () => {
  database = await newTestServerDatabase();
  roles = ['sts', 'api2', 'subscriptions'].map((role) => `${database.name}_${role}`);
  await run(database.url, fill(forDatabase, { database: database.name }));
  for (const role of roles) {
    await run(database.url, fill(forRole, { database: database.name, role, password: 'a password' }));
  }
});

afterAll(async () => {
  await database.remove();
  for (const role of roles) await database.administer(`drop role ${role}`);
});

const urlOf = (role: string) => {
  const url = new URL(database.url);
  url.username = role;
  url.password = 'a password';
  return url.href;
};

const open = (role: string, schema: string) =>
  openDatabase({
    url: urlOf(role),
    file: '',
    schema,
    migrations: [
      { name: '001', up: (db) => db.schema.createTable('notes').addColumn('id', 'text').execute() },
    ],
  });

test('a role of docker-compose.yml brings its own schema up to date, again after a restart', async () => {
  for (const role of roles) {
    await (await open(role, role)).close();
    const database = await open(role, role);
    await expect(database.ping()).resolves.toBeUndefined();
    await database.close();
  }
});

test.each([
  ['create a schema', () => 'create schema another'],
  ['create a table in the public schema', () => 'create table public.notes (id text)'],
  ["create a table in another service's schema", (other: string) => `create table ${other}.more (id text)`],
  ["read another service's tables", (other: string) => `select * from ${other}.notes`],
  ["change another service's tables", (other: string) => `delete from ${other}.notes`],
  ["drop another service's schema", (other: string) => `drop schema ${other} cascade`],
])('no role may %s', async (_what, statement) => {
  for (const [index, role] of roles.entries()) {
    const other = roles[(index + 1) % roles.length] ?? '';
    await expect(run(urlOf(role), statement(other))).rejects.toThrow(/permission denied|must be owner/);
  }
});

test("no service starts on another's schema, or on one that is not there", async () => {
  const [role = '', other = ''] = roles;
  await expect(open(role, other)).rejects.toThrow('no schema has been selected');
  await expect(open(role, 'another')).rejects.toThrow('permission denied for database');
});

/** Puts in what psql puts in: `:"name"` is an identifier, `:'name'` a text. */
function fill(statements: string, values: Readonly<Record<string, string>>): string {
  return statements.replaceAll(/:(["'])(\w+)\1/g, (_all, quote: string, name: string) => {
    const value = values[name] ?? '';
    return quote === '"' ? pg.escapeIdentifier(value) : pg.escapeLiteral(value);
  });
}

async function run(url: string, statements: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statements);
  } finally {
    await client.end();
  }
}
