import { Link } from 'react-router';
import { useApis } from '../api/apis-context.tsx';
import type { Step } from '../api/steps.ts';
import { useUser } from '../auth/session-context.tsx';
import { codeOf } from '../calls/code.ts';
import { grantLabel, precedingToken, refusalOf, titleOf, type PrecedingToken } from '../calls/sequence.ts';
import { partyLabel } from '../calls/services.ts';
import { tokenInWords } from '../calls/tokens.ts';
import { wireOf } from '../calls/wire.ts';
import { formatMs } from '../text/dates.ts';
import { ActCards } from './act-cards.tsx';
import { ClaimsTable } from './claims-table.tsx';
import { CodeListing, Listing } from './listing.tsx';
import { Details } from './notice.tsx';
import css from './step-detail.module.css';
import { Tabs } from './tabs.tsx';

/** Of the step's title, one below what it stands under; its claims come another one below. */
export type StepHeadingLevel = 2 | 3;

export interface StepDetailProps {
  readonly steps: readonly Step[];
  readonly index: number;
  readonly headingLevel: StepHeadingLevel;
  readonly tab: StepTab;
  readonly onTab: (tab: StepTab) => void;
}

const TABS = [
  ['changed', 'What changed'],
  ['request', 'Request'],
  ['answer', 'Response'],
  ['code', 'Code'],
  ['curl', 'curl'],
] as const;

export type StepTab = (typeof TABS)[number][0];

/** Undefined for a word that is no tab. */
export function stepTabOf(word: string | null): StepTab | undefined {
  return TABS.find(([name]) => name === word)?.[0];
}

/** One step: what happened, and in tabs its token beside the one that it came from, the wire, the code and a command. */
export function StepDetail({ steps, index, headingLevel, tab, onTab }: StepDetailProps) {
  const step = steps[index];
  if (!step) return null;
  const Heading = headingLevel === 2 ? 'h2' : 'h3';
  return (
    <div className={css.detail}>
      <div className="stack-tight">
        <Heading className={css.title} aria-live="polite">
          {titleOf(step)}
        </Heading>
        <Facts step={step} />
        <Outcome step={step} isFirst={index === 0} />
      </div>
      <Tabs label="This step" tabs={TABS} selected={tab} onSelect={onTab}>
        <Panel steps={steps} index={index} headingLevel={headingLevel} tab={tab} />
      </Tabs>
    </div>
  );
}

function Panel({ steps, index, headingLevel, tab }: Omit<StepDetailProps, 'onTab'>) {
  const { config } = useApis();
  const step = steps[index];
  if (!step) return null;
  const { request, answer, curl } = wireOf(step, config);
  const code = codeOf(step);
  switch (tab) {
    case 'changed':
      return <WhatChanged steps={steps} index={index} headingLevel={headingLevel} />;
    case 'request':
      return request === undefined ? (
        <p>{noRequest(step)}</p>
      ) : (
        <>
          <p className="muted">
            As the service sent it. Tokens and secrets are …, and never reach this page.
          </p>
          <Listing text={request} what="request" />
        </>
      );
    case 'answer':
      return <Listing text={answer} what="response" />;
    case 'code':
      return code ? <CodeListing code={code} /> : <p>This step is the browser’s own.</p>;
    case 'curl':
      return curl === undefined ? (
        <p>{noRequest(step)}</p>
      ) : (
        <>
          <p className="muted">
            The same from a command line. Put a token and a secret of your own into the variables.
          </p>
          <Listing text={curl} what="command" />
        </>
      );
  }
}

function noRequest({ kind }: Step): string {
  return kind === 'issue'
    ? 'No request was sent. The token service issues this token in its own process, without a secret.'
    : 'No request was sent. The service still had the token in memory.';
}

function WhatChanged({
  steps,
  index,
  headingLevel,
}: Pick<StepDetailProps, 'steps' | 'index' | 'headingLevel'>) {
  const { config } = useApis();
  const { name } = useUser();
  const step = steps[index];
  if (!step) return null;
  const preceding = precedingToken(steps, index);
  const { claims } = step;
  const words = claims && tokenInWords(claims, { holder: step.from, step: index }, config);
  return (
    <>
      <p className="prose">
        {[aboutToken(step, preceding), aboutSubscription(step)].filter(Boolean).join(' ')}
      </p>
      {words && words.actors.length > 0 && (
        <div>
          <ActCards actors={words.actors} person={name} />
        </div>
      )}
      {claims && (
        <ClaimsTable
          after={claims}
          afterLabel={afterLabel(step)}
          headingLevel={headingLevel === 2 ? 3 : 4}
          {...(preceding
            ? { before: preceding.claims, beforeLabel: `at ${partyLabel(preceding.holder)}` }
            : {})}
        />
      )}
      {claims?.['act'] !== undefined && step.kind === 'exchange' && step.status === 200 && (
        <p>
          <Link to={`/delegations#${String(claims['jti'])}`}>This token under “Who acted for me”</Link>
        </p>
      )}
    </>
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
  policy: 'The token service does not allow this exchange.',
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
  if (step.kind === 'issue')
    return 'The token service needs to ask another service something. So it issues a token to itself: about no person, for that one service, with one right, for 15 seconds. No secret is used, and no request is made.';
  if (step.from === 'sts')
    return 'The token that the token service has just issued to itself. It names no person and no actor: the token service asks in its own name.';
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

function aboutSubscription({ kind, reason, claims }: Step): string | undefined {
  if (kind !== 'exchange') return undefined;
  if (claims?.['subscription'] !== undefined)
    return 'Before it issued this token, the token service asked the subscription service; these are the next two steps. The answer is in the claim “subscription”.';
  return reason === 'subscription'
    ? 'Before it refused, the token service asked the subscription service; these are the next two steps.'
    : undefined;
}

function afterLabel(step: Step): string {
  return step.kind === 'call' ? `at ${partyLabel(step.to)}` : 'exchanged';
}
