import { type Fetch, readBounded } from '@behalf/auth';
import PQueue from 'p-queue';
import { z } from 'zod';
import { lifetimes } from '../lifetimes.ts';

export interface Subscription {
  readonly plan: string;
  readonly status: 'active' | 'lapsed';
  /** ISO 8601. */
  readonly renewsAt: string;
}

export type SubscriptionAnswer =
  | { readonly kind: 'found'; readonly subscription: Subscription }
  | { readonly kind: 'none' }
  /** Down, slow, overloaded, or not making sense: nothing is known about the user. */
  | { readonly kind: 'unavailable'; readonly detail: string };

export interface SubscriptionsClientOptions {
  /** `SUBSCRIPTIONS_URL`: where it is reached. */
  readonly url: string;
  readonly fetch?: Fetch;
  /** For the whole question, waiting for a turn included. Default: as lifetimes.ts says. */
  readonly timeoutMs?: number;
  /** Questions in flight. Default 32. */
  readonly maximumConcurrent?: number;
  /** Questions that wait for their turn. Default 256. */
  readonly maximumWaiting?: number;
}

const MAXIMUM_ANSWER_BYTES = 16 * 1024;

const ANSWER = z.object({
  sub: z.string(),
  plan: z.string().min(1).max(64),
  status: z.enum(['active', 'lapsed']),
  renewsAt: z
    .string()
    .max(64)
    .refine((value) => !Number.isNaN(Date.parse(value))),
});

/** The subscription service as the STS sees it: one question, with a time limit and a bound on how many are asked at once. */
export function createSubscriptionsClient(options: SubscriptionsClientOptions) {
  const {
    fetch: send = fetch,
    timeoutMs = lifetimes.subscriptionsTimeoutMs,
    maximumConcurrent = 32,
    maximumWaiting = 256,
  } = options;
  const queue = new PQueue({ concurrency: maximumConcurrent });

  async function ask(subject: string, accessToken: string, signal: AbortSignal): Promise<SubscriptionAnswer> {
    try {
      const response = await send(`${options.url}/users/${encodeURIComponent(subject)}`, {
        headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json' },
        redirect: 'error',
        signal,
      });
      if (response.status === 200) return read(await readBounded(response, MAXIMUM_ANSWER_BYTES), subject);
      await response.body?.cancel();
      return response.status === 404 ? { kind: 'none' } : unavailable(`status ${response.status}`);
    } catch (error) {
      return unavailable(error instanceof Error ? error.name : 'unknown');
    }
  }

  return {
    /**
     * Asks about one user, with a token from `issueToken`. The service's failures are answers; a token that cannot be
     * issued is our own failure and is thrown.
     */
    async of(subject: string, issueToken: () => Promise<string>): Promise<SubscriptionAnswer> {
      if (queue.size >= maximumWaiting) return unavailable('too many questions at once');
      const signal = AbortSignal.timeout(timeoutMs);
      let hasStarted = false;
      const question = async () => {
        hasStarted = true;
        return ask(subject, await issueToken(), signal);
      };
      try {
        return await queue.add(question, { signal });
      } catch (error) {
        if (!signal.aborted) throw error;
        return unavailable(hasStarted ? 'TimeoutError' : 'too many questions at once');
      }
    },
  };
}

export type SubscriptionsClient = ReturnType<typeof createSubscriptionsClient>;

function read(text: string, subject: string): SubscriptionAnswer {
  const parsed = ANSWER.safeParse(parseJson(text));
  if (!parsed.success) return unavailable('the answer makes no sense');
  const { sub, ...subscription } = parsed.data;
  return sub === subject ? { kind: 'found', subscription } : unavailable('the answer is about another user');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unavailable(detail: string): SubscriptionAnswer {
  return { kind: 'unavailable', detail };
}
