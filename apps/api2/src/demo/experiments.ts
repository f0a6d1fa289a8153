import { requireRecentAuthentication } from '@behalf/auth/express';
import type { Express, RequestHandler } from 'express';

const AN_HOUR_SECONDS = 3600;

/**
 * Routes that do nothing, for API1's experiments: one with a live check, to compare with reads that are checked offline,
 * and one that wants a recent sign-in and whose clock is an hour ahead.
 */
export function addExperiments(
  api: Express,
  forTheUser: readonly RequestHandler[],
  stillLive: RequestHandler,
  now: () => number,
): void {
  const anHourAhead = () => now() + AN_HOUR_SECONDS;
  const recentSignIn = requireRecentAuthentication({ maxAgeSeconds: 300, now: anHourAhead });
  api.get('/experiments/live-check', ...forTheUser, stillLive, (_request, response) => {
    response.json({ live: true });
  });
  api.get('/experiments/old-sign-in', ...forTheUser, recentSignIn, (_request, response) => {
    response.json({ recent: true });
  });
}
