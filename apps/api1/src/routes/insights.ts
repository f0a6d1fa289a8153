import { authOf } from '@behalf/auth/express';
import type { RequestHandler } from 'express';
import type { Api2Client } from '../clients/api2.ts';
import { relay } from './relay.ts';

/** API2's premium report. */
export const insights =
  (api2: Api2Client): RequestHandler =>
  async (request, response) => {
    relay(response, await api2.insights(authOf(request)));
  };
