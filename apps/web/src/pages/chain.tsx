import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import type { Subscription } from '../api/api1.ts';
import { useApis } from '../api/apis-context.tsx';
import { CALLS, callQuery, type CallName, type MadeCall } from '../calls/calls.ts';
import { Button } from '../components/button.tsx';
import { CallSteps, useStepInAddress } from '../components/call-steps.tsx';
import { Fault } from '../components/fault.tsx';
import { Field } from '../components/field.tsx';
import { useHealing } from '../components/healing.ts';
import { Loading, Page, Skeleton } from '../components/page.tsx';
import { TokenCards } from '../components/token-cards.tsx';
import { formatDay } from '../text/dates.ts';
import css from './chain.module.css';

/** One call through the services, step by step, with the claims that each service could read in the token it received. */
export default function ChainPage() {
  const { api1, config } = useApis();
  const [query, setQuery] = useSearchParams();
  const choices = CALLS.filter(({ isExperiment }) => config.experiments || !isExperiment);
  const name = choices.find((choice) => choice.name === query.get('call'))?.name ?? 'chain';
  // The first view shows every exchange: services keep tokens for a while, and that is the second lesson.
  const [isFresh, setFresh] = useState(true);
  const call = useQuery(callQuery(api1, name, isFresh));
  const { error, isRetrying, retry } = useHealing(call);
  return (
    <Page
      title="What each service saw"
      lead="One call, made a moment ago, as the services themselves reported it. Choose a step to see the token that it carried."
    >
      <div className={css.choice}>
        <Field label="Call">
          {(control) => (
            <select
              {...control}
              className="input"
              value={name}
              onChange={(event) => setQuery({ call: event.target.value as CallName }, { replace: true })}
            >
              {choices.map(({ name: value, label }) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
        <label className="check">
          <input type="checkbox" checked={isFresh} onChange={(event) => setFresh(event.target.checked)} />
          <span>With a new token, so that no service has an exchanged one for it in memory</span>
        </label>
        <Button look="primary" isBusy={call.isFetching} onClick={retry}>
          {call.isFetching ? 'Calling…' : 'Call again'}
        </Button>
      </div>
      {call.isPending && !error && <LoadingCall />}
      {error && (
        <Fault title="The call could not be made" error={error} onRetry={retry} isRetrying={isRetrying} />
      )}
      {call.data && <Call key={call.dataUpdatedAt} call={call.data} />}
    </Page>
  );
}

function Call({ call }: { call: MadeCall }) {
  const { steps, refusal, subscription } = call;
  const inAddress = useStepInAddress(steps);
  return (
    <>
      <section className="card stack" aria-label="The call">
        {refusal !== undefined && <Fault title="The call was refused" error={refusal} />}
        {subscription !== undefined && <Answer subscription={subscription} />}
        <CallSteps steps={steps} headingLevel={2} {...inAddress} />
      </section>
      <section className="stack" aria-labelledby="tokens">
        <h2 id="tokens">The tokens, side by side</h2>
        <TokenCards steps={steps} />
      </section>
    </>
  );
}

/** The answer of the call itself. */
function Answer({ subscription }: { subscription: Subscription | null }) {
  if (!subscription) return <p className="muted">The answer: you have no subscription.</p>;
  const { plan, status, renewsAt } = subscription;
  const day = renewsAt ? formatDay(renewsAt.slice(0, 10)) : undefined;
  const standing =
    status === 'lapsed'
      ? `has lapsed${day ? `, on ${day}` : ''}`
      : `is ${status}${day ? `, until ${day}` : ''}`;
  return <p className="muted">{`The answer: your subscription${plan ? ` (${plan})` : ''} ${standing}.`}</p>;
}

function LoadingCall() {
  return (
    <>
      <Loading what="the call" />
      <Skeleton height="42rem" />
    </>
  );
}
