import { LRUCache } from 'lru-cache';

const BURST = 60;
const PER_SECOND = 1;
const MAXIMUM_CLIENTS = 1000;

/**
 * Whether a client's refusal is still recorded: sixty at once, then one a second, for each client of this process. A
 * client that is refused without end fills no table. `at` is in epoch seconds.
 */
export function createRefusalLimit(): (clientId: string, at: number) => boolean {
  const buckets = new LRUCache<string, { tokens: number; at: number }>({ max: MAXIMUM_CLIENTS });
  return (clientId, at) => {
    const bucket = buckets.get(clientId) ?? { tokens: BURST, at };
    const elapsedSeconds = Math.max(0, at - bucket.at);
    const tokens = Math.min(BURST, bucket.tokens + elapsedSeconds * PER_SECOND);
    buckets.set(clientId, { tokens: Math.max(0, tokens - 1), at: Math.max(at, bucket.at) });
    return tokens >= 1;
  };
}
