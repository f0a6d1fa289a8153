import type { Experiment, ExperimentResult, Observation } from '../experiments/experiment.ts';
import css from '../pages/experiments.module.css';
import { excerpt } from '../calls/code.ts';
import { originalText } from '../text/original-text.ts';
import { StepByStep } from './call-steps.tsx';
import { Source } from './labels.tsx';
import { CodeListing, Listing } from './listing.tsx';
import { Details } from './notice.tsx';

/** The result of an experiment, and why it is so. */
export function ExperimentOutcome({
  experiment,
  result,
  isFirst = false,
}: {
  experiment: Experiment;
  result: ExperimentResult;
  /** It was tried just now: its steps are open. */
  isFirst?: boolean;
}) {
  const { followsRule, observations, steps, command } = result;
  const code = excerpt(experiment.code);
  return (
    <>
      <div className="stack-tight">
        <div className="row">
          <h3 className={css.label}>What happened</h3>
          <span className={`badge badge-${followsRule ? 'ok' : 'warn'}`}>
            {followsRule ? 'as the rule says' : 'not as the rule says'}
          </span>
        </div>
        <ObservationList observations={observations} />
      </div>
      <div className="stack-tight">
        <h3 className={css.label}>The rule</h3>
        <p className="prose">
          {experiment.explanation} <Source text={experiment.source} />
        </p>
        {code && (
          <details className={css.code}>
            <summary>The code of the rule</summary>
            <CodeListing code={code} />
          </details>
        )}
      </div>
      {command !== undefined && (
        <div className="stack-tight">
          <h3 className={css.label}>The same from a command line, with a token of your own</h3>
          <Listing text={command} what="command" />
        </div>
      )}
      {steps && steps.length > 0 && <StepByStep steps={steps} isOpen={isFirst} />}
    </>
  );
}

/** What was tried, each with its status and its words. */
export function ObservationList({ observations }: { observations: readonly Observation[] }) {
  return (
    <ul className={css.observations}>
      {observations.map((observation) => (
        <ObservationRow key={observation.what} observation={observation} />
      ))}
    </ul>
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
