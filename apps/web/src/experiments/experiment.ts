import type { Api1 } from '../api/api1.ts';
import type { ClientConfig } from '../config.ts';

/** One thing that was tried, and what came of it. */
export interface Observation {
  readonly what: string;
  /** An HTTP status, or what the browser did instead of asking. */
  readonly status: number | 'blocked by the browser';
  /** `WWW-Authenticate`, as it came. */
  readonly challenge?: string | undefined;
  readonly detail?: string | undefined;
}

export interface ExperimentResult {
  /** Whether it went as predicted. */
  readonly asPredicted: boolean;
  readonly observations: readonly Observation[];
  /** A command line that shows the rest. `$TOKEN` stands for a token; none is ever printed. */
  readonly command?: string;
}

export interface Experiment {
  readonly name: string;
  readonly title: string;
  readonly idea: string;
  readonly prediction: string;
  readonly explanation: string;
  /** Where it is specified. */
  readonly source: string;
  /** Runs against the real services, with the caller's own tokens. Throws what the API client throws. */
  readonly run: (ports: { readonly api1: Api1; readonly config: ClientConfig }) => Promise<ExperimentResult>;
}
