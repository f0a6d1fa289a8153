/**
 * Records the steps of a call for the client's diagrams (docs/decisions/003). The delegation client and the upstreams get
 * an observer when they are made; `collectSteps` stands before the routes that tell their steps. For every other request
 * the observers return at once and nothing is recorded.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { type ExchangeReport, readBounded } from '@behalf/auth';
import type { RequestAuth } from '@behalf/auth/express';
import { jsonOf, type UpstreamAnswer, type UpstreamCall } from '@behalf/service';
import type { RequestHandler, Response as ExpressResponse } from 'express';
import { z } from 'zod';

const text = z.string().max(1024);

const callStep = z.object({
  from: text,
  to: text,
  kind: z.enum(['call', 'exchange', 'issue']),
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
  request: z.record(text, text).optional(),
  answer: z.record(text, text).optional(),
});

/**
 * A call of a service with a token, a token that was obtained, or one that the STS issued to itself: decoded claims, never
 * a token. `request` and `answer` are the members of an exchange on the wire, its tokens and secrets masked.
 */
export type CallStep = Readonly<z.output<typeof callStep>>;

const MAXIMUM_STEPS = 50;

const told = z.object({ steps: z.array(callStep).max(MAXIMUM_STEPS) });

interface Collector {
  readonly service: string;
  /** `performance.now()` when the request came. */
  readonly startedAtMs: number;
  readonly steps: CallStep[];
  /** The tokens that are steps already: one that this request takes from the cache again is no further step. */
  readonly tokens: Set<ExchangeReport['token']>;
  /** The last token request on the wire, until its exchange is recorded. */
  wire?: Pick<CallStep, 'request' | 'answer'>;
}

const collectors = new AsyncLocalStorage<Collector>();

function collectorOf(service: string): Collector {
  return { service, startedAtMs: performance.now(), steps: [], tokens: new Set() };
}

/** Runs `work` and resolves with its result and the steps that it took, in their order. For servers without Express. */
export async function withSteps<Result>(
  service: string,
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly steps: readonly CallStep[] }> {
  const collector = collectorOf(service);
  const result = await collectors.run(collector, work);
  return { result, steps: inOrder(collector) };
}

function inOrder({ steps }: Collector): readonly CallStep[] {
  return steps.toSorted((a, b) => a.at - b.at);
}

export interface CollectStepsOptions {
  /** This service's short name. */
  readonly service: string;
  /** The name of the caller, when its call is to be the first step. Without it only this service's own steps are told. */
  readonly caller?: string;
}

/**
 * Collects the steps of a request and adds them to its JSON answer as the member `steps`; an answer without any stays as it
 * is. Mount it before authentication.
 */
export function collectSteps({ service, caller }: CollectStepsOptions): RequestHandler {
  return (request, response, next) => {
    const collector = collectorOf(service);
    const arrival = (): CallStep[] =>
      caller === undefined
        ? []
        : [
            {
              from: caller,
              to: service,
              kind: 'call',
              route: `${request.method} ${request.path}`,
              at: 0,
              durationMs: round(performance.now() - collector.startedAtMs),
              status: response.statusCode,
              ...present({ claims: claimsOf(request.auth) }),
            },
          ];
    addOnEnd(response, () => [...arrival(), ...inOrder(collector)]);
    collectors.run(collector, next);
  };
}

const claimsOf = (auth: RequestAuth | undefined): CallStep['claims'] => auth?.claims;

function addOnEnd(response: ExpressResponse, stepsToAdd: () => readonly CallStep[]): void {
  const end = response.end.bind(response) as (...parameters: readonly unknown[]) => ExpressResponse;
  response.end = ((chunk: unknown, ...rest: readonly unknown[]) => {
    if (response.headersSent || !(typeof chunk === 'string' || Buffer.isBuffer(chunk)))
      return end(chunk, ...rest);
    const steps = stepsToAdd();
    const body = steps.length === 0 ? chunk : withMember(chunk, steps);
    response.setHeader('Content-Length', Buffer.byteLength(body));
    return end(body, ...rest);
  }) as typeof response.end;
}

