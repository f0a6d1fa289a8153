import { setTimeout } from 'node:timers/promises';
import type { Logger } from '@behalf/service';
import type { Client, Provider } from 'oidc-provider';
import type { LogoutOutbox, PendingLogout } from '../state/logout-outbox.ts';

export interface LogoutWorkerOptions {
  readonly outbox: LogoutOutbox;
  /** oidc-provider as it is now: it signs the logout tokens. */
  readonly provider: () => Provider;
  readonly logger: Logger;
  /** Default 500. */
  readonly intervalMs?: number;
}

/** oidc-provider's clients have this method; its types lack it. */
interface LogoutClient extends Client {
  backchannelLogout(sub: string, sid: string): Promise<void>;
}

/**
 * Sends back-channel logouts (OpenID Connect Back-Channel Logout 1.0) to the clients of ended sessions. The rows were written
 * in the transaction that ended the session; each is sent again until a client takes it or it expires. Returns a function that
 * stops, and resolves when nothing is being sent any more.
 */
export function startLogoutWorker(options: LogoutWorkerOptions): () => Promise<void> {
  const { outbox, logger, intervalMs = 500 } = options;
  const stopping = new AbortController();

  const send = async ({ clientId, subject, session }: PendingLogout): Promise<void> => {
    const client = (await options.provider().Client.find(clientId)) as LogoutClient | undefined;
    if (client?.backchannelLogoutUri === undefined) return;
    try {
      await client.backchannelLogout(subject, session);
    } catch (error) {
      logger.warn(
        { client_id: clientId, err: error },
        'a back-channel logout was not taken, it is tried again',
      );
      throw error;
    }
  };

  const run = async (): Promise<void> => {
    try {
      // As long as there is something due, the next look is at once.
      for (let tried = 1; tried > 0 && !stopping.signal.aborted;) tried = await outbox.deliver(send);
    } catch (error) {
      logger.warn({ err: error }, 'the logout outbox cannot be read');
    }
  };
  const workers = Array.from({ length: WORKERS }, async () => {
    while (!stopping.signal.aborted) {
      await setTimeout(intervalMs, undefined, { ref: false, signal: stopping.signal }).catch(() => undefined);
      if (!stopping.signal.aborted) await run();
    }
  });

  return async () => {
    stopping.abort();
    await Promise.all(workers);
  };
}

/** While one waits for a receiver that hangs, the others go on with the rest. */
const WORKERS = 4;
