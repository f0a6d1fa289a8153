/** The calls that tell their steps. Experiments are offered only where they are switched on. */
export const CALLS = [
  { name: 'chain', label: 'The whole chain, to the last service', isExperiment: false },
  { name: 'insights', label: 'The premium report, for subscribers only', isExperiment: false },
  { name: 'forwarded-token', label: 'The same token forwarded, then exchanged', isExperiment: true },
  { name: 'one-scope-too-many', label: 'An exchange with one scope too many', isExperiment: true },
  { name: 'token-of-someone-else', label: 'An exchange of somebody else’s token', isExperiment: true },
  { name: 'spliced-chains', label: 'An exchange with an actor of another chain', isExperiment: true },
] as const;

export type CallName = (typeof CALLS)[number]['name'];
