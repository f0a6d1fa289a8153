import { refusalOf, type Experiment } from './experiment.ts';

/** Presents a token that was meant for API2 as if it had been meant for this service (RFC 8693 §2.1). */
export const tokenOfSomeoneElse: Experiment = {
  name: 'token-of-someone-else',
  async run({ token, delegation }) {
    const { accessToken } = await delegation.delegate({ token, scopes: ['api2'] });
    return { refused: await refusalOf(delegation.delegate({ token: accessToken, scopes: ['api2'] })) };
  },
};
