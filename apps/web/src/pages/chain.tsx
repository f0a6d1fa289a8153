import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Subscription } from '../api/api1.ts';
import { useApis } from '../api/apis-context.tsx';
import { CALLS, type CallName } from '../calls/calls.ts';
import { callQuery } from '../calls/run-call.ts';
import { CallSteps } from '../components/call-steps.tsx';
import { Fault } from '../components/fault.tsx';
import { Field } from '../components/field.tsx';
import { Page } from '../components/page.tsx';
import { Loading, Skeleton } from '../components/skeleton.tsx';
import { formatDay } from '../money/dates.ts';
import css from './chain.module.css';

/** One call through the services, step by step as they told it, and what each could read in the token that reached it. */
export default function ChainPage() {
  const { api1, config } = useApis();
  const [name, setName] = useState<CallName>('chain');
  const [isFresh, setFresh] = useState(false);
  const call = useQuery(callQuery(api1, name, isFresh));
  const choices = CALLS.filter(({ isExperiment }) => config.experiments || !isExperiment);
  return (
    <Page
      title="What each service saw"
      lead="One call, made a moment ago, drawn from what the services themselves reported. Choose a step to see the token on it."
    >
      <div className={css.choice}>
        <Field label="Call">
          {(control) => (
            <select
              {...control}
              className="input"
              value={name}
              onChange={(event) => setName(event.target.value as CallName)}
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
          <span>With a token that no service has seen yet, so that none answers from memory</span>
        </label>
        <button
          type="button"
          className="button button-primary"
          aria-disabled={call.isFetching}
          onClick={() => !call.isFetching && void call.refetch()}
        >
          {call.isFetching ? 'Calling…' : 'Call again'}
        </button>
      </div>
      {call.isPending && <LoadingCall />}
      {call.isError && (
        <Fault title="The call could not be made" error={call.error} onRetry={() => void call.refetch()} />
      )}
      {call.data && (
        <section key={call.dataUpdatedAt} className="card stack" aria-label="The call">
          {call.data.refusal !== undefined && (
            <Fault title="The call did not get through" error={call.data.refusal} />
          )}
          {call.data.subscription !== undefined && <Answer subscription={call.data.subscription} />}
          <CallSteps steps={call.data.steps} headingLevel={2} />
        </section>
      )}
    </Page>
  );
}

/** What the call was made for. */
function Answer({ subscription }: { subscription: Subscription | null }) {
  if (!subscription) return <p className="muted">The answer: there is no subscription of yours.</p>;
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
      <Skeleton height="70rem" />
    </>
  );
}
