import { afterLogout } from './after-logout.ts';
import type { Experiment } from './experiment.ts';
import { forwardedToken } from './forwarded-token.ts';
import { lapsedSubscription } from './lapsed-subscription.ts';
import { oneScopeTooMany, splicedChains, tokenOfSomeoneElse } from './refused-exchange.ts';
import { straightToApi2 } from './straight-to-api2.ts';

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
