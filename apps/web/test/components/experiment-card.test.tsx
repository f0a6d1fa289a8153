// @vitest-environment happy-dom
import { cleanup, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, expect, it } from 'vitest';
import { NoAnswer } from '../../src/api/api-client.ts';
import { ExperimentCard } from '../../src/components/experiment-card.tsx';
import type { Experiment, ExperimentResult } from '../../src/experiments/experiment.ts';
import { renderSignedIn } from '../support/rendered.tsx';

afterEach(cleanup);

const result: ExperimentResult = {
  asPredicted: true,
  observations: [{ what: 'Asked for it', status: 400, error: 'invalid_scope', detail: 'not allowed' }],
};
const experiment: Experiment = {
  name: 'x',
  title: 'Do what one must not',
  idea: 'The idea',
  prediction: 'The prediction',
  explanation: 'The explanation',
  source: 'RFC 8693 §2.1',
  run: async () => result,
};

async function show(changes: Partial<Experiment> = {}): Promise<{ signIns: number }> {
  const seen = { signIns: 0 };
  function Host() {
    const [known, setKnown] = useState<ExperimentResult>();
    return (
      <ExperimentCard
        experiment={{ ...experiment, ...changes }}
        result={known}
        onResult={setKnown}
        onSignInAgain={() => seen.signIns++}
      />
    );
  }
  await renderSignedIn(<Host />, 'http://127.0.0.1:9');
  return seen;
}

const tryIt = () => userEvent.click(screen.getByRole('button', { name: 'Try it' }));

it('gives the prediction before, and the explanation only after', async () => {
  await show();
  expect(screen.getByText('The prediction')).toBeTruthy();
  expect(screen.queryByText(/The explanation/)).toBeNull();
  await tryIt();
  expect(await screen.findByText('as predicted')).toBeTruthy();
  expect(screen.getByText(/The explanation/)).toBeTruthy();
  expect(screen.getByText('invalid_scope')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Try it again' })).toBeTruthy();
});

it('says so when it went another way than predicted', async () => {
  await show({ run: async () => ({ ...result, asPredicted: false }) });
  await tryIt();
  expect(await screen.findByText('not as predicted')).toBeTruthy();
});

it('says that it could not be run, and claims no result', async () => {
  await show({
    run: async () => {
      throw new NoAnswer('No answer came.');
    },
  });
  await tryIt();
  expect(await screen.findByRole('alert')).toBeTruthy();
  expect(screen.queryByText('What happened')).toBeNull();
});

it('offers a new sign-in beside the result when it has ended the session', async () => {
  const seen = await show({ endsSession: true, warning: 'It signs you out.' });
  expect(screen.getByText('It signs you out.')).toBeTruthy();
  await tryIt();
  expect(await screen.findByText('as predicted')).toBeTruthy();
  expect(screen.queryByRole('button', { name: /Try it/ })).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Sign in again' }));
  expect(seen.signIns).toBe(1);
});
