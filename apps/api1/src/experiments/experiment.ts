import { DelegationError, type DelegationClient } from '@behalf/auth';
import type { Upstream, UpstreamAnswer } from '@behalf/service';

/** What an experiment may use: the caller's own token, and the ways to the STS and to API2. There is no other input. */
export interface ExperimentContext {
  /** The user's token, as it came. */
  readonly token: string;
  /** The login session behind it; undefined for a token without a user. */
  readonly sessionId: string | undefined;
  readonly delegation: DelegationClient;
  /** API2. */
  readonly upstream: Upstream;
}

/**
 * Something that one must not do, done on purpose with real tokens at the real services, to show what comes of it.
 * Throws only when a service does not answer, or when what has to go well before does not.
 */
export interface Experiment {
  readonly name: string;
  run(context: ExperimentContext): Promise<Readonly<Record<string, unknown>>>;
}

export interface Refusal {
  readonly status: number | null;
  readonly error: string | null;
  readonly reason: string | null;
  readonly description: string | null;
}

/** How the STS refused; null when it did not. Throws when it gave no answer. */
export async function refusalOf(wish: Promise<unknown>): Promise<Refusal | null> {
  try {
    await wish;
    return null;
  } catch (error) {
    if (!(error instanceof DelegationError) || error.kind === 'unavailable') throw error;
    const { status = null, error: code = null, reason = null, description = null } = error;
    return { status, error: code, reason, description };
  }
}

/** What came of a call: a problem when it was refused, never what it would have given. */
export function callOutcome({ status, headers, json }: UpstreamAnswer) {
  return {
    status,
    challenge: headers.get('www-authenticate'),
    problem: status < 400 ? null : (json ?? null),
  };
}
