import { problem, type Problem } from './problem.ts';
import { fetchWithRequestId } from './request-logging.ts';
import { withTimeLimit } from './time-limit.ts';

export interface UpstreamOptions {
  /** What the service is called in problems: `API2`. */
  readonly name: string;
  /** Where it is reached, without a trailing slash. */
  readonly url: string;
  /** For the whole answer. Default 5000. */
  readonly timeoutMs?: number;
  /** Default: `fetchWithRequestId`. */
  readonly fetch?: typeof fetch;
}

export interface UpstreamRequest {
  /** Default GET. */
  readonly method?: string;
  /** Starts with `/`. Whatever comes from outside is encoded by the caller. */
  readonly path: string;
  /** The path's template, for reports: `/users/{sub}`. Default: the path. */
  readonly route?: string;
  readonly accessToken: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON of the answer; undefined when there was none. */
  readonly json: unknown;
}

export interface Upstream {
  readonly name: string;
  /**
   * One call with a bearer token, whatever status it is answered with. Redirects are not followed: a token goes to one
   * address. Throws a Problem: 503 with `Retry-After` when the service cannot be reached or does not answer in time,
   * 502 when its answer is too large or calls itself JSON and is not.
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
}

const MAXIMUM_ANSWER_BYTES = 1024 * 1024;

const RETRY_AFTER_SECONDS = 5;

/** A service that this one calls. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { name, url, timeoutMs = 5_000, fetch: send = fetchWithRequestId } = options;
  return {
    name,
    async send({ method = 'GET', path, accessToken, headers = {}, body }) {
      const request = {
        method,
        headers: {
          Accept: 'application/json, application/problem+json',
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
          Authorization: `Bearer ${accessToken}`,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'manual',
      } as const;
      const { response, text } = await withTimeLimit(timeoutMs, async (signal) => {
        const answer = await send(url + path, { ...request, signal });
        return { response: answer, text: await readBounded(answer) };
      }).catch((cause: unknown) => {
        throw unreachable(name, cause);
      });
      if (text === undefined) throw badAnswer(name);
      return { status: response.status, headers: response.headers, json: parseJson(response, text, name) };
    },
  };
}

/**
 * What came from outside, as one segment of a path. Throws a Problem (404) for `.` and `..`, which no encoding keeps from
 * being taken for a step up (URL standard §4.5).
 */
export function pathSegment(value: string): string {
  if (value !== '.' && value !== '..' && value !== '') return encodeURIComponent(value);
  throw problem({ status: 404, type: 'not-found', detail: 'There is nothing at this address.' });
}

/**
 * The problem for an answer that leaves nothing to pass on: 503 when the service says that it is only unavailable for
 * now (503 with `Retry-After`), else 502.
 */
export function upstreamFailure(name: string, answer: UpstreamAnswer): Problem {
  const retryAfter = answer.headers.get('retry-after') ?? '';
  if (answer.status !== 503 || !/^\d{1,4}$/.test(retryAfter)) return badAnswer(name, answer.status);
  return problem({
    status: 503,
    type: 'upstream-unavailable',
    detail: `${name} cannot answer now. Try again.`,
    headers: { 'Retry-After': retryAfter },
  });
}

function unreachable(name: string, cause: unknown): Problem {
  return problem({
    status: 503,
    type: 'upstream-unavailable',
    detail: `${name} does not answer. Try again.`,
    headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
    cause,
  });
}

function badAnswer(name: string, status?: number): Problem {
  return problem({
    status: 502,
    type: 'upstream-failed',
    detail: `${name} gave no usable answer.`,
    ...(status === undefined ? {} : { cause: new Error(`${name} answered ${status}`) }),
  });
}

/** The text; undefined when it is larger than any answer that is expected. */
async function readBounded(response: Response): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  // Leaving the loop early cancels the body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAXIMUM_ANSWER_BYTES) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(response: Response, text: string, name: string): unknown {
  if (!/^application\/(problem\+)?json\b/.test(response.headers.get('content-type') ?? '')) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badAnswer(name, response.status);
  }
}
