import type { AccessTokenVerifier } from '@behalf/auth';
import { requireScope } from '@behalf/auth/express';
import { type Database, isUnavailable } from '@behalf/database';
import type { Logger } from '@behalf/service';
import { createApi, identity } from '@behalf/service/api';
import type { Express } from 'express';
import { readUser, requireOwnRecord } from './routes/users.ts';
import type { SubscriptionTables } from './storage.ts';

export interface AppDependencies {
  readonly logger: Logger;
  /** Its audience is this service's resource identifier. */
  readonly verifier: AccessTokenVerifier;
  readonly database: Database<SubscriptionTables>;
  /** Whether it takes tokens that are bound to keys (RFC 9449). */
  readonly dpop: boolean;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** The subscription service, guarded by the STS. */
export function createApp({ logger, verifier, database, dpop, now }: AppDependencies): Express {
  return createApi(
    {
      name: 'Subscriptions',
      logger,
      verifier,
      scopes: ['subscriptions.read'],
      dpop,
      ready: database.ping,
      isOutage: isUnavailable,
    },
    (api, authenticate) => {
      api.get('/identity', authenticate, identity);
      api.get(
        '/users/:sub',
        authenticate,
        requireScope('subscriptions.read'),
        requireOwnRecord(verifier.audience),
        readUser(database.db, now),
      );
    },
  );
}
