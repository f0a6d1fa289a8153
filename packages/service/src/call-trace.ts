import { decodeClaims, stepsToldBy, type CallStep } from './call-step.ts';
import type { Upstream, UpstreamAnswer } from './upstream.ts';

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
