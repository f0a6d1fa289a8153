// Makes the secrets of a deployment, once: each is a file that a service reads by its …_FILE variable. What is there stays.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2] ?? '/secrets';
mkdirSync(folder, { recursive: true });

const secret = () => randomBytes(32).toString('base64url');
const databasePassword = secret();

make('database-password', () => databasePassword);
// Made together with the password, never apart from it.
make('database-url', () => `postgres://behalf:${databasePassword}@postgres:5432/behalf`);
make(
  'key-encryption-key',
  () => `${new Date().toISOString().slice(0, 10)}:${randomBytes(32).toString('base64')}`,
);
for (const client of ['api1', 'api2', 'subscriptions', 'machine']) make(`${client}-client-secret`, secret);

function make(name, value) {
  const file = join(folder, name);
  if (existsSync(file)) return;
  // Written whole, then named: a stopped start leaves no half of a secret.
  writeFileSync(`${file}.new`, value(), { mode: 0o444 });
  chmodSync(`${file}.new`, 0o444);
  renameSync(`${file}.new`, file);
}
