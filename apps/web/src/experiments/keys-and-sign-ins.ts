import * as z from 'zod/mini';
import { ApiError, wantedSignInAge } from '../api/api-client.ts';
import {
  callSchema,
  observeCall,
  observeRefused,
  refusedCall,
  refusedSchema,
  type Experiment,
} from './experiment.ts';

const stolenSchema = z.object({
  bearer: z.union([z.object({ call: callSchema }), refusedSchema]),
  bound: z.object({ call: callSchema }),
});

export const stolenToken: Experiment = {
  name: 'stolen-token',
  title: 'Steal the token',
  idea: 'API1 gets two tokens to act for you at API2: a bearer token, and one that is bound to a key. A thief copies both, and has no key.',
  guess: {
    question: 'Which copy does API2 accept from the thief?',
    options: ['Both: a token is a token.', 'Only the bearer token.', 'Neither: it knows who sent them.'],
    right: 1,
  },
  picture: [
    { from: 'api1', what: 'a copy of a bearer token', to: 'api2', passes: true },
    { from: 'api1', what: 'a copy of a bound token', to: 'api2', passes: false },
  ],
  code: 'bound',
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
      followsRule:
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
  guess: {
    question: 'What does API1 do when API2 refuses?',
    options: [
      'It asks for a fresh token, and tries again.',
      'It passes the refusal on: the sign-in must be younger.',
      'It asks you for your password.',
    ],
    right: 1,
  },
  picture: [
    { from: 'browser', what: 'a token of an old sign-in', to: 'api1', passes: true },
    { from: 'api1', what: 'a call that wants a recent one', to: 'api2', passes: false },
  ],
  code: 'recent',
  explanation:
    'The claim auth_time of a token says when you typed your password. Every exchange copies it, so no service can make a sign-in younger. You can: a client that reads this refusal sends you to the token service with max_age, and then sends the same request again. “Pay” does so from 500.00 on.',
  source: 'RFC 9470 §3, §5',
  async run({ api1 }) {
    const what = 'A call an hour after the sign-in';
    try {
      const { result, steps } = await api1.experiment('old-sign-in', z.object({ status: z.number() }));
      return { followsRule: false, observations: [{ what, status: result.status }], steps };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      return refusedCall(what, error, wantedSignInAge(error.challenge) === 300);
    }
  },
};
