import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { errors, Pool } from 'undici';
import { problem, type Problem } from './problem.ts';
import { currentRequestId } from './request-logging.ts';

export interface UpstreamOptions {
  /** The service's name in problems: `API2`. */
  readonly name: string;
  /** Where it is reached, without a trailing slash. */
  readonly url: string;
  /** Its identifier, which proofs name. Default: the url. */
  readonly resource?: string;
  /** For the whole answer. Default 5000. */
  readonly timeoutMs?: number;
  /** Is told of every call, also of one without an answer. It must not throw, nor log the token. */
  readonly onCall?: (call: UpstreamCall) => void;
}

export interface UpstreamRequest {
  /** Default GET. */
  readonly method?: 'GET' | 'POST';
  /** Starts with `/`. The caller encodes every value that comes from outside. */
  readonly path: string;
  /** The path's template, for reports: `/users/{sub}`. Default: the path. */
  readonly route?: string;
  readonly accessToken: string;
  /** For a token that is bound to this client's key: makes the proof (RFC 9449 §7.1). Without it the token is a bearer token. */
  readonly prove?: ((method: string, url: string) => Promise<string>) | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As it came. `jsonOf` reads it. */
  readonly body: Buffer;
}

/** One call and its answer; `answer` is absent when none came. */
export interface UpstreamCall {
  readonly request: UpstreamRequest;
  /** `performance.now()` */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly answer?: UpstreamAnswer;
}

export type Upstream = ReturnType<typeof createUpstream>;

const MAXIMUM_ANSWER_BYTES = 1024 * 1024;

const RETRY_AFTER_SECONDS = 5;

const ACCEPTED = 'application/json, application/problem+json';

/** A service that this one calls, over kept connections. */
export function createUpstream({ name, url, resource = url, timeoutMs = 5_000, onCall }: UpstreamOptions) {
  const { origin, pathname } = new URL(url);
  const base = pathname.replace(/\/$/, '');
  const pool = new Pool(origin, {
    connect: { timeout: timeoutMs },
    maxResponseSize: MAXIMUM_ANSWER_BYTES,
  });

  async function ask({ method = 'GET', path, accessToken, prove, headers, body }: UpstreamRequest) {
    const proof = prove === undefined ? undefined : await prove(method, resource + path);
    // undici takes an emitter for a signal. An AbortController for each call costs more than the rest of the call's set-up.
    const deadline = new EventEmitter();
    const timer = setTimeout(() => deadline.emit('abort'), timeoutMs);
    const requestId = currentRequestId();
    try {
      const response = await pool.request({
        method,
        path: base + path,
        signal: deadline,
        headers: {
          ...headers,
          accept: ACCEPTED,
          authorization: `${proof === undefined ? 'Bearer' : 'DPoP'} ${accessToken}`,
          ...(proof === undefined ? undefined : { dpop: proof }),
          ...(requestId === undefined ? undefined : { 'x-request-id': requestId }),
          ...(body === undefined ? undefined : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      return {
        status: response.statusCode,
        headers: response.headers,
        body: Buffer.from(await response.body.arrayBuffer()),
      };
    } catch (cause) {
      if (cause instanceof errors.ResponseExceededMaxSizeError) throw failed(name, cause);
      throw problem({
        status: 503,
        type: 'upstream-unavailable',
        detail: `${name} does not answer. Try again.`,
        headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
        cause,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    name,
    /**
     * One call with a token, whatever status it is answered with. Redirects are not followed: a token goes to one
     * address. Throws a Problem: 503 with `Retry-After` when the service cannot be reached or does not answer in time,
     * 502 when its answer is larger than 1 MiB.
     */
    async send(request: UpstreamRequest): Promise<UpstreamAnswer> {
      if (onCall === undefined) return ask(request);
      const startedAtMs = performance.now();
      const call = { request, startedAtMs };
      try {
        const answer = await ask(request);
        onCall({ ...call, durationMs: performance.now() - startedAtMs, answer });
        return answer;
      } catch (error) {
        onCall({ ...call, durationMs: performance.now() - startedAtMs });
        throw error;
      }
    },
  };
}

const JSON_TYPE = /^application\/(problem\+)?json\b/;

/** The JSON of an answer; undefined when it does not call itself JSON or is not well-formed. */
export function jsonOf({ headers, body }: UpstreamAnswer): unknown {
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) return undefined;
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether an answer calls itself JSON and has the braces of an object. Not checked: what is between them. */
export function looksLikeObject({ headers, body }: UpstreamAnswer): boolean {
  return JSON_TYPE.test(headers['content-type'] ?? '') && body[0] === 0x7b && body.at(-1) === 0x7d;
}

/**
 * A value from outside as one segment of a path. Throws a Problem (404) for `.` and `..`, because URL parsers take them
 * for steps in spite of any encoding (URL standard §4.5).
 */
export function pathSegment(value: string): string {
  if (value !== '.' && value !== '..' && value !== '') return encodeURIComponent(value);
  throw problem({ status: 404, type: 'not-found', detail: 'There is nothing at this address.' });
}

/** The problem for an answer that cannot be passed on: 503 for a 503 with `Retry-After`, else 502. */
export function upstreamFailure(name: string, { status, headers }: UpstreamAnswer): Problem {
  const retryAfter = headers['retry-after'] ?? '';
  if (status !== 503 || !/^\d{1,4}$/.test(retryAfter))
    return failed(name, new Error(`${name} answered ${status}`));
  return problem({
    status: 503,
    type: 'upstream-unavailable',
    detail: `${name} cannot answer now. Try again.`,
    headers: { 'Retry-After': retryAfter },
  });
}

function failed(name: string, cause: unknown): Problem {
  return problem({ status: 502, type: 'upstream-failed', detail: `${name} gave no usable answer.`, cause });
}
