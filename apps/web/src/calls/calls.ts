/** The calls that tell their steps. All but the first are experiments, and are offered only where those are switched on. */
export const CALLS = [
  { name: 'chain', label: 'The whole chain, to the last service' },
  { name: 'forwarded-token', label: 'The same token forwarded, then exchanged' },
  { name: 'one-scope-too-many', label: 'An exchange with one scope too many' },
  { name: 'token-of-someone-else', label: 'An exchange of somebody else’s token' },
  { name: 'spliced-chains', label: 'An exchange with an actor of another chain' },
] as const;

export type CallName = (typeof CALLS)[number]['name'];
