import * as z from 'zod/mini';
import type { Experiment } from './experiment.ts';
import { callSchema, observeCall } from './outcomes.ts';

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
