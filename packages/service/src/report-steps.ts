import type { Request, RequestHandler } from 'express';
import type { CallStep } from './call-step.ts';
import { createCallTrace, type CallTrace } from './call-trace.ts';

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
