import { refusalOf, type Experiment } from './experiment.ts';

/** Takes the subject from one chain and the actor from another: a user's token as actor token, which only a client's own may be. */
export const splicedChains: Experiment = {
  name: 'spliced-chains',
  async run({ token, delegation }) {
    const { accessToken } = await delegation.delegate({ token, scopes: ['api2'] });
    return {
      refused: await refusalOf(
        delegation.exchange({ subjectToken: token, actorToken: accessToken, scopes: ['api2'] }),
      ),
    };
  },
};
