import * as z from 'zod/mini';
import { UnexpectedAnswer } from '../api/api-error.ts';
import type { Experiment, ExperimentPorts, ExperimentResult } from './experiment.ts';
import { callSchema, observeCall, observeRefused, refusedSchema } from './outcomes.ts';

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
