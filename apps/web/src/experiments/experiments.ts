import * as z from 'zod/mini';
import { ApiError, UnexpectedAnswer, wantedSignInAge } from '../api/api-client.ts';
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
  idea: 'API1 calls API2 twice: first with the token that you sent to API1, then with one that it got in exchange.',
  prediction: 'API2 refuses the forwarded token and accepts the exchanged one.',
  explanation:
    'The claim aud of your token names API1, and API2 accepts only tokens that name API2. If it accepted yours, every service that you call could call every other one as you, and nobody could tell the difference.',
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
  prediction: 'The browser does not send the request, because API2 does not allow calls from this page.',
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
  idea: 'By delegation API1 may get the scope api2 for you. It asks for “api2 api2.premium”: the second scope is not allowed.',
  prediction: 'The whole request is refused. API1 does not get the smaller token either.',
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
  prediction: 'The token service refuses: only the service that a token is meant for may exchange it.',
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
  prediction:
    'The token service refuses, because the actor must be the client that asks, with a token of its own.',
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
      // Refused for another reason, such as a delegation taken back, shows nothing about subscriptions.
      return refused(WHAT, error, error.problem.reason === 'subscription');
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

function refused(what: string, error: ApiError, asPredicted: boolean): ExperimentResult {
  const { status, problem, challenge } = error;
  return {
    asPredicted,
    observations: [
      {
        what,
        status,
        challenge,
        detail: problemText(status, problem),
        original: problem.detail ?? problem.title,
      },
    ],
    steps: stepsOfProblem(problem),
  };
}

const stolenSchema = z.object({
  bearer: z.union([z.object({ call: callSchema }), refusedSchema]),
  bound: z.object({ call: callSchema }),
});

export const stolenToken: Experiment = {
  name: 'stolen-token',
  title: 'Steal the token',
  idea: 'API1 gets two tokens to act for you at API2: a bearer token, and one that is bound to a key. A thief copies both, and has no key.',
  prediction: 'API2 takes the copy of a bearer token, and refuses the copy of a bound one.',
  explanation:
    'A bearer token is good for everyone who holds it. A bound token names a key in its claim cnf, and every request with it needs a fresh proof of that key, for this one method, address and token. With DPOP=on each service here binds its tokens to a key of its own. Then the token service gives no bearer token for your bound one either, so this experiment shows its refusal in place of the first copy.',
  source: 'RFC 9449 §7, RFC 9700 §2.2.1',
  async run({ api1 }) {
    const { result, steps } = await api1.experiment('stolen-token', stolenSchema);
    const { bearer, bound } = result;
    const first =
      'call' in bearer
        ? observeCall('The copy of a bearer token', bearer.call)
        : observeRefused('API1 asks for a bearer token', bearer);
    return {
      asPredicted:
        (first.status === 200 || first.error === 'invalid_dpop_proof') && bound.call.status === 401,
      observations: [first, observeCall('The copy of a bound token', bound.call)],
      steps,
    };
  },
};

export const oldSignIn: Experiment = {
  name: 'old-sign-in',
  title: 'Do something important with an old sign-in',
  idea: 'API1 calls a route of API2 that wants a sign-in from the last five minutes, as a large payment does. The clock of this route is an hour ahead. It books nothing.',
  prediction:
    'API2 refuses and says how old a sign-in may be. API1 asks for no other token and passes the refusal on in its own name.',
  explanation:
    'The claim auth_time of a token says when you typed your password. Every exchange copies it, so no service can make a sign-in younger. You can: a client that reads this refusal sends you to the token service with max_age, and then sends the same request again. “Pay” does so from 500.00 on.',
  source: 'RFC 9470 §3, §5',
  async run({ api1 }) {
    const what = 'A call an hour after the sign-in';
    try {
      const { result, steps } = await api1.experiment('old-sign-in', z.object({ status: z.number() }));
      return { asPredicted: false, observations: [{ what, status: result.status }], steps };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      return refused(what, error, wantedSignInAge(error.challenge) === 300);
    }
  },
};

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
  idea: 'API1 gets a token to act for you and keeps a copy, as a thief would. Then this page ends your session, and API1 uses the copy.',
  prediction:
    'A route of API2 that checks only the token itself accepts it until it expires. A route that asks the token service refuses it at once, and every further exchange is refused.',
  explanation:
    'A signed token can be checked without a request. That is fast, but such a check does not notice a logout. So exchanged tokens live 300 seconds at most, services keep them in memory 60 seconds at most, and for a payment API2 asks the token service each time whether the login behind the token still lives.',
  source: 'RFC 7662 §2.2, RFC 9700 §4.14, OpenID Connect Back-Channel Logout §2',
  warning: 'This ends your session. You can sign in again here, and your results are kept.',
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

/** API1 may still keep a token of an earlier attempt that was not finished. That one is used first, and a new one kept. */
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
          ? {
              detail:
                'It was accepted: signature, audience and time are right, and the token service was not asked.',
            }
          : {}),
      },
      observeCall('Where API2 asks the token service', live),
      observeRefused('API1 asks for one more token', exchange),
    ],
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
