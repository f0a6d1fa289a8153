import { reportSteps } from '@behalf/service';

/** For routes whose answers tell the client, step by step, what happened: mounted before everything else of the route. */
export const reportedToBrowser = reportSteps({
  service: 'api1',
  caller: 'browser',
  claimsOf: (request) => request.auth?.claims,
});
