import { authOf } from '@behalf/auth/express';
import type { RequestHandler } from 'express';
import type { Api2Client } from '../clients/api2.ts';
import { relay } from './relay.ts';

/** For a client that calls in its own name: the call to API2 has a token in which this service acts for that client. */
export const statistics =
  (api2: Api2Client): RequestHandler =>
  async (request, response) => {
    relay(response, await api2.statistics(authOf(request)));
  };
