import { DelegationError } from './delegation-error.ts';
import type { DelegatedToken, TokenOriginKind } from './token-cache.ts';

/** How one wish for a token went: it has either `token` or `error`. */
export interface ExchangeReport {
  readonly grantType: string;
  readonly origin: TokenOriginKind;
  /** `performance.now()` when it began. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly token?: DelegatedToken;
  readonly error?: DelegationError;
}

/** Is told of every wish for a token, granted or not, before the caller gets the token. It must not throw, nor log the token. */
export type ExchangeObserver = (report: ExchangeReport) => void;

/** Waits for a token and tells the observer how that went. Errors pass through. */
export async function reportExchange(
  promise: Promise<DelegatedToken>,
  begun: Pick<ExchangeReport, 'grantType' | 'origin' | 'startedAtMs'>,
  observer: ExchangeObserver,
): Promise<DelegatedToken> {
  const durationMs = () => performance.now() - begun.startedAtMs;
  let token: DelegatedToken;
  try {
    token = await promise;
  } catch (error) {
    if (error instanceof DelegationError) observer({ ...begun, durationMs: durationMs(), error });
    throw error;
  }
  observer({ ...begun, durationMs: durationMs(), token });
  return token;
}
