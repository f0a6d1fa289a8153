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

/** oidc-provider's clients can do this; its types do not say so. */
interface LogoutClient extends Client {
  backchannelLogout(sub: string, sid: string): Promise<void>;
}

/**
 * Tells clients of ended sessions (OpenID Connect Back-Channel Logout 1.0). What there is to tell was written in the
 * transaction that ended the session; this only delivers it, again and again until it is taken or has expired.
 * Returns what stops it, which resolves when nothing is being sent any more.
 */
export function startLogoutWorker(options: LogoutWorkerOptions): () => Promise<void> {
  const { outbox, logger, intervalMs = 500 } = options;
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();

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
      for (let taken = 1; taken > 0 && !stopping.signal.aborted;) taken = await outbox.deliver(send);
    } catch (error) {
      logger.warn({ err: error }, 'the logout outbox cannot be read');
    }
    if (!stopping.signal.aborted) schedule();
  };
  const schedule = (): void => {
    timer = setTimeout(() => {
      round = run();
    }, intervalMs).unref();
  };
  schedule();

  return async () => {
    stopping.abort();
    clearTimeout(timer);
    await round;
  };
}
