import type { Claims, Step } from '../api/steps.ts';

export interface Origin {
  /** The claims of the token that this one came from. */
  readonly claims: Claims;
  /** Who held that token: the party that exchanged it. */
  readonly holder: string;
  /** It is the same token: it was passed on and not exchanged. */
  readonly isForwarded: boolean;
}

/**
 * Where the token of a step came from: the token that its sender had last been called with. Undefined for the browser's
 * own token and for a step without one. The steps do not say which token was presented, so this is what is usual.
 */
export function originOf(steps: readonly Step[], index: number): Origin | undefined {
  const step = steps[index];
  if (!step?.claims) return undefined;
  const received = steps.slice(0, index).findLast(({ kind, to }) => kind === 'call' && to === step.from);
  if (!received?.claims) return undefined;
  return {
    claims: received.claims,
    holder: step.from,
    isForwarded: received.claims['jti'] !== undefined && received.claims['jti'] === step.claims['jti'],
  };
}
