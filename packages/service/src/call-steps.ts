import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import type { Upstream, UpstreamAnswer } from './upstream.ts';

const text = z.string().max(1024);

const callStep = z.object({
  from: text,
  to: text,
  kind: z.enum(['call', 'exchange']),
  route: text.optional(),
  grant: text.optional(),
  cached: z.boolean().optional(),
  at: z.number(),
  durationMs: z.number(),
  status: z.number().nullable(),
  error: text.optional(),
  reason: text.optional(),
  description: text.optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
});

/**
 * One thing that happened on the way of a call: a service was called with a token, or a token was obtained. Decoded
 * claims, never a token. `docs/decisions/003-what-the-services-tell-about-a-call.md` says what each member means.
 */
export type CallStep = Readonly<z.output<typeof callStep>>;

const MAXIMUM_STEPS = 50;

const told = z.object({ steps: z.array(callStep).max(MAXIMUM_STEPS) });

/** The steps that an answer tells of; none when it tells of none, or in another form. */
export function stepsToldBy(json: unknown): readonly CallStep[] {
  return told.safeParse(json).data?.steps ?? [];
}

const JWT = /^[\w-]+\.([\w-]+)\.[\w-]*$/;

/** The claims of a JWT, decoded and not verified: for showing, never for deciding. Undefined for anything else. */
export function decodeClaims(token: string): CallStep['claims'] {
  const payload = JWT.exec(token)?.[1];
  if (payload === undefined) return undefined;
  try {
    return z
      .record(z.string(), z.unknown())
      .safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString())).data;
  } catch {
    return undefined;
  }
}

/** What is looked at of a delegation client's report about a token that was asked for. */
export interface ObservedExchange {
  readonly grantType: string;
  readonly origin: 'issuer' | 'shared' | 'cache';
  /** `performance.now()` */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly token?: { readonly accessToken: string };
  readonly error?: {
    readonly status: number | undefined;
    readonly error: string | undefined;
    readonly reason: string | undefined;
    readonly description: string | undefined;
  };
}

/** Collects what a service does for one request. */
export interface CallTrace {
  /** `performance.now()` when the request came. */
  readonly startedAtMs: number;
  /** So far, in the order in which they began, with `at` counted from the start of the request. */
  steps(): readonly CallStep[];
  /** Takes note of a token that was asked for. One that this request has already is no step of its own. */
  onExchange(report: ObservedExchange): void;
  /** The same service; every call of it becomes a step, and is followed by the steps that its answer tells of. */
  observe(upstream: Upstream, to: string): Upstream;
}

export function createCallTrace(service: string, startedAtMs = performance.now()): CallTrace {
  const steps: CallStep[] = [];
  const tokens = new Set<ObservedExchange['token']>();
  const sinceStart = (timeMs: number) => round(timeMs - startedAtMs);

  return {
    startedAtMs,
    steps: () => steps.toSorted((a, b) => a.at - b.at),
    onExchange({ origin, ...report }) {
      if (origin !== 'issuer' && tokens.has(report.token)) return;
      tokens.add(report.token);
      steps.push({
        from: service,
        to: 'sts',
        kind: 'exchange',
        grant: report.grantType,
        cached: origin === 'cache',
        at: sinceStart(report.startedAtMs),
        durationMs: round(report.durationMs),
        ...(report.error === undefined
          ? { status: 200, ...present({ claims: decodeClaims(report.token?.accessToken ?? '') }) }
          : refusedExchange(report.error)),
      });
    },
    observe: (upstream, to) => ({
      name: upstream.name,
      async send(request) {
        const callStartedAtMs = performance.now();
        const { method = 'GET', path, route = path, accessToken } = request;
        const step = {
          from: service,
          to,
          kind: 'call',
          route: `${method} ${route}`,
          at: sinceStart(callStartedAtMs),
          ...present({ claims: decodeClaims(accessToken) }),
        } as const;
        const durationMs = () => round(performance.now() - callStartedAtMs);
        try {
          const answer = await upstream.send(request);
          steps.push({ ...step, durationMs: durationMs(), ...outcomeOf(answer) });
          steps.push(...stepsToldBy(answer.json).map((told) => ({ ...told, at: round(step.at + told.at) })));
          return answer;
        } catch (error) {
          steps.push({ ...step, durationMs: durationMs(), ...NO_ANSWER });
          throw error;
        }
      },
    }),
  };
}

const NO_ANSWER = { status: null, error: 'no_answer' } as const;

function refusedExchange({ status, error, reason, description }: NonNullable<ObservedExchange['error']>) {
  return { ...NO_ANSWER, ...present({ status, error, reason, description }) };
}

/** Status; of a refusal also the code of its challenge (RFC 6750 §3.1) and what its problem says (RFC 9457). */
function outcomeOf({ status, headers, json }: UpstreamAnswer) {
  if (status < 400) return { status };
  const problem =
    typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : {};
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    status,
    ...present({
      error: /\berror="([^"]*)"/.exec(headers.get('www-authenticate') ?? '')?.[1],
      reason: text(problem['reason']) ?? text(problem['type'])?.replace(/^.*\//, ''),
      description: text(problem['detail']),
    }),
  };
}

/** The members that have a value. */
function present<Members extends object>(members: Members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Members]?: Exclude<Members[Name], undefined>;
  };
}

/** To hundredths of a millisecond. */
function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

export interface ReportStepsOptions {
  /** This service's short name. */
  readonly service: string;
  /** Who calls it, when that call is to be the first step. Without it only what the service itself does is told. */
  readonly caller?: string;
  /** The verified claims of the caller's token; undefined while there are none. */
  readonly claimsOf?: (request: Request) => CallStep['claims'];
}

interface Report extends ReportStepsOptions {
  readonly trace: CallTrace;
}

const reports = new WeakMap<Request, Report>();

/** Mounted first on a route that tells how it went: `traceOf` and `stepsOf` work from here on. */
export function reportSteps(options: ReportStepsOptions): RequestHandler {
  return (request, _response, next) => {
    reports.set(request, { ...options, trace: createCallTrace(options.service) });
    next();
  };
}

/** The trace of a request behind `reportSteps`; anywhere else it throws. */
export function traceOf(request: Request): CallTrace {
  const report = reports.get(request);
  if (report === undefined) throw new Error('reportSteps does not stand before this route');
  return report.trace;
}

/** `{ steps }` for an answer with this status; an empty object for a request whose route does not report. */
export function stepsOf(request: Request, status: number): { readonly steps?: readonly CallStep[] } {
  const report = reports.get(request);
  if (report === undefined) return {};
  const { trace, caller, service, claimsOf } = report;
  if (caller === undefined) return { steps: trace.steps() };
  const claims = claimsOf?.(request);
  const first: CallStep = {
    from: caller,
    to: service,
    kind: 'call',
    route: `${request.method} ${request.baseUrl}${request.path}`,
    at: 0,
    durationMs: Math.round((performance.now() - trace.startedAtMs) * 100) / 100,
    status,
    ...(claims === undefined ? {} : { claims }),
  };
  return { steps: [first, ...trace.steps()] };
}
