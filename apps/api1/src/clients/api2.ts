import { bearerChallenge, type DelegationClient, type TokenSource } from '@behalf/auth';
import {
  pathSegment,
  problem,
  upstreamFailure,
  type Problem,
  type Upstream,
  type UpstreamAnswer,
  type UpstreamRequest,
} from '@behalf/service';
import { z } from 'zod';

const json = z.record(z.string(), z.unknown());

const chain = z.object({
  hops: z.array(z.looseObject({ service: z.string() })),
  subscription: json.nullable(),
});

export type Chain = z.output<typeof chain>;

/** An answer that is passed on as it is: a success, or a fault in what our own caller sent. */
export interface Api2Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * API2, called with whatever token the source gives. Every method throws a Problem for an answer that is not passed on:
 * 403 with API2's reason, 503 when it cannot be reached, 502 when it fails or answers nonsense; and what the source throws.
 */
export interface Api2Client {
  accounts(source: TokenSource): Promise<Api2Answer>;
  /** `order` goes through unread; API2 checks it. */
  pay(source: TokenSource, payment: { order: unknown; idempotencyKey: string }): Promise<Api2Answer>;
  /** `query` starts with `?`, or is empty. */
  payments(source: TokenSource, query: string): Promise<Api2Answer>;
  payment(source: TokenSource, id: string): Promise<Api2Answer>;
  insights(source: TokenSource): Promise<Api2Answer>;
  chain(source: TokenSource): Promise<Chain>;
}

export interface Api2ClientOptions {
  readonly upstream: Upstream;
  readonly delegation: Pick<DelegationClient, 'withToken'>;
  /** Where this service's own metadata is (RFC 9728), for its challenges. */
  readonly resourceMetadata: string;
}

export function createApi2Client({ upstream, delegation, resourceMetadata }: Api2ClientOptions): Api2Client {
  async function call(
    source: TokenSource,
    request: Omit<UpstreamRequest, 'accessToken'>,
  ): Promise<Api2Answer> {
    const answer = await delegation.withToken(source, ({ accessToken }) =>
      upstream.send({ ...request, accessToken }),
    );
    if (answer.status === 403) throw forbidden(answer, resourceMetadata);
    const body = json.safeParse(answer.json);
    // A 401 to a token that was just issued for this call is not our caller's doing.
    if (answer.status === 401 || answer.status < 200 || isRedirectOrFailure(answer.status) || !body.success) {
      throw upstreamFailure(upstream.name, answer);
    }
    return { status: answer.status, headers: answer.headers, json: body.data };
  }

  return {
    accounts: (source) => call(source, { path: '/accounts' }),
    pay: (source, { order, idempotencyKey }) =>
      call(source, {
        method: 'POST',
        path: '/payments',
        body: order,
        headers: { 'Idempotency-Key': idempotencyKey },
      }),
    payments: (source, query) => call(source, { path: `/payments${query}` }),
    payment: (source, id) => call(source, { path: `/payments/${pathSegment(id)}` }),
    insights: (source) => call(source, { path: '/insights' }),
    async chain(source) {
      const answer = await call(source, { path: '/chain' });
      const parsed = chain.safeParse(answer.json);
      if (!parsed.success) throw upstreamFailure(upstream.name, answer);
      return parsed.data;
    },
  };
}

function isRedirectOrFailure(status: number): boolean {
  return (status >= 300 && status < 400) || status >= 500;
}

const refusal = z.object({
  type: z.string().max(256).optional(),
  title: z.string().max(256).optional(),
  detail: z.string().max(1024).optional(),
  reason: z.string().max(64).optional(),
});

/** API2's refusal in its own words, with this service's challenge (RFC 6750 §3.1). */
function forbidden(answer: UpstreamAnswer, resourceMetadata: string): Problem {
  const { type = 'forbidden', title, detail, reason } = refusal.safeParse(answer.json).data ?? {};
  return problem({
    status: 403,
    type,
    ...(title === undefined ? {} : { title }),
    ...(detail === undefined ? {} : { detail }),
    members: { reason: reason ?? type.replace(/^.*\//, '') },
    headers: {
      'WWW-Authenticate': bearerChallenge({
        error: 'insufficient_scope',
        description: detail,
        resourceMetadata,
      }),
    },
  });
}
