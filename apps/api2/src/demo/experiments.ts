import type { Express, RequestHandler } from 'express';

/** A read with a live check that does nothing: API1's experiments compare it with a read that is checked offline. */
export function addExperiments(
  api: Express,
  forTheUser: readonly RequestHandler[],
  stillLive: RequestHandler,
): void {
  api.get('/experiments/live-check', ...forTheUser, stillLive, (_request, response) => {
    response.json({ live: true });
  });
}
