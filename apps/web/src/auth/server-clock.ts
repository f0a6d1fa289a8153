export interface ServerClockPorts {
  /** This device's clock, in epoch seconds. It may be wrong. */
  readonly deviceNow: () => number;
  /** The server's clock, in epoch seconds. Undefined: it could not be had. */
  readonly askServer: () => Promise<number | undefined>;
}

/** A smaller difference comes from rounding and from the time on the way. */
const SMALLEST_OFFSET_SECONDS = 5;

/**
 * Epoch seconds by the server's clock, because tokens are made and checked by that one and a device's clock may be
 * wrong by days. The difference is measured again with each token answer, so a clock that is set while the page is open
 * is found out with the next one.
 */
export class ServerClock {
  #offsetSeconds = 0;
  readonly #ports: ServerClockPorts;
  readonly #listeners = new Set<() => void>();

  constructor(ports: ServerClockPorts) {
    this.#ports = ports;
  }

  readonly now = (): number => this.#ports.deviceNow() + this.#offsetSeconds;

  /** Seconds that the server's clock is ahead of this device's; negative when this device's is fast. */
  readonly offsetSeconds = (): number => this.#offsetSeconds;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Measures the difference. Keeps the last one when the server's time cannot be had. Never throws. */
  async adjust(): Promise<void> {
    const serverNow = await this.#ports.askServer().catch(() => undefined);
    if (serverNow === undefined) return;
    const offset = serverNow - this.#ports.deviceNow();
    const offsetSeconds = Math.abs(offset) < SMALLEST_OFFSET_SECONDS ? 0 : offset;
    if (offsetSeconds === this.#offsetSeconds) return;
    this.#offsetSeconds = offsetSeconds;
    for (const listener of this.#listeners) listener();
  }
}

const TIMEOUT_MS = 3_000;

/** Reads the `Date` of this page's own host (RFC 9110 §6.6.1); that of another origin is not readable. */
export async function askOwnHost(): Promise<number | undefined> {
  const response = await fetch('/', {
    method: 'HEAD',
    cache: 'no-store',
    credentials: 'omit',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const time = Date.parse(response.headers.get('Date') ?? '');
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}
