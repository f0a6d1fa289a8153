import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from './logging.ts';
import { requestIdOf } from './request-logging.ts';

const TYPE_BASE = 'https://behalf.example/problems/';

export interface ProblemOptions {
  readonly status: number;
  /** A name in kebab case, which becomes `https://behalf.example/problems/<name>`, or an absolute URI. Default `about:blank`. */
  readonly type?: string;
  /** The same for every occurrence of the type. Default: the status in words. */
  readonly title?: string;
  /** About this occurrence. Goes on the wire: nothing secret, nothing an attacker can use. */
  readonly detail?: string;
  /** Further members of the body (RFC 9457 §3.2). */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log alone. */
  readonly cause?: unknown;
}

/** Problem details (RFC 9457) that a handler throws or passes to `next`. `problemHandler` sends them. */
export class Problem extends Error {
  readonly status: number;
  readonly type: string;
  readonly title: string;
  readonly detail: string | undefined;
  readonly members: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(options: ProblemOptions) {
    const title = options.title ?? titleOf(options.status);
    super(options.detail ?? title, { cause: options.cause });
    this.name = 'Problem';
    this.status = options.status;
    this.type = problemType(options.type);
    this.title = title;
    this.detail = options.detail;
    this.members = options.members ?? {};
    this.headers = options.headers ?? {};
  }

  /** The body as RFC 9457 §3.1 has it. */
  toJSON(): Record<string, unknown> {
    return {
      ...this.members,
      type: this.type,
      title: this.title,
      status: this.status,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
    };
  }
}

export function problem(options: ProblemOptions): Problem {
  return new Problem(options);
}

/** The type URI for a name in kebab case; an absolute URI stays as it is. */
function problemType(name = 'about:blank'): string {
  return name.includes(':') ? name : TYPE_BASE + name;
}

/** Answers with the problem as `application/problem+json`, not to be stored. */
export function sendProblem(response: Response, details: Problem): void {
  response
    .status(details.status)
    .set({ ...details.headers, 'Cache-Control': 'no-store' })
    .type('application/problem+json')
    .send(JSON.stringify(details));
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Content too large',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  429: 'Too many requests',
  500: 'Internal server error',
  502: 'Bad gateway',
  503: 'Service unavailable',
  504: 'Gateway timeout',
};

function titleOf(status: number): string {
  return TITLES[status] ?? (status < 500 ? 'Bad request' : 'Server error');
}

export interface ProblemHandlerOptions {
  /** Whether an error means that a part which this service needs is out for now. Default: none does. */
  readonly isOutage?: (error: unknown) => boolean;
}

/**
 * The one error handler of an app, mounted last. A thrown `Problem` is sent as it is; an error of Express or its body parser
 * about a bad request keeps its status; an outage is a 503 with `Retry-After`; everything else a 500 that tells nothing.
 * Every 5xx is logged.
 */
export function problemHandler(
  logger: Logger,
  { isOutage = () => false }: ProblemHandlerOptions = {},
): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const details =
      error instanceof Problem
        ? error
        : (problemOfRequestError(error) ?? (isOutage(error) ? outage(error) : unexpected(error)));
    if (details.status >= 500) {
      const request_id = requestIdOf(request);
      logger.error(
        { request_id, err: details.cause ?? error, status: details.status, problem: details.type },
        details.message,
      );
    }
    if (response.headersSent) {
      next(error);
      return;
    }
    sendProblem(response, details);
  };
}

/** For every path that no route took. */
export function notFound(): RequestHandler {
  return (_request, _response, next) => {
    next(problem({ status: 404, type: 'not-found', detail: 'There is nothing at this address.' }));
  };
}

/** Mounted after the routes of a path (`app.all(path, …)`): 405 with `Allow` (RFC 9110 §15.5.6), and the answer to a plain OPTIONS. */
export function allowOnly(...methods: readonly string[]): RequestHandler {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return (request, response, next) => {
    if (request.method === 'OPTIONS') {
      response.status(204).set('Allow', allow).end();
      return;
    }
    next(
      problem({
        status: 405,
        type: 'method-not-allowed',
        detail: `Use ${allow}.`,
        headers: { Allow: allow },
      }),
    );
  };
}

const DETAIL_OF_BODY_FAULT: Readonly<Record<string, string>> = {
  'entity.parse.failed': 'The body is not well-formed JSON.',
  'entity.too.large': 'The body is too large.',
  'encoding.unsupported': 'The content encoding is not supported.',
  'charset.unsupported': 'The character set is not supported.',
  'request.size.invalid': 'The body is not as long as announced.',
  'request.aborted': 'The body did not arrive in full.',
};

/** Errors that carry a 4xx status come from Express and its parsers. Their message may quote the body, so it is not sent. */
function problemOfRequestError(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  if (error.status < 400 || error.status > 499) return undefined;
  const fault = 'type' in error && typeof error.type === 'string' ? error.type : '';
  const detail = DETAIL_OF_BODY_FAULT[fault];
  return problem({
    status: error.status,
    type:
      error.status === 413
        ? 'content-too-large'
        : error.status === 415
          ? 'unsupported-media-type'
          : 'bad-request',
    ...(detail === undefined ? {} : { detail }),
  });
}

function outage(cause: unknown): Problem {
  return problem({
    status: 503,
    type: 'unavailable',
    detail: 'Something this service needs does not answer. Try again.',
    headers: { 'Retry-After': '5' },
    cause,
  });
}

function unexpected(cause: unknown): Problem {
  return problem({ status: 500, type: 'internal-error', detail: 'Something went wrong on our side.', cause });
}
