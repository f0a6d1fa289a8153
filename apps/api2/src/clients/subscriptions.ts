import type { DelegationClient, TokenSource } from '@behalf/auth';
import {
  pathSegment,
  upstreamFailure,
  type Upstream,
  type UpstreamAnswer,
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

export type Subscription = z.output<typeof subscription>;

export interface SubscriptionsClient {
  /** The claims of the token that the service saw. */
  identity(source: TokenSource): Promise<Readonly<Record<string, unknown>>>;
  /** A user's record; null when there is none. */
  subscriptionOf(subject: string, source: TokenSource): Promise<Subscription | null>;
}

/**
 * The subscription service, called with whatever token the source gives. Throws a Problem for an answer that leaves
 * nothing to pass on (502, 503), and what the source throws.
 */
export function createSubscriptionsClient(
  upstream: Upstream,
  { withToken }: Pick<DelegationClient, 'withToken'>,
): SubscriptionsClient {
  const call = (
    source: TokenSource,
    request: Omit<UpstreamRequest, 'accessToken'>,
  ): Promise<UpstreamAnswer> =>
    withToken(source, ({ accessToken }) => upstream.send({ ...request, accessToken }));

  return {
    async identity(source) {
      const answer = await call(source, { path: '/identity' });
      return read(answer, claims);
    },
    async subscriptionOf(subject, source) {
      const path = `/users/${pathSegment(subject)}`;
      const answer = await call(source, { path, route: '/users/{sub}' });
      return answer.status === 404 ? null : read(answer, subscription);
    },
  };

  function read<Shape>(answer: UpstreamAnswer, shape: z.ZodType<Shape>): Shape {
    const parsed = shape.safeParse(answer.json);
    if (answer.status !== 200 || !parsed.success) throw upstreamFailure(upstream.name, answer);
    return parsed.data;
  }
}
