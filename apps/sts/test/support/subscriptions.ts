/** A subscription service for tests: alice's is active, bob's has lapsed, no other user has one. It can be made to fail. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ALICE, BOB } from '../../src/registry/users-and-issuers.ts';

export interface TestSubscriptions {
  readonly url: string;
  /** The access tokens that it was asked with. */
  readonly tokens: string[];
  /** Its answer from now on; null: as usual. */
  status: number | null;
  close(): Promise<void>;
}

const STATUS = new Map([
  [ALICE, 'active'],
  [BOB, 'lapsed'],
]);

export async function startTestSubscriptions(): Promise<TestSubscriptions> {
  const tokens: string[] = [];
  const server = createServer((request, response) => {
    tokens.push(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
    const sub = decodeURIComponent(request.url?.replace('/users/', '') ?? '');
    const status = STATUS.get(sub);
    const code = subscriptions.status ?? (status === undefined ? 404 : 200);
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ sub, plan: 'premium', status, renewsAt: '2030-01-01T00:00:00.000Z' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const subscriptions: TestSubscriptions = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tokens,
    status: null,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return subscriptions;
}
