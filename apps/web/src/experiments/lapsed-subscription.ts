import { ApiError } from '../api/api-error.ts';
import type { Experiment } from './experiment.ts';

export const lapsedSubscription: Experiment = {
  name: 'lapsed-subscription',
  title: 'Ask for the premium report',
  idea: 'API1 asks the token service for a premium token. The translation grant looks at your subscription first.',
  prediction:
    'With an active subscription (alice) it is granted; lapsed or missing (bob, carol), no token is issued at all.',
  explanation:
    'The right is decided where tokens are made. The token service asks the subscription service, with a 15-second token that it issued to itself, and only then grants. API2 never has to ask: a premium token without an active subscription does not exist.',
  source: 'RFC 6749 §4.5',
  async run({ api1 }) {
    try {
      await api1.insights();
      return {
        asPredicted: true,
        observations: [
          { what: 'The premium report', status: 200, detail: 'Granted: your subscription is active.' },
        ],
      };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 403) throw error;
      const { detail, title } = error.problem;
      return {
        asPredicted: true,
        observations: [
          { what: 'The premium report', status: 403, challenge: error.challenge, detail: detail ?? title },
        ],
      };
    }
  },
};
