import type { Step } from '../api/steps.ts';
import { grantLabel, precedingToken, refusalOf, titleOf, type PrecedingToken } from '../calls/sequence.ts';
import { partyLabel } from '../calls/services.ts';
import { formatMs } from '../text/dates.ts';
import { ClaimsTable } from './claims-table.tsx';
import { Details } from './notice.tsx';
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
  const preceding = precedingToken(steps, index);
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
          {[aboutToken(step, preceding), aboutSubscription(step)].filter(Boolean).join(' ')}
        </p>
      </div>
      {step.claims && (
        <ClaimsTable
          after={step.claims}
          afterLabel={afterLabel(step)}
          headingLevel={headingLevel === 2 ? 3 : 4}
          {...(preceding
            ? { before: preceding.claims, beforeLabel: `at ${partyLabel(preceding.holder)}` }
            : {})}
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
      kind === 'exchange'
        ? cached
          ? 'from memory, without a request'
          : 'requested for this call'
        : undefined,
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
  subject_token: 'The token that was presented is no longer good, or was meant for another service.',
  policy: 'The rules of the token service do not allow it, or the user has taken the access back.',
  subscription: 'The subscription service has no active subscription for this user.',
  'wrong-actor': 'The service that acts is not the one that may.',
  invalid_scope: 'A scope lies outside what the policy allows.',
  invalid_grant: 'The token that was presented may not be exchanged.',
  invalid_token: 'The token is not one that this service accepts.',
  insufficient_scope: 'The token does not allow this.',
};

function Outcome({ step, isFirst }: { step: Step; isFirst: boolean }) {
  const refusal = refusalOf(step);
  if (refusal === undefined) return null;
  const who = partyLabel(step.to);
  const why = (step.reason && REASONS[step.reason]) ?? (step.error && REASONS[step.error]);
  return (
    <div className="notice notice-bad">
      <strong>{step.status === null ? `${who} did not answer` : `${who} answered ${refusal}`}</strong>
      {why && <p>{why}</p>}
      {isFirst && <p>The step that was refused says why.</p>}
      <Details text={step.description} />
    </div>
  );
}

function aboutToken(step: Step, preceding: PrecedingToken | undefined): string {
  const [from, to] = [partyLabel(step.from), partyLabel(step.to)];
  if (!step.claims) {
    return step.kind === 'exchange'
      ? 'No token was issued, so there are no claims to show.'
      : 'The services report nothing about the token of this step.';
  }
  if (!preceding)
    return 'Your own token. It was issued to this browser when you signed in, and only API1 accepts it.';
  if (preceding.isForwarded)
    return `The same token that ${from} was sent, forwarded as it is. Nothing in it says that ${from} acts now, and it was not issued for ${to}.`;
  return step.kind === 'exchange'
    ? `The token that ${from} got in exchange for the one that it was sent. Changes are marked. This page gets the claims alone, never the token.`
    : `The token that ${from} sent to ${to}, beside the one that ${from} was sent. Changes are marked.`;
}

/** The token service reports its own call to the subscription service only by its result, so that call is no step. */
function aboutSubscription({ kind, reason, claims }: Step): string | undefined {
  if (kind !== 'exchange') return undefined;
  if (claims?.['subscription'] !== undefined)
    return 'Before it issued this token, the token service asked the subscription service. The answer is in the claim “subscription”.';
  return reason === 'subscription'
    ? 'Before it refused, the token service asked the subscription service. It reports only the result of that call, so the diagram does not show it.'
    : undefined;
}

function afterLabel(step: Step): string {
  return step.kind === 'call' ? `at ${partyLabel(step.to)}` : 'exchanged';
}
