import { AsyncLocalStorage } from 'node:async_hooks';
import { beginStep } from '@behalf/demo-steps';
import type { SubscriptionAnswer, SubscriptionsClient } from '../grants/subscriptions-client.ts';

/** The same client, which tells two steps: the token that the server issues to itself, and the call that carries it. */
export function tellSubscriptionSteps(client: SubscriptionsClient): SubscriptionsClient {
  return {
    async of(subject, issueToken) {
      let endCall = (_answer: SubscriptionAnswer): void => undefined;
      const issueAndTell = async () => {
        const endIssue = beginStep({ to: 'sts', kind: 'issue' });
        const token = await issueToken();
        endIssue({ status: 200, token });
        const end = beginStep({ to: 'subscriptions', kind: 'call', route: 'GET /users/{sub}' });
        endCall = ({ kind }) => end({ ...OUTCOMES[kind], token });
        return token;
      };
      // A question that waits for its turn is asked in the context of another request.
      const answer = await client.of(subject, AsyncLocalStorage.bind(issueAndTell));
      endCall(answer);
      return answer;
    },
  };
}

const OUTCOMES = {
  found: { status: 200 },
  none: { status: 404 },
  unavailable: { status: null, error: 'no_answer' },
} as const;
