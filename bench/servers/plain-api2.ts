/** The back half of the chain without any security: reads one user's accounts from SQLite and answers with them. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import express from 'express';

const USER = 'usr_7Q2mZk4TtR9xPa1c';

const database = new DatabaseSync(join(process.env['DATA_DIR'] ?? '.', 'plain-api2.db'));
database.exec(
  'PRAGMA journal_mode = WAL; CREATE TABLE accounts (id TEXT PRIMARY KEY, owner TEXT, name TEXT, currency TEXT, balance INTEGER)',
);
const insert = database.prepare('INSERT INTO accounts VALUES (?, ?, ?, ?, ?)');
insert.run('acc_a1_everyday', USER, 'Everyday account', 'EUR', 412_685);
insert.run('acc_a2_savings', USER, 'Savings', 'EUR', 1_850_000);
insert.run('acc_a3_travel', USER, 'Travel money', 'JPY', 184_200);
insert.run('acc_b1_everyday', 'usr_B8nWf3LsYv6dKe0j', 'Everyday account', 'EUR', 96_340);
const select = database.prepare('SELECT * FROM accounts WHERE owner = ? ORDER BY id');

const app = express().disable('x-powered-by').disable('etag');
app.get('/accounts', (_request, response) => {
  const accounts = select.all(USER).map(({ id, name, currency, balance }) => ({
    id,
    name,
    currency,
    balance: currency === 'JPY' ? String(balance) : (Number(balance) / 100).toFixed(2),
  }));
  response.json({ accounts });
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
