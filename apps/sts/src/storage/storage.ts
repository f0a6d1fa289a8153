import type { Database } from '@behalf/database';
import type { Adapter } from 'oidc-provider';
import { createLogoutOutbox, type LogoutOutbox } from '../ledger/outbox.ts';
import { createLedgerQueries, type OperatorQueries } from '../ledger/queries.ts';
import { createRevocation, type RevocationParts } from '../ledger/revocation.ts';
import type { Retention } from '../ledger/rows.ts';
import { createTokenLedger } from '../ledger/token-ledger.ts';
import type { TokenLedger } from '../ledger/types.ts';
import { createClientAdapter } from './client-adapter.ts';
import { createClientStore } from './client-store.ts';
import { ProviderAdapter } from './provider-adapter.ts';
import { saveBrowser } from './logins.ts';
import { releaseRecord } from './release.ts';
import type { StsSchema } from './schema.ts';
import { sweep } from './sweep.ts';
import type { ClientStore, UserStore } from './types.ts';
import { createClaimOnce, type ClaimOnce } from './used-once.ts';
import { createUserStore } from './user-store.ts';

export interface StorageOptions {
  readonly database: Database<StsSchema>;
  /** Epoch seconds. */
  readonly now: () => number;
  /** The clients that act for an API (resource identifier). */
  readonly clientsOfAudience: (audience: string) => readonly string[];
  readonly retention?: Retention;
  readonly onRefusalLost?: (error: unknown) => void;
}

/** Everything of the STS that outlives a process, over one database. */
export interface Storage {
  /** For the engine's `adapter` setting. */
  readonly adapter: (model: string) => Adapter;
  /** Makes a record that was consumed good for another use. */
  readonly release: (model: string, id: string) => Promise<void>;
  /** See `saveBrowser`. */
  readonly noteBrowser: (session: string, browser: string) => Promise<void>;
  readonly users: UserStore;
  readonly clients: ClientStore;
  readonly ledger: TokenLedger;
  readonly revocation: RevocationParts;
  readonly queries: OperatorQueries;
  readonly outbox: LogoutOutbox;
  /** For `provider.ReplayDetection.unique`: DPoP proofs and client assertions. */
  readonly claimProof: ClaimOnce;
  /** Single use of a trusted issuer's token. */
  readonly claimExternalToken: ClaimOnce;
  /** Removes what has expired; call it every few minutes. */
  sweep(): Promise<number>;
}

export function createStorage(options: StorageOptions): Storage {
  const { database, now } = options;
  const { db } = database;
  const { clientsOfAudience } = options;
  const revocation = createRevocation({ db, now, clientsOfAudience });
  const clients = createClientStore(db);
  const clientAdapter = createClientAdapter(clients);
  return {
    adapter: (model) =>
      model === 'Client'
        ? clientAdapter
        : new ProviderAdapter({ db, model, now, endGrant: revocation.endGrant }),
    release: (model, id) => releaseRecord(db, model, id),
    noteBrowser: (session, browser) => saveBrowser(db, session, browser),
    users: createUserStore({ db, endSessionsOf: (...of) => revocation.endAllSessionsWithin(...of) }),
    clients,
    ledger: createTokenLedger({
      db,
      ...(options.retention === undefined ? {} : { retention: options.retention }),
      ...(options.onRefusalLost === undefined ? {} : { onRefusalLost: options.onRefusalLost }),
    }),
    revocation,
    queries: createLedgerQueries(db, now),
    outbox: createLogoutOutbox({ db, now, clientsOfAudience }),
    claimProof: createClaimOnce(db, 'proof'),
    claimExternalToken: createClaimOnce(db, 'external token'),
    sweep: () => sweep(db, now()),
  };
}
