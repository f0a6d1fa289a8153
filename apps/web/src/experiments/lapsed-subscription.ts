import { ApiError } from '../api/api-error.ts';
import { stepsOfProblem, type Step } from '../api/steps.ts';
import { problemText } from '../text/fault-text.ts';
import type { Experiment, ExperimentResult } from './experiment.ts';

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
