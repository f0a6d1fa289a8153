import type { Experiment } from './experiment.ts';
import { observeRefused, refusedSchema } from './outcomes.ts';

interface RefusedExchange extends Omit<Experiment, 'run'> {
  /** What is tried, in the list of what happened. */
  readonly what: string;
  readonly expectedError: string;
}

/** An experiment in which API1 asks the token service for something that it must not get. */
function refusedExchange({ what, expectedError, ...texts }: RefusedExchange): Experiment {
  return {
    ...texts,
    async run({ api1 }) {
      const { result, steps } = await api1.experiment(texts.name, refusedSchema);
      return {
        asPredicted: result.refused?.error === expectedError,
        observations: [observeRefused(what, result)],
        steps,
      };
    },
  };
}

export const oneScopeTooMany = refusedExchange({
  name: 'one-scope-too-many',
  title: 'Ask for one scope too many',
  idea: 'API1 may get the scope api2 for you by delegation. It asks for “api2 api2.premium”: one that it may have, and one that it may not.',
  prediction: 'The whole request is refused. API1 does not get the smaller token either.',
  what: 'Delegation for “api2 api2.premium”',
  expectedError: 'invalid_scope',
  explanation:
    'The delegation policy is a table: who may act, from where, to where, for what. A request outside of it is refused and not cut down to size: a service that got less than it asked for might not notice, and one that tries its luck would learn what it can get.',
  source: 'RFC 8693 §2.2.2, RFC 6749 §5.2',
});

export const tokenOfSomeoneElse = refusedExchange({
  name: 'token-of-someone-else',
  title: 'Exchange a token that was meant for someone else',
  idea: 'API1 takes a token that is meant for API2 and presents it for exchange, as if it had been sent to API1.',
  prediction: 'The token service refuses: only the service that a token is meant for may exchange it.',
  what: 'API1 presents a token for API2',
  expectedError: 'invalid_grant',
  explanation:
    'A token says in aud for whom it is. Whoever finds one in a log, or gets one by mistake, is not that service and can get nothing for it, although the token itself is genuine and alive.',
  source: 'RFC 8693 §2.1, RFC 9700 §4.9',
});

export const splicedChains = refusedExchange({
  name: 'spliced-chains',
  title: 'Splice two chains',
  idea: 'API1 presents your token as the subject, and as the actor a token out of another chain: one that names you again, and not a service.',
  prediction: 'Refused: an actor can only ever be the service that asks, with a token of its own.',
  what: 'An actor token of another chain',
  expectedError: 'invalid_request',
  explanation:
    'Both tokens are genuine. Put together they would tell of a chain that never was: somebody acting for you who was never asked. So the actor is not taken from what is presented, it is who has authenticated, and the earlier actors are copied from the subject token alone.',
  source: 'RFC 8693 §2.1, §4.1',
});
