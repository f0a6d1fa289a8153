import * as z from 'zod/mini';
import type { Experiment } from './experiment.ts';

const problemSchema = z.looseObject({ title: z.optional(z.string()), detail: z.optional(z.string()) });

export const forwardedToken: Experiment = {
  name: 'forwarded-token',
  title: 'Forward the token instead of exchanging it',
  idea: 'API1 calls API2 twice: once with the very token that you sent to API1, once with one that it exchanged for it.',
  prediction: 'API2 refuses the forwarded token with 401 and takes the exchanged one.',
  explanation:
    'Your token says “for API1” in its aud claim, and API2 takes only tokens that say “for API2”. If it took yours, any service that you ever call could go on to every other one as you, and no one could tell it from you.',
  source: 'RFC 9068 §4, RFC 9700 §2.3',
  async run({ api1 }) {
    const { forwarded, delegated } = await api1.forwardedToken();
    const problem = problemSchema.safeParse(forwarded.problem);
    return {
      asPredicted: forwarded.status === 401 && delegated.status === 200,
      observations: [
        {
          what: 'Your own token, forwarded',
          status: forwarded.status,
          challenge: forwarded.challenge ?? undefined,
          detail: problem.success ? (problem.data.detail ?? problem.data.title) : undefined,
        },
        { what: 'The exchanged token', status: delegated.status },
      ],
    };
  },
};
