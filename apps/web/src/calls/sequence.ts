import type { Claims, Step } from '../api/steps.ts';
import { partyLabel } from './services.ts';

/** A row of the sequence diagram. */
export interface SequenceRow {
  /** The step that it shows. */
  readonly step: number;
  readonly kind: 'call' | 'exchange' | 'cached' | 'issue' | 'answer';
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /** The refusal, if there was one: `401 invalid_token`. */
  readonly refusal: string | undefined;
  /** Milliseconds since the call began. */
  readonly at: number;
  readonly durationMs: number;
}

/** The browser and the token service are always on the left; the others stand in the order in which they come in. */
export function partiesOf(steps: readonly Step[]): readonly string[] {
  return [...new Set(['browser', 'sts', ...steps.flatMap(({ from, to }) => [from, to])])];
}

/** One row per step, in the order in which they began, and the answer to the browser at the end. */
export function rowsOf(steps: readonly Step[]): readonly SequenceRow[] {
  const rows = steps.map((step, index) => rowOf(steps, step, index));
  const [first] = steps;
  if (!first) return [];
  // That the first call was refused is said where it was answered: at the end, after what led to it.
  return [...rows, answerOf(first)].map((row, index) => (index === 0 ? { ...row, refusal: undefined } : row));
}

function rowOf(steps: readonly Step[], step: Step, index: number): SequenceRow {
  const { from, to, at, durationMs } = step;
  const timed = { step: index, at, durationMs, refusal: refusalOf(step) };
  if (step.kind === 'call') {
    const carried = carriedToken(steps, index);
    return { ...timed, kind: 'call', from, to, label: `${step.route ?? 'calls'}, ${carried}` };
  }
  if (step.kind === 'issue') return { ...timed, kind: 'issue', from, to, label: 'issues a token to itself' };
  const grant = grantLabel(step.grant);
  return step.cached === true
    ? { ...timed, kind: 'cached', from, to: from, label: `still has a token (${grant})` }
    : { ...timed, kind: 'exchange', from, to, label: `exchanges the token: ${grant}` };
}

function carriedToken(steps: readonly Step[], index: number): string {
  if (index === 0) return 'with your token';
  if (steps[index]?.from === 'sts') return 'with its own token';
  return precedingToken(steps, index)?.isForwarded === true
    ? 'with your own token, forwarded'
    : 'with an exchanged token';
}

function answerOf({ from, to, at, durationMs, ...first }: Step): SequenceRow {
  const refusal = refusalOf(first);
  return {
    step: 0,
    kind: 'answer',
    from: to,
    to: from,
    label: refusal === undefined ? 'answers' : 'refuses',
    refusal,
    at: at + durationMs,
    durationMs: 0,
  };
}

/** Undefined when it was not refused. */
export function refusalOf({ status, error }: Pick<Step, 'status' | 'error'>): string | undefined {
  if (status === null) return 'no answer';
  return status < 400 ? undefined : [status, error].filter(Boolean).join(' ');
}

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

export function grantLabel(grant: string | null | undefined): string {
  if (!grant || grant === TOKEN_EXCHANGE) return 'token exchange';
  return grant;
}

/** How long the whole call took, until the answer was ready. */
export function totalMs(steps: readonly Step[]): number {
  return Math.max(0, ...steps.map(({ at, durationMs }) => at + durationMs));
}

/** A step in one line, for a heading: who did what. */
export function titleOf({ from, to, kind, cached }: Step): string {
  const [sender, receiver] = [partyLabel(from), partyLabel(to)];
  if (kind === 'call') return `${sender} calls ${receiver}`;
  if (kind === 'issue') return `${sender} issues a token to itself`;
  return cached === true
    ? `${sender} still has a token in memory`
    : `${sender} exchanges its token at the token service`;
}

export interface PrecedingToken {
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
export function precedingToken(steps: readonly Step[], index: number): PrecedingToken | undefined {
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
