import * as z from 'zod/mini';
import { ApiError } from '../api/api-client.ts';
import type { Step } from '../api/steps.ts';
import { afterLogout } from './after-logout.ts';
import {
  callSchema,
  observeCall,
  observeRefused,
  refusedCall,
  refusedSchema,
  type Experiment,
  type ExperimentResult,
} from './experiment.ts';
import { oldSignIn, stolenToken } from './keys-and-sign-ins.ts';

const resultSchema = z.object({ forwarded: callSchema, delegated: z.object({ status: z.number() }) });

export const forwardedToken: Experiment = {
  name: 'forwarded-token',
  title: 'Forward the token instead of exchanging it',
  idea: 'API1 calls API2 twice: first with the token that you sent to API1, then with one that it got in exchange.',
  guess: {
    question: 'What does API2 do with your token?',
    options: [
      'It answers: the token is genuine and about you.',
      'It refuses: the token is not meant for API2.',
      'It asks the token service, and then answers.',
    ],
    right: 1,
  },
  picture: [
    { from: 'browser', what: 'your token', to: 'api1', passes: true },
    { from: 'api1', what: 'the same token', to: 'api2', passes: false },
  ],
  code: 'audience',
  explanation:
    'The claim aud of your token names API1, and API2 accepts only tokens that name API2. If it accepted yours, every service that you call could call every other one as you, and nobody could tell the difference.',
  source: 'RFC 9068 §4, RFC 9700 §2.3',
  async run({ api1 }) {
    const { result, steps } = await api1.experiment('forwarded-token', resultSchema);
    const { forwarded, delegated } = result;
    return {
      followsRule: forwarded.status === 401 && delegated.status === 200,
      observations: [
        observeCall('Your own token, forwarded', forwarded),
        { what: 'The exchanged token', status: delegated.status },
      ],
      steps,
    };
  },
};

export const straightToApi2: Experiment = {
  name: 'straight-to-api2',
  title: 'Call API2 straight from the browser',
  idea: 'Leave API1 out: this page asks API2 for your accounts itself.',
  guess: {
    question: 'What does this page get from API2?',
    options: [
      'Your accounts: you are signed in.',
      'A refusal of API2.',
      'Nothing: the browser does not send the request.',
    ],
    right: 2,
  },
  picture: [{ from: 'browser', what: 'a request', to: 'api2', passes: false }],
  code: 'call-api2',
  explanation:
    'API2 serves services and not browsers. It answers no CORS preflight, so the browser stops there. A program that is no browser does not ask first, and API2 refuses it as well: API2 takes only tokens that are for API2 and name API1 as the actor, and this browser can get none.',
  source: 'Fetch §3.2, RFC 9068 §4',
  async run({ config }) {
    const url = `${config.api2Url}/accounts`;
    const command = `curl -i -H "Authorization: Bearer $TOKEN" ${url}`;
    try {
      // No real token: what the browser does with the header is the same, and none leaves for a place it is not for.
      const response = await fetch(url, { headers: { Authorization: 'Bearer none' }, credentials: 'omit' });
      return {
        followsRule: false,
        observations: [{ what: 'This page asks API2', status: response.status }],
        command,
      };
    } catch {
      return {
        followsRule: true,
        observations: [
          {
            what: 'This page asks API2',
            status: 'blocked by the browser',
            detail:
              'CORS: API2 does not allow calls from this page, so the browser sends no request. A service that is down looks the same from here.',
          },
        ],
        command,
      };
    }
  },
};

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
        followsRule: result.refused?.error === expectedError,
        observations: [observeRefused(what, result)],
        steps,
      };
    },
  };
}

export const oneScopeTooMany = refusedExchange({
  name: 'one-scope-too-many',
  title: 'Ask for one scope too many',
  idea: 'By delegation API1 may get the scope api2 for you. It asks for “api2 api2.premium”: the second scope is not allowed.',
  guess: {
    question: 'What does API1 get?',
    options: [
      'A token with the one scope that is allowed.',
      'Nothing: the whole request is refused.',
      'A token with both scopes.',
    ],
    right: 1,
  },
  picture: [
    { from: 'browser', what: 'your token', to: 'api1', passes: true },
    { from: 'api1', what: 'asks for api2 and api2.premium', to: 'sts', passes: false },
  ],
  code: 'decide',
  what: 'Delegation for “api2 api2.premium”',
  expectedError: 'invalid_scope',
  explanation:
    'The delegation policy is a table: which client may act, with a token for which API, at which API, with which scopes. A request beyond it is refused as a whole. A service that got fewer scopes than it asked for might not notice.',
  source: 'RFC 8693 §2.2.2, RFC 6749 §5.2',
});

