import { useMutation } from '@tanstack/react-query';
import { useId } from 'react';
import { useApis } from '../api/apis-context.tsx';
import type { Experiment, ExperimentResult } from '../experiments/experiment.ts';
import css from '../pages/experiments.module.css';
import { Button } from './button.tsx';
import { ExperimentOutcome } from './experiment-outcome.tsx';
import { Fault } from './fault.tsx';

export interface ExperimentCardProps {
  readonly experiment: Experiment;
  /** From an earlier try. */
  readonly result: ExperimentResult | undefined;
  readonly onResult: (result: ExperimentResult) => void;
  /** Leaves the page and comes back to it, with the results. */
  readonly onSignInAgain: () => void;
}

/** One experiment: what it does, the prediction, and after a try the result with its explanation. */
export function ExperimentCard({ experiment, result, onResult, onSignInAgain }: ExperimentCardProps) {
  const { api1, account, config } = useApis();
  const titleId = useId();
  const trial = useMutation({
    mutationFn: () => experiment.run({ api1, account, config }),
    onSuccess: onResult,
  });
  const isOver = experiment.endsSession === true && trial.isSuccess;
  return (
    <article className={`card ${css.experiment}`} aria-labelledby={titleId} id={experiment.name}>
      <div className="stack-tight">
        <h2 id={titleId}>{experiment.title}</h2>
        <p className="prose">{experiment.idea}</p>
      </div>
      <div className="stack-tight">
        <h3 className={css.label}>Prediction</h3>
        <p className="prose">{experiment.prediction}</p>
        {experiment.warning !== undefined && !isOver && <p className={css.warning}>{experiment.warning}</p>}
      </div>
      {!isOver && (
        <p>
          <Button
            look="primary"
            aria-describedby={titleId}
            isBusy={trial.isPending}
            onClick={() => trial.mutate()}
          >
            {trial.isPending ? 'Trying…' : result ? 'Try it again' : 'Try it'}
          </Button>
        </p>
      )}
      <div aria-live="polite" className={css.outcome}>
        {result && !trial.isPending && <ExperimentOutcome experiment={experiment} result={result} />}
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
