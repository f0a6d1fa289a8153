import { authOf } from '@behalf/auth/express';
import type { RequestHandler } from 'express';
import type { Api2Client } from '../clients/api2.ts';

/** Runs the whole chain and tells the decoded claims that each service saw, never a token. */
export const chain =
  (api2: Api2Client): RequestHandler =>
  async (request, response) => {
    const caller = authOf(request);
    const { hops, subscription } = await api2.chain(caller);
    response.json({ hops: [{ service: 'api1', ...caller.claims }, ...hops], subscription });
  };
