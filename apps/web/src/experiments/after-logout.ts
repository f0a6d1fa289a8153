import * as z from 'zod/mini';
import { UnexpectedAnswer } from '../api/api-client.ts';
import type { Api1 } from '../api/api1.ts';
import {
  callSchema,
  observeCall,
  observeRefused,
  refusedSchema,
  type Experiment,
  type ExperimentResult,
} from './experiment.ts';

const readySchema = z.object({
  state: z.enum(['ready', 'done']),
  /** Epoch seconds: when the copy expires. */
  expires_at: z.optional(z.number()),
});
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
  guess: {
    question: 'Where does the copy still work after you have signed out?',
    options: [
      'Nowhere.',
      'Everywhere, until it expires.',
      'Where a service checks the token alone, until it expires.',
    ],
    right: 2,
  },
  picture: [
    { from: 'browser', what: 'signs out', to: 'sts', passes: true },
    { from: 'api1', what: 'a copy of its token', to: 'api2', passes: false },
  ],
  code: 'live',
  explanation:
    'A signed token can be checked without a request. That is fast, but such a check does not notice a logout. So exchanged tokens live 300 seconds at most, services keep them in memory 60 seconds at most, and for a payment API2 asks the token service each time whether the login behind the token still lives.',
  source: 'RFC 7662 §2.2, RFC 9700 §4.14, OpenID Connect Back-Channel Logout §2',
  warning: 'This ends your session. You can sign in again here, and your results are kept.',
  endsSession: true,
  async run({ account, api1 }) {
    // First of all, since afterwards the session can no longer say which one it was.
    const current = (await account.sessions()).find((session) => session.current);
    if (!current) throw new UnexpectedAnswer('No session is said to be this one.');
    await keepCopy(api1);
    await account.endSession(current.id);
    return spendCopy(api1);
  },
};

/** API1 may still keep a token of an earlier attempt that was not finished. That one is used first, and a new one kept. */
export async function keepCopy(api1: Api1): Promise<{ readonly expires_at: number }> {
  let { result } = await api1.experiment('after-logout', readySchema);
  if (result.state === 'done') ({ result } = await api1.experiment('after-logout', readySchema));
  return { expires_at: result.expires_at ?? 0 };
}

/** API1 uses the copy where it is checked offline and where the token service is asked, and asks for one more token. */
export async function spendCopy(api1: Api1): Promise<ExperimentResult> {
  const { result, steps } = await api1.experiment('after-logout', doneSchema);
  return { ...observe(result), steps };
}

function observe({ offline, live, exchange }: z.infer<typeof doneSchema>): Omit<ExperimentResult, 'steps'> {
  return {
    followsRule: offline.status === 200 && live.status === 401 && exchange.refused !== null,
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
