import { AsyncLocalStorage } from 'node:async_hooks';
import { beginStep, withSteps } from '@behalf/demo-steps';
import type { ExtensionGrantValidator, JsonValue } from '@behalf/extension-grants';
import type { SubscriptionAnswer, SubscriptionsClient } from '../grants/subscriptions-client.ts';

/** The same grant, which adds the steps that it took to its response as the member `steps`. */
export function tellSteps({ grantType, validate }: ExtensionGrantValidator): ExtensionGrantValidator {
  return {
    grantType,
    async validate(request) {
      const { result, steps } = await withSteps('sts', () => validate(request));
      if (steps.length === 0) return result;
      return { ...result, response: { ...result.response, steps: steps as unknown as JsonValue } };
    },
  };
}

/** The same client, which records two steps: the token that the server issues to itself, and the call that carries it. */
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
