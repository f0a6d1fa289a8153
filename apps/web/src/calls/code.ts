import type { Step } from '../api/steps.ts';

/** A part of a file of this project, as it was when the client was built (excerpts.ts). */
export interface Excerpt {
  /** From the project's root. */
  readonly file: string;
  /** Number of the first line. */
  readonly line: number;
  readonly text: string;
}

declare const __EXCERPTS__: Readonly<Record<string, Excerpt>>;

/** The code of the project by name. */
export function excerpt(name: string): Excerpt | undefined {
  return Object.hasOwn(__EXCERPTS__, name) ? __EXCERPTS__[name] : undefined;
}

/** The code that did this step, or that refused it. */
export function codeOf({ kind, grant, to, from, route = '' }: Step): Excerpt | undefined {
  if (kind === 'issue') return excerpt('issue');
  if (kind === 'exchange') return excerpt(grant?.split(':').at(-1) ?? '');
  if (from === 'sts') return excerpt('subscriptions-client');
  if (route.includes('/experiments/careless')) return excerpt('careless');
  return excerpt(`call-${to}`);
}
