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

/**
 * The greatest age, in seconds, of the sign-in that an answer asks for in its challenge (RFC 9470 §3); undefined when it asks
 * for none.
 */
export function wantedSignInAge(challenge: string | null | undefined): number | undefined {
  if (!challenge?.includes('error="insufficient_user_authentication"')) return undefined;
  const [, seconds] = /\bmax_age="?(\d{1,9})\b/.exec(challenge) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
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

/** Where tokens come from: see Session.accessToken. */
export interface TokenSource {
  accessToken(resource: string, rejected?: string): Promise<string>;
  /** `Authorization`, and a proof where tokens are bound to a key. `url` begins with the API's identifier. */
  headersFor(accessToken: string, method: string, url: string): Promise<Record<string, string>>;
}

export interface ApiClientOptions {
  readonly baseUrl: string;
  /** The audience that the token must have. */
  readonly resource: string;
  readonly tokens: TokenSource;
  /** Default 15 s. */
  readonly timeoutMs?: number;
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Send a new token although the present one is good: no service has anything in memory for that one. */
  readonly fresh?: boolean;
}

/**
 * Calls one API with tokens for it. A 401 is asked once more with a new token: the API has read the token before anything
 * else, so nothing was done yet. One that wants a recent sign-in is not, because a new token tells the same one. Throws ApiError for an answer that is not 2xx, NoAnswer, and what the token source throws.
 */
export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  /** The answer's body in the shape of `schema`, and its headers. Another shape throws UnexpectedAnswer. */
  async read<Schema extends z.ZodMiniType>(
    schema: Schema,
    path: string,
    request: ApiRequest = {},
  ): Promise<{ data: z.infer<Schema>; headers: Headers }> {
    const response = await this.send(path, request);
    const parsed = schema.safeParse(await response.json().catch(() => undefined));
    if (!parsed.success)
      throw new UnexpectedAnswer(`${path} answered in a form that this page does not know.`);
    return { data: parsed.data, headers: response.headers };
  }

  /** The answer, when it is 2xx. */
  async send(path: string, request: ApiRequest = {}): Promise<Response> {
    const { resource, tokens } = this.#options;
    const held = await tokens.accessToken(resource);
    const first = request.fresh === true ? await tokens.accessToken(resource, held) : held;
    let response = await this.#fetch(path, request, first);
    const wantsSignIn = wantedSignInAge(response.headers.get('WWW-Authenticate')) !== undefined;
    if (response.status === 401 && !wantsSignIn) {
      response = await this.#fetch(path, request, await tokens.accessToken(resource, first));
    }
    if (!response.ok) throw new ApiError(response, await readProblem(response));
    return response;
  }

  async #fetch(path: string, { method = 'GET', headers, body, signal }: ApiRequest, token: string) {
    const { resource, tokens } = this.#options;
    const credentials = await tokens.headersFor(token, method, resource.replace(/\/$/, '') + path);
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? 15_000);
    try {
      return await fetch(`${this.#options.baseUrl}${path}`, {
        method,
        headers: {
          Accept: 'application/json',
          ...credentials,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        credentials: 'omit',
        cache: 'no-store',
      });
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new NoAnswer('No answer came.', { cause });
    }
  }
}
