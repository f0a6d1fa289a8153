import type { DelegationClient } from '@behalf/auth';
import {
  jsonOf,
  pathSegment,
  type Upstream,
  type UpstreamAnswer,
  upstreamFailure,
  type UpstreamRequest,
} from '@behalf/service';
import { z } from 'zod';

const claims = z.record(z.string(), z.unknown());

const subscription = z.object({
  sub: z.string(),
  plan: z.string(),
  status: z.string(),
  renewsAt: z.string(),
});

export type SubscriptionsClient = ReturnType<typeof createSubscriptionsClient>;

/**
 * The subscription service, called on behalf of the user whose token `token` is, with a token exchanged for it (RFC 8693).
 * Throws a Problem (502, 503) for an answer that has no use, and DelegationError when the STS gives no token.
 */
export function createSubscriptionsClient(
  upstream: Upstream,
  delegation: DelegationClient,
  resource: string,
) {
  const call = (
    token: string,
    request: Omit<UpstreamRequest, 'accessToken' | 'prove'>,
  ): Promise<UpstreamAnswer> =>
    delegation.withToken(
      () => delegation.exchange({ subjectToken: token, scopes: ['subscriptions.read'], resource }),
      ({ accessToken, prove }) => upstream.send({ ...request, accessToken, prove }),
    );

  function read<Shape>(answer: UpstreamAnswer, shape: z.ZodType<Shape>): Shape {
    const parsed = shape.safeParse(jsonOf(answer));
    if (answer.status !== 200 || !parsed.success) throw upstreamFailure(upstream.name, answer);
    return parsed.data;
  }

  return {
    /** The claims of the token that the service saw. */
    identity: async (token: string) => read(await call(token, { path: '/identity' }), claims),
    /** A user's record; null when there is none. */
    async subscriptionOf(subject: string, token: string) {
      const path = `/users/${pathSegment(subject)}`;
      const answer = await call(token, { path, route: '/users/{sub}' });
      return answer.status === 404 ? null : read(answer, subscription);
    },
  };
}
