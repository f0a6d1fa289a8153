import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Chain, Claims, Subscription } from '../api/api1.ts';
import { ApiError } from '../api/api-error.ts';
import { useApis } from '../api/apis-context.tsx';
import { chainQuery, identityQuery } from '../api/queries.ts';
import { claimsOf, partiesOf, refusedSteps, serviceLabel, stepsOf } from '../claims/sequence.ts';
import { ClaimsTable } from '../components/claims-table.tsx';
import { Fault } from '../components/fault.tsx';
import { Page } from '../components/page.tsx';
import { formatDay } from '../money/dates.ts';
import { Sequence } from '../components/sequence.tsx';
import { Loading, Skeleton } from '../components/skeleton.tsx';

/** One call through every service, step by step, and what each service could read in the token that reached it. */
export default function ChainPage() {
  const { api1 } = useApis();
  const identity = useQuery(identityQuery(api1));
  const chain = useQuery(chainQuery(api1));
  return (
    <Page
      title="What each service saw"
      lead="One call, made a moment ago, from this browser down to the subscription service. Choose a step to see the token on it."
    >
      <p>
        <button
          type="button"
          className="button"
          disabled={chain.isFetching}
          onClick={() => void Promise.all([chain.refetch(), identity.refetch()])}
        >
          {chain.isFetching ? 'Calling…' : 'Call again'}
        </button>
      </p>
      {chain.isPending && <LoadingChain />}
      {chain.data && (
        <CallChain key={chain.dataUpdatedAt} chain={chain.data.chain} durationMs={chain.data.durationMs} />
      )}
      {chain.isError && (
        <>
          <Fault
            title="The call did not get through"
            error={chain.error}
            onRetry={() => void chain.refetch()}
          />
          {chain.error instanceof ApiError && <RefusedCall status={chain.error.status} />}
          {identity.data && <OwnToken claims={identity.data} />}
        </>
      )}
    </Page>
  );
}

function CallChain({ chain, durationMs }: { chain: Chain; durationMs: number }) {
  const steps = stepsOf(chain, durationMs);
  const firstDelegated = steps.findIndex(({ hop }) => hop === 1);
  const [selected, setSelected] = useState(Math.max(0, firstDelegated));
  const step = steps[selected];
  return (
    <>
      <section className="card stack" aria-label="The call">
        <Sequence parties={partiesOf(chain)} steps={steps} selected={selected} onSelect={setSelected} />
        <Answer subscription={chain.subscription ?? undefined} />
      </section>
      {step && <HopToken chain={chain} hop={step.hop} />}
    </>
  );
}

function RefusedCall({ status }: { status: number }) {
  const [selected, setSelected] = useState(1);
  return (
    <section className="card" aria-label="The call">
      <Sequence
        parties={partiesOf({ hops: [{ service: 'api1' }] })}
        steps={refusedSteps(status)}
        selected={selected}
        onSelect={setSelected}
      />
    </section>
  );
}

/** What the call was made for. */
function Answer({ subscription }: { subscription: Subscription | undefined }) {
  if (!subscription) return <p className="muted">The answer: there is no subscription of yours.</p>;
  const { plan, status, renewsAt } = subscription;
  const renewal = renewsAt ? `, until ${formatDay(renewsAt.slice(0, 10))}` : '';
  return (
    <p className="muted">{`The answer: your subscription${plan ? ` (${plan})` : ''} is ${status}${renewal}.`}</p>
  );
}

/** The token on one hop, beside the one it came from. */
function HopToken({ chain, hop }: { chain: Chain; hop: number }) {
  const [current, before] = [chain.hops[hop], chain.hops[hop - 1]];
  if (!current) return null;
  if (!before) return <OwnToken claims={claimsOf(current)} />;
  const [from, to] = [serviceLabel(before.service), serviceLabel(current.service)];
  return (
    <section className="card stack-tight" aria-labelledby="token" aria-live="polite">
      <h2 id="token">{`The token at ${to}, beside the one at ${from}`}</h2>
      <p className="muted">{`${from} exchanged the token that it had been given for this one. What changed is marked.`}</p>
      <ClaimsTable
        before={claimsOf(before)}
        after={claimsOf(current)}
        beforeLabel={`at ${from}`}
        afterLabel={`at ${to}`}
      />
    </section>
  );
}

function OwnToken({ claims }: { claims: Claims }) {
  return (
    <section className="card stack-tight" aria-labelledby="token" aria-live="polite">
      <h2 id="token">The token at API1: your own</h2>
      <p className="muted">It was issued to this browser when you signed in, and it is good at API1 alone.</p>
      <ClaimsTable after={claims} afterLabel="at API1" />
    </section>
  );
}

function LoadingChain() {
  return (
    <>
      <Loading what="the call" />
      <Skeleton height="34rem" />
      <Skeleton height="40rem" />
    </>
  );
}
