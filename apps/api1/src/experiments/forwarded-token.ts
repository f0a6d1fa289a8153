import { callOutcome, type Experiment } from './experiment.ts';

/** "Poor man's delegation": the user's own token is forwarded to API2, which refuses it; then a delegated one is used. */
export const forwardedToken: Experiment = {
  name: 'forwarded-token',
  async run({ token, delegation, upstream }) {
    const forwarded = await upstream.send({ path: '/accounts', accessToken: token });
    const delegated = await delegation.withToken(
      () => delegation.delegate({ token, scopes: ['api2'] }),
      ({ accessToken }) => upstream.send({ path: '/accounts', accessToken }),
    );
    return { forwarded: callOutcome(forwarded), delegated: { status: delegated.status } };
  },
};
