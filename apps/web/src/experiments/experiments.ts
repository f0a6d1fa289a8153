import * as z from 'zod/mini';
import { ApiError, UnexpectedAnswer } from '../api/api-client.ts';
import { stepsOfProblem, type Step } from '../api/steps.ts';
import { problemText } from '../text/fault-text.ts';
import {
  callSchema,
  observeCall,
  observeRefused,
  refusedSchema,
  type Experiment,
  type ExperimentPorts,
  type ExperimentResult,
} from './experiment.ts';

const resultSchema = z.object({ forwarded: callSchema, delegated: z.object({ status: z.number() }) });

export const forwardedToken: Experiment = {
  name: 'forwarded-token',
  title: 'Forward the token instead of exchanging it',
  idea: 'API1 calls API2 twice: once with the very token that you sent to API1, once with one that it exchanged for it.',
  prediction: 'API2 refuses the forwarded token and takes the exchanged one.',
  explanation:
    'Your token says “for API1” in its aud claim, and API2 takes only tokens that say “for API2”. If it took yours, any service that you ever call could go on to every other one as you, and no one could tell it from you.',
  source: 'RFC 9068 §4, RFC 9700 §2.3',
  async run({ api1 }) {
    const { result, steps } = await api1.experiment('forwarded-token', resultSchema);
    const { forwarded, delegated } = result;
    return {
      asPredicted: forwarded.status === 401 && delegated.status === 200,
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
  prediction: 'The browser does not even send it: API2 has not agreed to be called from this page.',
  explanation:
    'API2 serves services, not browsers, so it answers no CORS preflight, and the browser stops there. That protects nobody from a program that is no browser; what does is the next refusal: even past the browser, API2 wants a token for itself in which API1 is the actor, and nothing in this browser can get one.',
  source: 'Fetch §3.2, RFC 9068 §4',
  async run({ config }) {
    const url = `${config.api2Url}/accounts`;
    const command = `curl -i -H "Authorization: Bearer $TOKEN" ${url}`;
    try {
      // No real token: what the browser does with the header is the same, and none leaves for a place it is not for.
      const response = await fetch(url, { headers: { Authorization: 'Bearer none' }, credentials: 'omit' });
      return {
        asPredicted: false,
        observations: [{ what: 'This page asks API2', status: response.status }],
        command,
      };
    } catch {
      return {
        asPredicted: true,
        observations: [
          {
            what: 'This page asks API2',
            status: 'blocked by the browser',
            detail:
              'CORS: API2 has not said that this page may call it, so the browser asks no further and shows no answer. A service that is down looks the same from here.',
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

export const lapsedSubscription: Experiment = {
  name: 'lapsed-subscription',
  title: 'Ask for the premium report with a lapsed subscription',
  idea: 'API1 asks the token service for a premium token for you. The translation grant looks at your subscription first.',
  prediction:
    'For bob, whose subscription has lapsed, and carol, who has none, no token is issued at all. Alice gets one: hers is active.',
  explanation:
    'The token service decides. Before it issues a premium token, it asks the subscription service, with a 15-second token that it issued to itself. So API2 need not ask: there is no premium token without an active subscription.',
  source: 'RFC 6749 §4.5',
  async run({ api1 }) {
    try {
      return granted((await api1.insights()).steps);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 403) throw error;
      return refused(error);
    }
  },
};

const WHAT = 'The premium report';

function granted(steps: readonly Step[]): ExperimentResult {
  return {
    asPredicted: true,
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

function refused({ status, problem, challenge }: ApiError): ExperimentResult {
  return {
    // Refused for another reason, such as a delegation taken back, shows nothing about subscriptions.
    asPredicted: problem.reason === 'subscription',
    observations: [
      {
        what: WHAT,
        status,
        challenge,
        detail: problemText(status, problem),
        original: problem.detail ?? problem.title,
      },
    ],
    steps: stepsOfProblem(problem),
  };
}

const readySchema = z.object({ state: z.enum(['ready', 'done']) });
const doneSchema = z.object({
  state: z.literal('done'),
  offline: callSchema,
  live: callSchema,
  exchange: refusedSchema,
});

export const afterLogout: Experiment = {
  name: 'after-logout',
  title: 'Use a delegated token after logout',
  idea: 'API1 gets a token to act for you and keeps a copy, as a thief would. Then this page ends your session, and API1 tries the copy.',
  prediction:
    'Where API2 only looks at the token itself, it still passes, until it expires. Where API2 asks the token service, it is refused at once, and so is every further exchange.',
  explanation:
    'A signed token can be checked without asking anybody, which is fast, and blind to what has happened since. So exchanged tokens live 300 seconds at most, services keep them in memory 60 seconds at most, and what must not go wrong, such as a payment, asks the token service each time whether the login behind the token still lives.',
  source: 'RFC 7662 §2.2, RFC 9700 §4.14, OpenID Connect Back-Channel Logout §2',
  warning:
    'It signs you out of this session for real. You can sign in again right here, and nothing is lost.',
  endsSession: true,
  async run(ports) {
    const { account, api1 } = ports;
    // First of all, since afterwards the session can no longer say which one it was.
    const current = (await account.sessions()).find((session) => session.current);
    if (!current) throw new UnexpectedAnswer('No session is said to be this one.');
    await letApi1KeepToken(ports);
    await account.endSession(current.id);
    const { result, steps } = await api1.experiment('after-logout', doneSchema);
    return { ...observe(result), steps };
  },
};

/** A copy that an earlier, broken-off try has left is used up first. */
async function letApi1KeepToken({ api1 }: ExperimentPorts): Promise<void> {
  const { result } = await api1.experiment('after-logout', readySchema);
  if (result.state === 'done') await api1.experiment('after-logout', readySchema);
}

function observe({ offline, live, exchange }: z.infer<typeof doneSchema>): Omit<ExperimentResult, 'steps'> {
  return {
    asPredicted: offline.status === 200 && live.status === 401 && exchange.refused !== null,
    observations: [
      {
        ...observeCall('Where API2 checks offline', offline),
        ...(offline.status === 200
          ? { detail: 'Taken: signature, audience and time are right, and nobody was asked.' }
          : {}),
      },
      observeCall('Where API2 asks the token service', live),
      observeRefused('API1 asks for one more token', exchange),
    ],
  };
}

/** In the order in which they tell the story; the one that signs out comes last. */
export const EXPERIMENTS: readonly Experiment[] = [
  forwardedToken,
  straightToApi2,
  oneScopeTooMany,
  tokenOfSomeoneElse,
  splicedChains,
  lapsedSubscription,
  afterLogout,
];
