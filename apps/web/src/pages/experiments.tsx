import { useMutation } from '@tanstack/react-query';
import { useId } from 'react';
import { useApis } from '../api/apis-context.tsx';
import { Fault } from '../components/fault.tsx';
import { asSentence } from '../components/sentence.ts';
import { Page } from '../components/page.tsx';
import type { Experiment, ExperimentResult, Observation } from '../experiments/experiment.ts';
import { EXPERIMENTS } from '../experiments/experiments.ts';
import css from './experiments.module.css';

/** Things that must not work, tried for real. */
export default function ExperimentsPage() {
  const { config } = useApis();
  if (!config.experiments) {
    return (
      <Page title="Experiments" lead="They are switched off here.">
        <p className="muted">
          Experiments send wrong requests on purpose, so they exist only where the operator has switched them
          on (<code>EXPERIMENTS=on</code>).
        </p>
      </Page>
    );
  }
  return (
    <Page
      title="Experiments"
      lead="Each one does something wrong on purpose, against the real services, with nobody’s tokens but yours."
    >
      {EXPERIMENTS.map((experiment) => (
        <ExperimentCard key={experiment.name} experiment={experiment} />
      ))}
    </Page>
  );
}

function ExperimentCard({ experiment }: { experiment: Experiment }) {
  const { api1, config } = useApis();
  const titleId = useId();
  const trial = useMutation({ mutationFn: () => experiment.run({ api1, config }) });
  return (
    <article className={`card ${css.experiment}`} aria-labelledby={titleId}>
      <div className="stack-tight">
        <h2 id={titleId}>{experiment.title}</h2>
        <p>{experiment.idea}</p>
      </div>
      <p>
        <span className={css.label}>Prediction</span>
        <br />
        {experiment.prediction}
      </p>
      <p>
        <button
          type="button"
          className="button button-primary"
          aria-describedby={titleId}
          aria-disabled={trial.isPending}
          onClick={() => !trial.isPending && trial.mutate()}
        >
          {trial.isPending ? 'Trying…' : trial.data ? 'Try it again' : 'Try it'}
        </button>
      </p>
      <div aria-live="polite">{trial.data && <Result experiment={experiment} result={trial.data} />}</div>
      {trial.isError && <Fault title="The experiment could not be run" error={trial.error} />}
    </article>
  );
}

function Result({ experiment, result }: { experiment: Experiment; result: ExperimentResult }) {
  return (
    <div className={css.experiment}>
      <div className="stack-tight">
        <p className="row">
          <span className={css.label}>What happened</span>
          <span className={`badge badge-${result.asPredicted ? 'ok' : 'warn'}`}>
            {result.asPredicted ? 'as predicted' : 'not as predicted'}
          </span>
        </p>
        <ul className={css.observations}>
          {result.observations.map((observation) => (
            <ObservationRow key={observation.what} observation={observation} />
          ))}
        </ul>
      </div>
      <p>
        <span className={css.label}>Why</span>
        <br />
        {experiment.explanation} <span className="muted">{experiment.source}</span>
      </p>
      {result.command !== undefined && (
        <div className="stack-tight">
          <span className={css.label}>See the rest, with a token of your own</span>
          <pre className={css.command}>{result.command}</pre>
        </div>
      )}
    </div>
  );
}

function ObservationRow({ observation }: { observation: Observation }) {
  const { what, status, challenge, detail } = observation;
  const isTaken = typeof status === 'number' && status < 400;
  return (
    <li className={css.observation}>
      <span className={`${css.status} ${isTaken ? css.ok : css.bad}`}>{status}</span>
      <span>{what}</span>
      {(detail !== undefined || challenge !== undefined) && (
        <span className={css.detail}>
          {detail !== undefined && <span className="muted">{asSentence(detail)}</span>}
          {challenge !== undefined && <code>{challenge}</code>}
        </span>
      )}
    </li>
  );
}