export const tokenOfSomeoneElse = refusedExchange({
  name: 'token-of-someone-else',
  title: 'Exchange a token that was meant for someone else',
  idea: 'API1 takes a token that is meant for API2 and presents it for exchange, as if it had been sent to API1.',
  guess: {
    question: 'What does the token service do?',
    options: [
      'It exchanges the token: it is genuine and active.',
      'It refuses: API1 is not the service that the token is meant for.',
      'It asks you first.',
    ],
    right: 1,
  },
  picture: [{ from: 'api1', what: 'a token for API2', to: 'sts', passes: false }],
  code: 'presenter',
  what: 'API1 presents a token for API2',
  expectedError: 'invalid_grant',
  explanation:
    'The claim aud of a token says which service it is for. A service that finds the token in a log, or gets it by mistake, is another one and can exchange it for nothing, although the token is genuine and active.',
  source: 'RFC 8693 §2.1, RFC 9700 §4.9',
});

export const splicedChains = refusedExchange({
  name: 'spliced-chains',
  title: 'Splice two chains of actors',
  idea: 'API1 presents your token as the subject token. As the actor token it presents a token of another chain, which is about you and not about a service.',
  guess: {
    question: 'What does the token service do?',
    options: [
      'It makes a chain of the two tokens.',
      'It ignores the actor token.',
      'It refuses: the actor token is not the client’s own.',
    ],
    right: 2,
  },
  picture: [
    { from: 'api1', what: 'your token and an actor token of another chain', to: 'sts', passes: false },
  ],
  code: 'actor-token',
  what: 'An actor token of another chain',
  expectedError: 'invalid_request',
  explanation:
    'Both tokens are genuine. Together they would describe a chain that never existed. So the actor is always the client that has authenticated, and the earlier actors are copied from the subject token alone.',
  source: 'RFC 8693 §2.1, §4.1',
});

export const lapsedSubscription: Experiment = {
  name: 'lapsed-subscription',
  title: 'Ask for the premium report with a lapsed subscription',
  idea: 'API1 asks the token service for a premium token for you. The translation grant looks at your subscription first.',
  guess: {
    question: 'When is the subscription checked?',
    options: [
      'By API2, when the report is asked for.',
      'By the token service, before it issues a token.',
      'By this page.',
    ],
    right: 1,
  },
  picture: [
    { from: 'api1', what: 'asks for api2.premium', to: 'sts', passes: true },
    { from: 'sts', what: 'asks about your subscription', to: 'subscriptions', passes: true },
  ],
  code: 'subscription',
  explanation:
    'The token service decides. Before it issues a premium token, it asks the subscription service, with a 15-second token that it issued to itself. So API2 need not ask: there is no premium token without an active subscription.',
  source: 'RFC 6749 §4.5',
  async run({ api1 }) {
    try {
      return granted((await api1.insights()).steps);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 403) throw error;
      // Refused for another reason, such as a delegation taken back, shows nothing about subscriptions.
      return refusedCall(WHAT, error, error.problem.reason === 'subscription');
    }
  },
};

const WHAT = 'The premium report';

function granted(steps: readonly Step[]): ExperimentResult {
  return {
    followsRule: true,
    observations: [
      {
        what: WHAT,
        status: 200,
        detail:
          'It was granted, because your subscription is active. To see it refused, sign out and sign in as bob.',
      },
    ],
    steps,
  };
}

/** In the order of the page. The one that signs out comes last. */
export const EXPERIMENTS: readonly Experiment[] = [
  forwardedToken,
  straightToApi2,
  oneScopeTooMany,
  tokenOfSomeoneElse,
  splicedChains,
  lapsedSubscription,
  stolenToken,
  oldSignIn,
  afterLogout,
];
