import { useMutation } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { useApis } from '../api/apis-context.tsx';
import type { Experiment, ExperimentResult, Hop } from '../experiments/experiment.ts';
import css from '../pages/experiments.module.css';
import { Button } from './button.tsx';
import { ExperimentOutcome } from './experiment-outcome.tsx';
import { Fault } from './fault.tsx';
import { PartyChip } from './labels.tsx';
import { Prediction } from './prediction.tsx';

export interface ExperimentCardProps {
  readonly experiment: Experiment;
  /** From an earlier try. */
  readonly result: ExperimentResult | undefined;
  readonly onResult: (result: ExperimentResult) => void;
  /** Leaves the page and comes back to it, with the results. */
  readonly onSignInAgain: () => void;
}

/** One experiment: its picture, the visitor's prediction, and after a try the result, the rule and its code. */
export function ExperimentCard({ experiment, result, onResult, onSignInAgain }: ExperimentCardProps) {
  const { api1, account, config } = useApis();
  const titleId = useId();
  const [guess, setGuess] = useState<string>();
  const trial = useMutation({
    mutationFn: () => experiment.run({ api1, account, config }),
    onSuccess: onResult,
  });
  const isOver = experiment.endsSession === true && trial.isSuccess;
  const isTried = result !== undefined;
  return (
    <article className={`card ${css.experiment}`} aria-labelledby={titleId} id={experiment.name}>
      <div className="stack-tight">
        <h2 id={titleId}>{experiment.title}</h2>
        <p className="prose">{experiment.idea}</p>
      </div>
      <Picture hops={experiment.picture} isTold={isTried} />
      <Prediction guess={experiment.guess} chosen={guess} isOver={isTried} onChoose={setGuess} />
      {experiment.warning !== undefined && !isOver && <p className={css.warning}>{experiment.warning}</p>}
      {!isOver && (
        <p className="row">
          <Button
            look="primary"
            aria-describedby={titleId}
            isBusy={trial.isPending || (guess === undefined && !isTried)}
            onClick={() => trial.mutate()}
          >
            {trial.isPending ? 'Trying…' : isTried ? 'Try it again' : 'Try it'}
          </Button>
          {guess === undefined && !isTried && <span className="muted">First say what you expect.</span>}
        </p>
      )}
      <div aria-live="polite" className={css.outcome}>
        {result && !trial.isPending && (
          <ExperimentOutcome
            key={trial.submittedAt}
            experiment={experiment}
            result={result}
            isFirst={trial.isSuccess}
          />
        )}
      </div>
      {isOver && (
        <p className="row">
          <Button look="primary" onClick={onSignInAgain}>
            Sign in again
          </Button>
          <span className="muted">
            Your session has ended, as announced. After the sign-in you come back here.
          </span>
        </p>
      )}
      {trial.isError && <Fault title="The experiment could not be run" error={trial.error} />}
    </article>
  );
}

/** Who sends what to whom. Where it is stopped is told after the try. */
function Picture({ hops, isTold }: { hops: readonly Hop[]; isTold: boolean }) {
  return (
    <ol className={css.picture} aria-label="The attempt">
      {hops.map(({ from, what, to, passes }) => (
        <li key={`${from} ${what} ${to}`}>
          <PartyChip party={from} />
          <span className={passes || !isTold ? css.passes : css.stopped}>
            <span>{what}</span>
          </span>
          <PartyChip party={to} />
        </li>
      ))}
    </ol>
  );
}
