import { useMutation } from '@tanstack/react-query';
import { useId } from 'react';
import { useApis } from '../api/apis-context.tsx';
import type { Experiment, ExperimentResult, Observation } from '../experiments/experiment.ts';
import css from '../pages/experiments.module.css';
import { originalText } from '../text/original-text.ts';
import { Button } from './button.tsx';
import { StepByStep } from './call-steps.tsx';
import { Fault } from './fault.tsx';
import { Source } from './labels.tsx';
import { Details } from './notice.tsx';

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

/** The result of an experiment, and why it is so. */
export function ExperimentOutcome({
  experiment,
  result,
}: {
  experiment: Experiment;
  result: ExperimentResult;
}) {
  const { asPredicted, observations, steps, command } = result;
  return (
    <>
      <div className="stack-tight">
        <div className="row">
          <h3 className={css.label}>What happened</h3>
          <span className={`badge badge-${asPredicted ? 'ok' : 'warn'}`}>
            {asPredicted ? 'as predicted' : 'not as predicted'}
          </span>
        </div>
        <ul className={css.observations}>
          {observations.map((observation) => (
            <ObservationRow key={observation.what} observation={observation} />
          ))}
        </ul>
      </div>
      <div className="stack-tight">
        <h3 className={css.label}>Why</h3>
        <p className="prose">
          {experiment.explanation} <Source text={experiment.source} />
        </p>
      </div>
      {command !== undefined && (
        <div className="stack-tight">
          <h3 className={css.label}>The same from a command line, with a token of your own</h3>
          <pre className={css.command}>{command}</pre>
        </div>
      )}
      {steps && steps.length > 0 && <StepByStep steps={steps} />}
    </>
  );
}

function ObservationRow({ observation }: { observation: Observation }) {
  const { what, status, error, challenge, detail, original } = observation;
  const isTaken = typeof status === 'number' && status < 400;
  const words = typeof status === 'string' ? css.inWords : '';
  return (
    <li className={css.observation}>
      <span className={`${css.status} ${isTaken ? css.ok : css.bad} ${words}`}>{status}</span>
      <span className={css.what}>
        {what}
        {error !== undefined && <code className={css.bad}>{originalText(error)}</code>}
      </span>
      {(detail !== undefined || challenge !== undefined || original !== undefined) && (
        <span className={css.detail}>
          {detail !== undefined && <span className="muted">{detail}</span>}
          {challenge !== undefined && <code>{originalText(`WWW-Authenticate: ${challenge}`)}</code>}
          <Details text={original} />
        </span>
      )}
    </li>
  );
}
