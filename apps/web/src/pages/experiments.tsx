import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';
import { useApis } from '../api/apis-context.tsx';
import { useDeparture, useKept } from '../auth/session-context.tsx';
import { ExperimentCard } from '../components/experiment-card.tsx';
import { Notice, SignInProblemNotice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import {
  readResults,
  type Experiment,
  type ExperimentResult,
  type Results,
} from '../experiments/experiment.ts';
import { EXPERIMENTS, forwardedToken } from '../experiments/experiments.ts';
import css from './experiments.module.css';

/** In the memory of this page, which belongs to one user and outlives a look at another page. */
const TRIED = ['experiments', 'tried'];

/** Requests that must be refused, sent to the real services. */
export default function ExperimentsPage() {
  return useApis().config.experiments ? <Experiments /> : <SwitchedOff />;
}

function Experiments() {
  const kept = useKept('experiments');
  const departure = useDeparture();
  const cache = useQueryClient();
  const [brought] = useState(() => readResults(kept.load()));
  const [results, setResults] = useState<Results>(() => ({
    ...cache.getQueryData<Results>(TRIED),
    ...brought,
  }));
  const [query, setQuery] = useSearchParams();
  const chosen = EXPERIMENTS.find(({ name }) => name === query.get('name')) ?? forwardedToken;
  const wasAway = Object.keys(brought).length > 0;
  useEffect(() => kept.save(undefined), [kept]);
  const add = (experiment: Experiment, result: ExperimentResult) => {
    const all = { ...results, [experiment.name]: result };
    setResults(all);
    cache.setQueryDefaults(TRIED, { gcTime: Number.POSITIVE_INFINITY });
    cache.setQueryData(TRIED, all);
    // After this one every way on leads through a sign-in, which leaves the page.
    if (experiment.endsSession) kept.save(all);
  };
  return (
    <Page
      title="Experiments"
      lead="Each experiment breaks a rule on purpose. It runs against the real services and uses only your own tokens."
    >
      {wasAway && (
        <Notice tone="ok" title="You are signed in again">
          Your results are still here.
        </Notice>
      )}
      {departure.problem && <SignInProblemNotice tone="bad" problem={departure.problem} />}
      <div className={css.page}>
        <Choice
          results={results}
          chosen={chosen}
          onChoose={(name) => setQuery({ name }, { replace: true })}
        />
        <ExperimentCard
          key={chosen.name}
          experiment={chosen}
          result={results[chosen.name]}
          onResult={(result) => add(chosen, result)}
          onSignInAgain={() => departure.signIn()}
        />
      </div>
    </Page>
  );
}

interface ChoiceProps {
  readonly results: Results;
  readonly chosen: Experiment;
  readonly onChoose: (name: string) => void;
}

/** The experiments, which of them were tried, and how many. */
function Choice({ results, chosen, onChoose }: ChoiceProps) {
  const tried = EXPERIMENTS.filter(({ name }) => results[name]).length;
  return (
    <nav className={css.choice} aria-label="Experiments">
      <p className={css.progress}>{`${tried} of ${EXPERIMENTS.length} tried`}</p>
      <progress value={tried} max={EXPERIMENTS.length} aria-label="Experiments that you have tried" />
      <ol>
        {EXPERIMENTS.map(({ name, title }) => (
          <li key={name}>
            <button
              type="button"
              aria-current={name === chosen.name ? 'true' : undefined}
              onClick={() => onChoose(name)}
            >
              <span className={css.mark} aria-hidden="true">
                {results[name] ? '✓' : '○'}
              </span>
              <span>
                {title}
                {results[name] && <span className="visually-hidden">, tried</span>}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}

function SwitchedOff() {
  return (
    <Page title="Experiments" lead="They are switched off here.">
      <p className="muted">
        Experiments send wrong requests on purpose, so the operator has to switch them on (
        <code>EXPERIMENTS=on</code>).
      </p>
    </Page>
  );
}