function withMember(body: string | Buffer, steps: readonly CallStep[]): string | Buffer {
  const json = parsed(body.toString());
  return isObject(json) ? JSON.stringify({ ...json, steps }) : body;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** `onExchange` of a delegation client: a token that was asked for becomes a step. */
export function recordExchange({ origin, ...report }: ExchangeReport): void {
  const collector = collectors.getStore();
  if (collector === undefined || (origin !== 'issuer' && collector.tokens.has(report.token))) return;
  collector.tokens.add(report.token);
  const wire = origin === 'issuer' ? collector.wire : undefined;
  delete collector.wire;
  collector.steps.push({
    from: collector.service,
    to: 'sts',
    kind: 'exchange',
    grant: report.grantType,
    cached: origin === 'cache',
    at: round(report.startedAtMs - collector.startedAtMs),
    durationMs: round(report.durationMs),
    ...(report.error === undefined
      ? { status: 200, ...present({ claims: decodeClaims(report.token?.accessToken ?? '') }) }
      : refusalOf(report.error)),
    ...wire,
  });
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** `fetch` for a delegation client. The exchange's step gets what was on the wire, and is followed by the steps that the STS tells. */
export function recordTokenRequests(send: Fetch): Fetch {
  return async (url, init) => {
    const collector = collectors.getStore();
    if (collector === undefined || init.method !== 'POST') return send(url, init);
    const at = round(performance.now() - collector.startedAtMs);
    const response = await send(url, init);
    const body = await readBounded(response);
    const json = parsed(body);
    collector.wire = { request: shown(new URLSearchParams(String(init.body))), answer: shown(json) };
    for (const step of stepsToldBy(json)) collector.steps.push({ ...step, at: round(at + step.at) });
    const { status, headers } = response;
    return new Response(body === '' ? null : body, { status, headers });
  };
}

/** In the place of a value that must not be shown. */
const MASK = '…';

const NOT_SHOWN: readonly string[] = ['steps', 'error_description'];

// prettier-ignore
const SHOWN: readonly string[] = [
  'grant_type', 'client_id', 'scope', 'audience', 'resource', 'subject_token_type', 'actor_token_type',
  'requested_token_type', 'token_type', 'expires_in', 'issued_token_type', 'error', 'reason',
];

/** Members of a form or of a JSON object, in their order. Only those that are known to be harmless keep their value. */
function shown(members: unknown): Record<string, string> {
  const entries =
    members instanceof URLSearchParams ? [...members] : Object.entries(isObject(members) ? members : {});
  return Object.fromEntries(
    entries
      .filter(([name]) => !NOT_SHOWN.includes(name))
      .map(([name, value]) => [name, SHOWN.includes(name) ? String(value).slice(0, 200) : MASK]),
  );
}

/**
 * Begins a step that a service takes by itself. The function that is returned ends it with its outcome, which may have a
 * token: its claims are decoded. Outside of `collectSteps` nothing is recorded.
 */
export function beginStep(step: Pick<CallStep, 'to' | 'kind' | 'route'>) {
  const collector = collectors.getStore();
  const startedAtMs = performance.now();
  return ({ token, ...outcome }: Pick<CallStep, 'status' | 'error'> & { readonly token?: string }): void => {
    collector?.steps.push({
      from: collector.service,
      ...step,
      at: round(startedAtMs - collector.startedAtMs),
      durationMs: round(performance.now() - startedAtMs),
      ...outcome,
      ...present({ claims: decodeClaims(token ?? '') }),
    });
  };
}

/** `onCall` of an upstream: each call of `service` becomes a step, followed by the steps that its answer tells. */
export function recordCallsTo(service: string): (call: UpstreamCall) => void {
  return ({ request, startedAtMs, durationMs, answer }) => {
    const collector = collectors.getStore();
    if (collector === undefined) return;
    const { method = 'GET', path, route = path, accessToken } = request;
    const at = round(startedAtMs - collector.startedAtMs);
    collector.steps.push({
      from: collector.service,
      to: service,
      kind: 'call',
      route: `${method} ${route}`,
      at,
      durationMs: round(durationMs),
      ...present({ claims: decodeClaims(accessToken) }),
      ...(answer === undefined ? NO_ANSWER : outcomeOf(answer)),
    });
    for (const step of answer === undefined ? [] : stepsToldBy(jsonOf(answer)))
      collector.steps.push({ ...step, at: round(at + step.at) });
  };
}

const NO_ANSWER = { status: null, error: 'no_answer' } as const;

/** The code and the reason alone: the description is for the authenticated client, never for its caller. */
function refusalOf({ status, error, reason }: NonNullable<ExchangeReport['error']>) {
  return { ...NO_ANSWER, ...present({ status, error, reason }) };
}

/** The status; of a refusal also the code of its challenge (RFC 6750 §3.1) and the members of its problem (RFC 9457). */
function outcomeOf(answer: UpstreamAnswer) {
  const { status, headers } = answer;
  if (status < 400) return { status };
  const json = jsonOf(answer);
  const member = (name: string) =>
    isObject(json) && typeof json[name] === 'string' ? json[name] : undefined;
  return {
    status,
    ...present({
      error: /\berror="([^"]*)"/.exec(headers['www-authenticate'] ?? '')?.[1],
      reason: member('reason') ?? member('type')?.replace(/^.*\//, ''),
      description: member('detail'),
    }),
  };
}

/** The steps in an answer; none when it has none, or in another form. */
export function stepsToldBy(json: unknown): readonly CallStep[] {
  return told.safeParse(json).data?.steps ?? [];
}

const JWT = /^[\w-]+\.([\w-]+)\.[\w-]*$/;

/** The claims of a JWT, decoded and not verified: for showing, never for deciding. Undefined for anything else. */
export function decodeClaims(token: string): CallStep['claims'] {
  const payload = JWT.exec(token)?.[1] ?? '';
  const claims = parsed(Buffer.from(payload, 'base64url').toString());
  return isObject(claims) ? claims : undefined;
}

/** The members that have a value. */
function present<Members extends object>(members: Members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Members]?: Exclude<Members[Name], undefined>;
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** To hundredths of a millisecond. */
function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
