import * as z from 'zod/mini';
import type { AccountApi } from '../api/account-api.ts';
import { type ApiError, problemSchema } from '../api/api-client.ts';
import type { Api1 } from '../api/api1.ts';
import { stepsOfProblem, stepsSchema, type Step } from '../api/steps.ts';
import type { ClientConfig } from '../config.ts';
import { problemText } from '../text/fault-text.ts';

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
  /** Whether the services did as the rule says. */
  readonly followsRule: boolean;
  readonly observations: readonly Observation[];
  /** The steps that the services reported; absent when no service took part. */
  readonly steps?: readonly Step[];
  /** A command line that shows the rest. `$TOKEN` stands for a token; none is ever printed. */
  readonly command?: string;
}

/** A question to the visitor before something is tried. */
export interface Guess {
  readonly question: string;
  readonly options: readonly string[];
  /** Index of the option that happens. */
  readonly right: number;
}

/** A part of an attack's picture. */
export interface Hop {
  readonly from: string;
  readonly what: string;
  readonly to: string;
  /** False: here it is refused. */
  readonly passes: boolean;
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
  /** What the visitor predicts. */
  readonly guess: Guess;
  /** Who sends what to whom. */
  readonly picture: readonly Hop[];
  readonly explanation: string;
  /** Where it is specified. */
  readonly source: string;
  /** The excerpt with the rule. */
  readonly code: string;
  /** Something to know before it is tried. */
  readonly warning?: string;
  /** It ends the person's session: a new sign-in is offered with the result. */
  readonly endsSession?: boolean;
  /** Runs against the real services, with the caller's own tokens. Throws what the API client throws. */
  readonly run: (ports: ExperimentPorts) => Promise<ExperimentResult>;
}

/** A refusal as the token service gave it (docs/decisions/003); null when it was granted. */
const refusalSchema = z.nullable(
  z.object({
    status: z.nullable(z.number()),
    error: z.nullable(z.string()),
    reason: z.nullable(z.string()),
    description: z.nullable(z.string()),
  }),
);

/** The result of a call, as API1 reports it. */
export const callSchema = z.object({
  status: z.number(),
  challenge: z.nullable(z.string()),
  problem: z.unknown(),
});

/** The result of an exchange that ought to be refused. */
export const refusedSchema = z.object({ refused: refusalSchema });

type Refused = z.infer<typeof refusedSchema>;

export function observeRefused(what: string, { refused }: Refused): Observation {
  if (refused === null)
    return { what, status: 200, detail: 'A token was issued, which should never happen.' };
  const { status, error, description } = refused;
  return {
    what,
    status: status ?? 'no answer',
    error: error ?? undefined,
    detail: BY_ERROR[error ?? ''],
    original: description ?? undefined,
  };
}

/** By error code (RFC 6749 §5.2, RFC 8693 §2.2.2). */
const BY_ERROR: Readonly<Record<string, string>> = {
  invalid_scope: 'A scope lies outside what the policy allows.',
  invalid_grant: 'This service may not exchange the token that it presented.',
  invalid_request: 'A token of the request is not one that may be used in this way.',
  invalid_dpop_proof: 'Your token is bound to a key, so the new one must be as well.',
  invalid_target: 'No rule of the policy leads to that service, or you have taken the right back.',
};

export function observeCall(
  what: string,
  { status, challenge, problem }: z.infer<typeof callSchema>,
): Observation {
  const { data = {} } = problemSchema.safeParse(problem);
  const refusal = status === 401 ? 'The token was not accepted.' : problemText(status, data);
  return {
    what,
    status,
    challenge: challenge ?? undefined,
    detail: status < 400 ? undefined : refusal,
    original: data.detail ?? data.title,
  };
}

/** The outcome of a call that the service behind API1 refused. */
export function refusedCall(what: string, error: ApiError, followsRule: boolean): ExperimentResult {
  const { status, problem, challenge } = error;
  return {
    followsRule,
    observations: [
      {
        what,
        status,
        challenge,
        detail: problemText(status, problem),
        original: problem.detail ?? problem.title,
      },
    ],
    steps: stepsOfProblem(problem),
  };
}

const observationSchema = z.object({
  what: z.string(),
  status: z.union([z.number(), z.enum(['blocked by the browser', 'no answer'])]),
  error: z.optional(z.string()),
  challenge: z.optional(z.string()),
  detail: z.optional(z.string()),
  original: z.optional(z.string()),
});

const resultSchema = z.object({
  followsRule: z.boolean(),
  observations: z.array(observationSchema),
  steps: z.optional(stepsSchema),
  command: z.optional(z.string()),
});

const resultsSchema = z.record(z.string(), resultSchema);

/** The results on the page by the experiment's name. */
export type Results = Readonly<Record<string, ExperimentResult>>;

/** Results as they were kept over a sign-in that leaves the page; none when they are in another form. No token is in them. */
export function readResults(kept: unknown): Results {
  const parsed = resultsSchema.safeParse(kept);
  return parsed.success ? (parsed.data as Results) : {};
}
