import { bearerChallenge, type CallerToken, type DelegationClient, type TokenSource } from '@behalf/auth';
import {
  jsonOf,
  looksLikeObject,
  pathSegment,
  problem,
  type Upstream,
  type UpstreamAnswer,
  upstreamFailure,
  type UpstreamRequest,
} from '@behalf/service';
import { z } from 'zod';

const chain = z.object({
  hops: z.array(z.looseObject({ service: z.string() })),
  subscription: z.record(z.string(), z.unknown()).nullable(),
});

export type Api2Client = ReturnType<typeof createApi2Client>;

/**
 * API2, called on behalf of the user whose token the caller presented: each method obtains the token that API2 takes. An answer that
 * is passed on, a success or a fault in the caller's own request, is returned as it came. Every other one is thrown as a
 * Problem: 403 with API2's reason, 503 when API2 cannot be reached, 502 when it fails or answers nonsense. Throws
 * DelegationError when the STS gives no token.
 */
export function createApi2Client(upstream: Upstream, delegation: DelegationClient, resourceMetadata: string) {
  async function call(source: TokenSource, request: Omit<UpstreamRequest, 'accessToken' | 'prove'>) {
    const answer = await delegation.withToken(source, ({ accessToken, prove }) =>
      upstream.send({ ...request, accessToken, prove }),
    );
    const { status } = answer;
    if (status === 403) throw forbidden(answer, resourceMetadata);
    // A 401 to a token that was just issued for this call is not the caller's fault.
    const isPassedOn = (status >= 200 && status < 300) || (status >= 400 && status < 500 && status !== 401);
    if (!isPassedOn || !looksLikeObject(answer)) throw upstreamFailure(upstream.name, answer);
    return answer;
  }
  const delegated = (caller: CallerToken) => () => delegation.delegate({ token: caller, scopes: ['api2'] });

  return {
    accounts: (caller: CallerToken) => call(delegated(caller), { path: '/accounts' }),
    /** `order` goes through unread; API2 checks it. */
    pay: (caller: CallerToken, order: unknown, idempotencyKey: string) =>
      call(delegated(caller), {
        method: 'POST',
        path: '/payments',
        body: order,
        headers: { 'idempotency-key': idempotencyKey },
      }),
    /** `query` starts with `?`, or is empty. */
    payments: (caller: CallerToken, query: string) => call(delegated(caller), { path: `/payments${query}` }),
    payment: (caller: CallerToken, id: string) =>
      call(delegated(caller), { path: `/payments/${pathSegment(id)}` }),
    /** By the translation grant: the STS checks the user's subscription before it grants the premium scope. */
    insights: (caller: CallerToken) =>
      call(() => delegation.translate({ token: caller, scopes: ['api2.premium'] }), { path: '/insights' }),
    /** For a client's own token, which the policy lets this service exchange for this scope alone. */
    statistics: (caller: CallerToken) =>
      call(() => delegation.delegate({ token: caller, scopes: ['api2.statistics'] }), {
        path: '/statistics',
      }),
    async chain(caller: CallerToken) {
      const answer = await call(delegated(caller), { path: '/chain' });
      const parsed = chain.safeParse(jsonOf(answer));
      if (!parsed.success) throw upstreamFailure(upstream.name, answer);
      return parsed.data;
    },
  };
}

const refusal = z.object({
  type: z.string().max(256).optional(),
  title: z.string().max(256).optional(),
  detail: z.string().max(1024).optional(),
  reason: z.string().max(64).optional(),
});

/** API2's refusal in its own words, with this service's challenge (RFC 6750 §3.1). */
function forbidden(answer: UpstreamAnswer, resourceMetadata: string) {
  const { type = 'forbidden', title, detail, reason } = refusal.safeParse(jsonOf(answer)).data ?? {};
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
