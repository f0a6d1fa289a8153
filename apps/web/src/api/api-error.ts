import * as z from 'zod/mini';

/** RFC 9457 problem details, and the `reason` that our services add. */
export const problemSchema = z.looseObject({
  type: z.optional(z.string()),
  title: z.optional(z.string()),
  detail: z.optional(z.string()),
  reason: z.optional(z.string()),
});

export type Problem = z.infer<typeof problemSchema>;

/** A service has answered, and the answer is no. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly problem: Problem;
  /** `WWW-Authenticate`, when the browser may read it. */
  readonly challenge: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(response: Response, problem: Problem) {
    super(problem.detail ?? problem.title ?? `HTTP ${response.status}`);
    this.status = response.status;
    this.problem = problem;
    this.challenge = response.headers.get('WWW-Authenticate') ?? undefined;
    const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
    this.retryAfterSeconds = Number.isFinite(seconds) ? seconds : undefined;
  }
}

/** No answer came: no network, a time-out, or a browser that does not let this page read it. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** A service has answered something that it never should. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
}

/** Reads a problem; an answer that holds none yields an empty one. */
export async function readProblem(response: Response): Promise<Problem> {
  try {
    const parsed = problemSchema.safeParse(await response.json());
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}
