import { refusalOf, type Experiment } from './experiment.ts';

/** Asks for the scope that the policy allows and for one that it does not: the whole request is refused, nothing is narrowed. */
export const oneScopeTooMany: Experiment = {
  name: 'one-scope-too-many',
  run: async ({ token, delegation }) => ({
    refused: await refusalOf(delegation.delegate({ token, scopes: ['api2', 'api2.premium'] })),
  }),
};
