// Makes the secrets of a deployment, once. Each part has a folder (a volume) of its own, with a file for each …_FILE variable:
// none can read what only another needs. What is there stays.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const folder = process.argv[2] ?? '/secrets';

/** Who reads: `node` in our images, `postgres` in PostgreSQL's. */
const NODE = 1000;
const READERS = { sts: NODE, api1: NODE, api2: NODE, subscriptions: NODE, agent: NODE, postgres: 999 };

const secret = () => randomBytes(32).toString('base64url');

make(secret, ['postgres/password']);
for (const part of ['sts', 'api2', 'subscriptions']) {
  const password = make(secret, [`postgres/${part}-password`]);
  make(() => `postgres://${part}:${password}@postgres:5432/behalf`, [`${part}/database-url`]);
}
for (const part of ['api1', 'api2', 'agent'])
  make(secret, [`sts/${part}-client-secret`, `${part}/client-secret`]);
// Nobody here asks the STS as these two.
for (const client of ['subscriptions', 'machine']) make(secret, [`sts/${client}-client-secret`]);
make(() => {
  const id = new Date().toISOString().slice(0, 10);
  return `${id}:${randomBytes(32).toString('base64')}`;
}, ['sts/key-encryption-key']);

/** One value in several files. One that any of them holds already is what the others get. Returns it. */
function make(create, names) {
  const held = names.map((name) => join(folder, name)).find(existsSync);
  const value = held === undefined ? create() : readFileSync(held, 'utf8');
  for (const name of names) write(name, value);
  return value;
}

/** Written whole, then named: a stopped start leaves no half of a secret. */
function write(name, value) {
  const file = join(folder, name);
  if (existsSync(file)) return;
  const reader = READERS[name.split('/')[0]];
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, value, { mode: 0o400 });
  chmodSync(`${file}.new`, 0o400);
  if (process.getuid() === 0) chownSync(`${file}.new`, reader, reader);
  renameSync(`${file}.new`, file);
}
