import type { Experiment } from './experiment.ts';
import { forwardedToken } from './forwarded-token.ts';
import { lapsedSubscription } from './lapsed-subscription.ts';
import { straightToApi2 } from './straight-to-api2.ts';

/** In the order in which they tell the story. */
export const EXPERIMENTS: readonly Experiment[] = [forwardedToken, straightToApi2, lapsedSubscription];
