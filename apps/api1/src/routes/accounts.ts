import { authOf } from '@behalf/auth/express';
import type { RequestHandler } from 'express';
import type { Api2Client } from '../clients/api2.ts';
import { relay } from './relay.ts';

/** The user's token is for this service alone: the call to API2 carries another one, in which this service acts for the user. */
export const accounts =
  (api2: Api2Client): RequestHandler =>
  async (request, response) => {
    relay(response, await api2.accounts(authOf(request)));
  };
