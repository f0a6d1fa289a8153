import { useEffect, useState } from 'react';
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
import { EXPERIMENTS } from '../experiments/experiments.ts';

/** Requests that must be refused, sent to the real services. */
export default function ExperimentsPage() {
  return useApis().config.experiments ? <Experiments /> : <SwitchedOff />;
}

function Experiments() {
  const kept = useKept('experiments');
  const departure = useDeparture();
  const [results, setResults] = useState<Results>(() => readResults(kept.load()));
  const [wasAway] = useState(() => Object.keys(results).length > 0);
  useEffect(() => kept.save(undefined), [kept]);
  const add = (experiment: Experiment, result: ExperimentResult) => {
    const all = { ...results, [experiment.name]: result };
    setResults(all);
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
      {EXPERIMENTS.map((experiment) => (
        <ExperimentCard
          key={experiment.name}
          experiment={experiment}
          result={results[experiment.name]}
          onResult={(result) => add(experiment, result)}
          onSignInAgain={() => departure.signIn()}
        />
      ))}
    </Page>
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
