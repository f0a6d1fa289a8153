import type { AccountApi } from '../api/account-api.ts';
import type { Api1 } from '../api/api1.ts';
import type { Step } from '../api/steps.ts';
import type { ClientConfig } from '../config.ts';

/** One thing that was tried, and its result. */
export interface Observation {
  readonly what: string;
  /** An HTTP status, or why there is none. */
  readonly status: number | 'blocked by the browser' | 'no answer';
  /** The code of a refusal, as it came: `invalid_grant`. */
  readonly error?: string | undefined;
  /** `WWW-Authenticate`, as it came. */
  readonly challenge?: string | undefined;
  readonly detail?: string | undefined;
  /** The service's own words. */
  readonly original?: string | undefined;
}

export interface ExperimentResult {
  /** Whether it went as predicted. */
  readonly asPredicted: boolean;
  readonly observations: readonly Observation[];
  /** The steps that the services reported; absent when no service took part. */
  readonly steps?: readonly Step[];
  /** A command line that shows the rest. `$TOKEN` stands for a token; none is ever printed. */
  readonly command?: string;
}

export interface ExperimentPorts {
  readonly api1: Api1;
  readonly account: AccountApi;
  readonly config: ClientConfig;
}

export interface Experiment {
  readonly name: string;
  readonly title: string;
  readonly idea: string;
  readonly prediction: string;
  readonly explanation: string;
  /** Where it is specified. */
  readonly source: string;
  /** Something to know before it is tried. */
  readonly warning?: string;
  /** It ends the person's session: a new sign-in is offered with the result. */
  readonly endsSession?: boolean;
  /** Runs against the real services, with the caller's own tokens. Throws what the API client throws. */
  readonly run: (ports: ExperimentPorts) => Promise<ExperimentResult>;
}
