import type { Experiment, ExperimentResult, Observation } from '../experiments/experiment.ts';
import css from '../pages/experiments.module.css';
import { originalText } from '../text/original-text.ts';
import { Details } from './notice.tsx';
import { Source } from './source.tsx';
import { StepByStep } from './step-by-step.tsx';

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
