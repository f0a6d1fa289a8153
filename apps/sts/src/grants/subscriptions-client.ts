/** The subscription service as the STS sees it: one question, with a time limit and a bound on how many are asked at once. */

import { z } from 'zod';

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

export interface SubscriptionSource {
  /** Asks about one user, with a token from `issueToken`. Never throws for what goes wrong at the service. */
  of(subject: string, issueToken: () => Promise<string>): Promise<SubscriptionAnswer>;
}

export interface SubscriptionServiceOptions {
  /** `SUBSCRIPTIONS_URL`: where it is reached. */
  readonly url: string;
  readonly fetch?: typeof fetch;
  /** For the whole question, waiting for a turn included. Default 2000. */
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

export function createSubscriptionService(options: SubscriptionServiceOptions): SubscriptionSource {
  const { fetch: send = fetch, timeoutMs = 2000, maximumConcurrent = 32, maximumWaiting = 256 } = options;
  const limit = createConcurrencyLimit({ maximum: maximumConcurrent, maximumWaiting });

  async function ask(subject: string, accessToken: string, signal: AbortSignal): Promise<SubscriptionAnswer> {
    const response = await send(`${options.url}/users/${encodeURIComponent(subject)}`, {
      headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json' },
      redirect: 'error',
      signal,
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      return response.status === 404 ? { kind: 'none' } : unavailable(`status ${response.status}`);
    }
    return read(await readBounded(response), subject);
  }

  return {
    async of(subject, issueToken) {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await limit(signal, async () => {
        // A token that cannot be issued is our own failure, not the service's: it is thrown.
        const accessToken = await issueToken();
        try {
          return await ask(subject, accessToken, signal);
        } catch (error) {
          return unavailable(error instanceof Error ? error.name : 'unknown');
        }
      });
      return answer ?? unavailable('too many questions at once');
    },
  };
}

function read(text: string | undefined, subject: string): SubscriptionAnswer {
  if (text === undefined) return unavailable('the answer is too large');
  const parsed = ANSWER.safeParse(parseJson(text));
  if (!parsed.success) return unavailable('the answer makes no sense');
  const { sub, ...subscription } = parsed.data;
  return sub === subject ? { kind: 'found', subscription } : unavailable('the answer is about somebody else');
}

async function readBounded(response: Response): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  // Leaving the loop early cancels the body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAXIMUM_ANSWER_BYTES) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
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

/**
 * Lets at most `maximum` tasks run at once and at most `maximumWaiting` wait, first come first served. A task whose
 * `signal` aborts before its turn never runs; whoever finds the queue full is turned away at once.
 */
export function createConcurrencyLimit(options: { maximum: number; maximumWaiting: number }) {
  const waiting = new Set<() => void>();
  let running = 0;

  async function turn(signal: AbortSignal): Promise<boolean> {
    if (running < options.maximum) {
      running += 1;
      return true;
    }
    if (waiting.size >= options.maximumWaiting || signal.aborted) return false;
    return new Promise<boolean>((resolve) => {
      const start = () => {
        signal.removeEventListener('abort', giveUp);
        resolve(true);
      };
      const giveUp = () => {
        waiting.delete(start);
        resolve(false);
      };
      waiting.add(start);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Hands the place of a finished task to the next in line. */
  function done(): void {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  }

  /** The task's result, or undefined when its turn did not come. */
  return async function run<Result>(
    signal: AbortSignal,
    task: () => Promise<Result>,
  ): Promise<Result | undefined> {
    if (!(await turn(signal))) return undefined;
    try {
      return await task();
    } finally {
      done();
    }
  };
}
