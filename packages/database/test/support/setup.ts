/** Vitest's `globalSetup`: one PostgreSQL server for all test files of a run, named to them by TEST_DATABASE_URL. */

import { startTestServer } from './server.ts';

export default async function setup(): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL'] ?? process.env['DATABASE_URL'];
  if (given !== undefined && given !== '') {
    process.env['TEST_DATABASE_URL'] = given;
    return () => Promise.resolve();
  }
  const server = await startTestServer();
  process.env['TEST_DATABASE_URL'] = server.url;
  return () => server.stop();
}
