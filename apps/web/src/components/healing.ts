import { createContext, use, useEffect, useState } from 'react';
import { ApiError } from '../api/api-client.ts';
import { SessionEnded } from '../auth/session.ts';
import { mayPass } from '../text/fault-text.ts';

/** How long a page waits. Tests wait less. */
export interface Waiting {
  /** Before each new attempt; the last one again and again. */
  readonly pausesSeconds: readonly number[];
  /** Until it says that an answer takes long. */
  readonly slowAfterMs: number;
}

export const WaitingContext = createContext<Waiting>({
  pausesSeconds: [2, 4, 8, 16, 30, 60],
  slowAfterMs: 3_000,
});

/** As much of a query as this needs. */
export interface HealingQuery {
  readonly error: Error | null;
  readonly isSuccess: boolean;
  readonly isFetching: boolean;
  refetch(): unknown;
}

export interface Healing {
  /** The last failure, also while a new attempt is under way, so that the page does not jump. */
  readonly error: Error | undefined;
  readonly isRetrying: boolean;
  readonly retry: () => void;
}

/** Loads again by itself what failed and may pass, with growing pauses, and at once when the device is online again. */
export function useHealing(query: HealingQuery): Healing {
  const [failed, setFailed] = useState<{ error?: Error; times: number }>({ times: 0 });
  if (query.error && query.error !== failed.error) {
    setFailed({ error: query.error, times: failed.times + 1 });
  } else if (query.isSuccess && failed.error) {
    setFailed({ times: 0 });
  }
  const { error, times } = failed;
  const retry = () => void query.refetch();
  const isWorthIt = error !== undefined && !(error instanceof SessionEnded) && mayPass(error);
  useRetries({ isOn: isWorthIt, times, cause: error, retry });
  return { error, isRetrying: query.isFetching, retry };
}

export interface Retries {
  readonly isOn: boolean;
  /** How often it has failed so far. */
  readonly times: number;
  /** The last failure. Another one starts the next pause. */
  readonly cause: unknown;
  readonly retry: () => void;
}

/** Calls `retry` once after the pause for this failure. A page that nobody sees waits until it is seen. */
export function useRetries({ isOn, times, cause, retry }: Retries): void {
  const { pausesSeconds } = use(WaitingContext);
  useEffect(() => {
    if (!isOn) return;
    const listening = new AbortController();
    const { signal } = listening;
    const go = () => {
      listening.abort();
      retry();
    };
    const timer = setTimeout(
      () => {
        if (!document.hidden) return go();
        document.addEventListener('visibilitychange', go, { signal });
      },
      pauseSeconds(times, cause, pausesSeconds) * 1000,
    );
    window.addEventListener('online', go, { signal });
    return () => {
      clearTimeout(timer);
      listening.abort();
    };
    // Each failure begins one pause; `retry` is another function with each rendering.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [isOn, cause, times, pausesSeconds]);
}

/** The pause after the failure number `times`, or longer when the service asks for that. */
export function pauseSeconds(times: number, cause: unknown, pausesSeconds: readonly number[]): number {
  const pause = pausesSeconds[Math.min(Math.max(times, 1), pausesSeconds.length) - 1] ?? 60;
  const asked = cause instanceof ApiError ? cause.retryAfterSeconds : undefined;
  return Math.max(pause, Math.min(asked ?? 0, 60));
}

/** Whether something has been under way for so long that the person should hear of it. */
export function useIsSlow(isBusy: boolean): boolean {
  const { slowAfterMs } = use(WaitingContext);
  const [isSlow, setSlow] = useState(false);
  if (!isBusy && isSlow) setSlow(false);
  useEffect(() => {
    if (!isBusy) return;
    const timer = setTimeout(() => setSlow(true), slowAfterMs);
    return () => clearTimeout(timer);
  }, [isBusy, slowAfterMs]);
  return isSlow && isBusy;
}
