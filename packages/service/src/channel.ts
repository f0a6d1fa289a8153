import { createHash } from 'node:crypto';
import { type Logout, type ReplayStore, TokenCheckUnavailableError } from '@behalf/auth';
import type { Logger } from './logging.ts';

export type SharedChannel = Awaited<ReturnType<typeof connect>>;

export interface ChannelOptions {
  /** Replicas of one service share what they have seen, and no other service does. */
  readonly service: string;
  readonly logger: Logger;
}

/** What replicas of a service tell each other, over Redis or Valkey; undefined without an address: each one is alone then. */
export async function openChannel(
  url: string | undefined,
  options: ChannelOptions,
): Promise<SharedChannel | undefined> {
  return url === undefined ? undefined : connect(url, options);
}

/** A command waits no longer for a server that is away. */
const COMMAND_TIMEOUT_MS = 2_000;

const CONNECT_TIMEOUT_MS = 2_000;

/** The library is loaded only where an address is set. A server that is away is tried again, and does not stop a start. */
async function connect(url: string, { service, logger }: ChannelOptions) {
  const { createClient } = await import('@redis/client');
  const client = createClient({
    url,
    disableOfflineQueue: true,
    commandOptions: { timeout: COMMAND_TIMEOUT_MS },
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (tries) => Math.min(100 * 2 ** tries, 2_000),
    },
  });
  const subscriber = client.duplicate({ disableOfflineQueue: false });
  for (const connection of [client, subscriber]) {
    connection.on('error', (error: unknown) =>
      logger.warn({ err: error }, 'the shared channel cannot be reached'),
    );
    void connection.connect().catch((error: unknown) => {
      logger.warn({ err: error }, 'the shared channel cannot be reached');
    });
  }
  const topic = `behalf:${service}:logout`;
  const keyOf = (value: string) =>
    `behalf:${service}:used:${createHash('sha256').update(value).digest('base64url')}`;

  /** A server that is away is an outage: what waits for an answer is refused with 503, and may be tried again. */
  async function ask<Answer>(command: () => Promise<Answer>): Promise<Answer> {
    try {
      return await command();
    } catch (cause) {
      throw new TokenCheckUnavailableError('the shared channel does not answer', { cause });
    }
  }

  const replays = {
    async consume(value: string, expiresAt: number): Promise<boolean> {
      const expiration = { type: 'EXAT', value: Math.ceil(expiresAt) } as const;
      const kept = await ask(() => client.set(keyOf(value), '1', { condition: 'NX', expiration }));
      return kept !== null;
    },
    async release(value: string): Promise<void> {
      await ask(() => client.del(keyOf(value)));
    },
  } satisfies ReplayStore;

  return {
    /** One memory of used values for all replicas. Throws TokenCheckUnavailableError. */
    replays,

    /** Tells the other replicas, and resolves once the server has it. Throws TokenCheckUnavailableError. */
    async publish(logout: Logout): Promise<void> {
      await ask(() => client.publish(topic, JSON.stringify(logout)));
    },

    /** Is told of every logout that a replica publishes, this one's included. Not told: what is published while it is away. */
    subscribe(onLogout: (logout: Logout) => void): void {
      void subscriber
        .subscribe(topic, (message) => onLogout(JSON.parse(message) as Logout))
        .catch((error: unknown) => logger.warn({ err: error }, 'the shared channel cannot be listened to'));
    },

    async close(): Promise<void> {
      for (const connection of [client, subscriber]) if (connection.isOpen) connection.destroy();
      await Promise.resolve();
    },
  };
}
