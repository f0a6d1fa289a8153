import { originOf, type Origin } from '../calls/origin.ts';
import { grantLabel, refusalOf, titleOf } from '../calls/sequence.ts';
import { partyLabel } from '../calls/services.ts';
import { formatMs } from '../calls/show-time.ts';
import type { Step } from '../api/steps.ts';
import { ClaimsTable } from './claims-table.tsx';
import { asSentence } from './sentence.ts';
import css from './step-detail.module.css';

/** Of the step's title, one below what it stands under; its claims come another one below. */
export type StepHeadingLevel = 2 | 3;

export interface StepDetailProps {
  readonly steps: readonly Step[];
  readonly index: number;
  readonly headingLevel: StepHeadingLevel;
}

/** One step: what happened, how long it took, and the token on it beside the one that it came from. */
export function StepDetail({ steps, index, headingLevel }: StepDetailProps) {
  const step = steps[index];
  if (!step) return null;
  const origin = originOf(steps, index);
  const Heading = headingLevel === 2 ? 'h2' : 'h3';
  return (
    <div className={css.detail}>
      <div className="stack-tight">
        <Heading className={css.title} aria-live="polite">
          {titleOf(step)}
        </Heading>
        <Facts step={step} />
        <Outcome step={step} isFirst={index === 0} />
        <p className="prose">
          {[aboutToken(step, origin), aboutSubscription(step)].filter(Boolean).join(' ')}
        </p>
      </div>
      {step.claims && (
        <ClaimsTable
          after={step.claims}
          afterLabel={afterLabel(step)}
          headingLevel={headingLevel === 2 ? 3 : 4}
          {...(origin ? { before: origin.claims, beforeLabel: `at ${partyLabel(origin.holder)}` } : {})}
        />
      )}
    </div>
  );
}

function Facts({ step }: { step: Step }) {
  const { kind, route, grant, cached, at, durationMs, status } = step;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Route', kind === 'call' ? route : undefined],
    ['Grant', kind === 'exchange' ? grantLabel(grant) : undefined],
    [
      'Token',
      kind === 'exchange' ? (cached ? 'from memory, nobody was asked' : 'asked for just now') : undefined,
    ],
    ['Began after', formatMs(at)],
    ['Took', cached === true ? undefined : formatMs(durationMs)],
    ['Status', cached === true || status === null ? undefined : String(status)],
  ];
  return (
    <dl className={css.facts}>
      {facts.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="technical">{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

const REASONS: Readonly<Record<string, string>> = {
  subject_token: 'The token that was presented is no longer good, or was never meant for this.',
  policy: 'The delegation policy, or the user, does not allow it.',
  subscription: 'The subscription service says that there is no active subscription.',
  'wrong-actor': 'The service that acts is not the one that may.',
};

function Outcome({ step, isFirst }: { step: Step; isFirst: boolean }) {
  const refusal = refusalOf(step);
  if (refusal === undefined) return null;
  const who = partyLabel(step.to);
  const why = asSentence(step.description) ?? (step.reason === undefined ? undefined : REASONS[step.reason]);
  return (
    <div className="notice notice-bad">
      <strong>{step.status === null ? `${who} did not answer` : `${who} answered ${refusal}`}</strong>
      {why !== undefined && <p>{why}</p>}
      {isFirst && <p>Why is at the step where it happened.</p>}
    </div>
  );
}

function aboutToken(step: Step, origin: Origin | undefined): string {
  const [from, to] = [partyLabel(step.from), partyLabel(step.to)];
  if (!step.claims) {
    return step.kind === 'exchange'
      ? 'No token was issued, so there are no claims to show.'
      : 'Nothing is known about the token on this step.';
  }
  if (!origin)
    return 'Your own token: it was issued to this browser when you signed in, and it is good at API1 alone.';
  if (origin.isForwarded)
    return `The very token that ${from} had been sent, passed on as it is. Nothing in it says that ${from} acts now, and it was never meant for ${to}.`;
  return step.kind === 'exchange'
    ? `The token that ${from} got in exchange for the one it had been sent. What changed is marked; the token itself never reaches this page, only what it says.`
    : `The token that ${from} sent to ${to}, beside the one that ${from} had been sent. What changed is marked.`;
}

/** What the token service did before it answered is not a step: it is known only by what it says of it. */
function aboutSubscription({ kind, reason, claims }: Step): string | undefined {
  if (kind !== 'exchange') return undefined;
  if (claims?.['subscription'] !== undefined)
    return 'Before it issued this token, the token service asked the subscription service in its own name; what it was told stands in the claim “subscription”.';
  return reason === 'subscription'
    ? 'Before it refused, the token service asked the subscription service in its own name; of that call it told only how it ended, so nothing of it is drawn.'
    : undefined;
}

function afterLabel(step: Step): string {
  return step.kind === 'call' ? `at ${partyLabel(step.to)}` : 'exchanged';
}
