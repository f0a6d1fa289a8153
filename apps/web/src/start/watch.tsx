import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Link } from 'react-router';
import { useApis } from '../api/apis-context.tsx';
import type { Step } from '../api/steps.ts';
import { callQuery } from '../calls/calls.ts';
import { partiesOf, rowsOf, totalMs } from '../calls/sequence.ts';
import { Button } from '../components/button.tsx';
import { Fault } from '../components/fault.tsx';
import { useHealing } from '../components/healing.ts';
import { Loading, Skeleton } from '../components/page.tsx';
import { Sequence } from '../components/sequence.tsx';
import { TokenCards } from '../components/token-cards.tsx';
import { narrate } from './narration.ts';
import css from './start.module.css';

const PAUSE_MS = 3_500;

/** A call with a new token, so that every exchange happens, and its steps one after the other. */
export function Watch({ onDone }: { onDone: () => void }) {
  const { api1 } = useApis();
  const call = useQuery(callQuery(api1, 'chain', true));
  const { error, isRetrying, retry } = useHealing(call);
  return (
    <>
      <p className="lead">
        You ask for your subscription. Three services work on it, one after the other. How does the last one
        know that it is you, and who is asking for you?
      </p>
      {call.isPending && !error && (
        <>
          <Loading what="the call" />
          <Skeleton height="30rem" />
        </>
      )}
      {error && (
        <Fault title="The call could not be made" error={error} onRetry={retry} isRetrying={isRetrying} />
      )}
      {call.data && <Play key={call.dataUpdatedAt} steps={call.data.steps} onDone={onDone} />}
    </>
  );
}

function Play({ steps, onDone }: { steps: readonly Step[]; onDone: () => void }) {
  const rows = rowsOf(steps);
  const last = rows.length - 1;
  const [at, setAt] = useState(0);
  const [reached, setReached] = useState(0);
  // Somebody who does not want motion goes on by themselves.
  const [isPlaying, setPlaying] = useState(() => !matchMedia('(prefers-reduced-motion: reduce)').matches);
  const go = (index: number) => {
    setAt(index);
    setReached(Math.max(reached, index));
  };
  useEffect(() => {
    if (!isPlaying || at >= last) return;
    const timer = setTimeout(() => {
      setAt(at + 1);
      setReached((before) => Math.max(before, at + 1));
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [isPlaying, at, last]);
  const row = rows[at];
  if (!row) return null;
  const isOver = reached >= last;
  return (
    <>
      <section className={`card ${css.play}`} aria-label="The call">
        <Sequence
          parties={partiesOf(steps)}
          rows={rows}
          totalMs={totalMs(steps)}
          selected={at}
          shown={reached + 1}
          onSelect={(index) => {
            setPlaying(false);
            go(index);
          }}
        />
        <div className={css.narration}>
          <p className="muted">{`Step ${at + 1} of ${rows.length}`}</p>
          <p className={css.text} aria-live="polite">
            {narrate(row, rows)}
          </p>
          <p className="row">
            <Button
              look={isOver ? 'plain' : 'primary'}
              isBusy={at >= last}
              onClick={() => {
                setPlaying(false);
                go(at + 1);
              }}
            >
              Next step
            </Button>
            {!isOver && (
              <Button onClick={() => setPlaying(!isPlaying)}>{isPlaying ? 'Pause' : 'Play'}</Button>
            )}
            <Button
              isBusy={isOver}
              onClick={() => {
                setPlaying(false);
                go(last);
              }}
            >
              Show all
            </Button>
          </p>
        </div>
      </section>
      <section className="stack" aria-labelledby="tokens">
        <h2 id="tokens">The tokens so far</h2>
        <TokenCards
          steps={steps}
          upTo={Math.min(rows[reached]?.kind === 'answer' ? Infinity : reached, Infinity)}
        />
        {isOver && (
          <>
            <p className="prose">
              The claim act is that chain: who acts now, and on whose behalf. One more kind of token is not in
              this call: the token service issues one to itself when it has a question of its own.{' '}
              <Link to="/chain?call=insights">See it in the call for the premium report</Link>.
            </p>
            <p className="row">
              <Button look="primary" onClick={onDone}>
                Next: break it
              </Button>
            </p>
          </>
        )}
      </section>
    </>
  );
}
