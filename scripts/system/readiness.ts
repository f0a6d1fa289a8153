import type { Part } from './addresses.ts';

const POLL_INTERVAL_MS = 100;
const PROBE_TIMEOUT_MS = 3_000;

/** True when the part answers 200 on its readiness address. */
export async function isReady({ readyUrl }: Part): Promise<boolean> {
  try {
    const response = await fetch(readyUrl, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Asks until the part is ready; false when `signal` ended the waiting. */
export async function untilReady(part: Part, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (await isReady(part)) return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
  return false;
}
