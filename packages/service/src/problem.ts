import type { Response } from 'express';

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

/** Problem details (RFC 9457) that a handler throws, or passes to `next`, to answer with. `problemHandler` sends them. */
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
export function problemType(name = 'about:blank'): string {
  return name.includes(':') ? name : TYPE_BASE + name;
}

/** Answers with the problem as `application/problem+json`, not to be stored; `members` are added to its own. */
export function sendProblem(
  response: Response,
  details: Problem,
  members: Readonly<Record<string, unknown>> = {},
): void {
  response
    .status(details.status)
    .set({ ...details.headers, 'Cache-Control': 'no-store' })
    .type('application/problem+json')
    .send(JSON.stringify({ ...members, ...details.toJSON() }));
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
