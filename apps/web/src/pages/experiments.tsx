import { useEffect, useState } from 'react';
import { useApis } from '../api/apis-context.tsx';
import { useDeparture, useUser } from '../auth/session-context.tsx';
import { ExperimentCard } from '../components/experiment-card.tsx';
import { Notice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import type { Experiment, ExperimentResult } from '../experiments/experiment.ts';
import { EXPERIMENTS } from '../experiments/experiments.ts';
import { forgetResults, keepResults, keptResults, type Results } from '../experiments/kept-results.ts';

/** Things that must not work, tried for real. */
export default function ExperimentsPage() {
  return useApis().config.experiments ? <Experiments /> : <SwitchedOff />;
}

function Experiments() {
  const { subject } = useUser();
  const departure = useDeparture();
  const [results, setResults] = useState<Results>(() => keptResults(sessionStorage, subject));
  const [wasAway] = useState(() => Object.keys(results).length > 0);
  useEffect(() => forgetResults(sessionStorage), []);
  const add = (experiment: Experiment, result: ExperimentResult) => {
    const all = { ...results, [experiment.name]: result };
    setResults(all);
    // From here every way on leads through a sign-in, which leaves the page.
    if (experiment.endsSession) keepResults(sessionStorage, subject, all);
  };
  return (
    <Page
      title="Experiments"
      lead="Each one does something wrong on purpose, against the real services, with nobody’s tokens but yours."
    >
      {wasAway && (
        <Notice tone="ok" title="You are signed in again">
          What you had found is still here.
        </Notice>
      )}
      {departure.failed && (
        <Notice tone="bad" title="The sign-in service cannot be reached">
          Try again in a moment.
        </Notice>
      )}
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
        Experiments send wrong requests on purpose, so they exist only where the operator has switched them on
        (<code>EXPERIMENTS=on</code>).
      </p>
    </Page>
  );
}
