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
  followsRule: true,
  observations: [{ what: 'Asked for it', status: 400, error: 'invalid_scope', detail: 'not allowed' }],
};
const experiment: Experiment = {
  name: 'x',
  title: 'Do what one must not',
  idea: 'The idea',
  guess: { question: 'What happens?', options: ['It passes.', 'It is refused.'], right: 1 },
  picture: [{ from: 'api1', what: 'a wrong request', to: 'sts', passes: false }],
  code: 'decide',
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

const tryIt = async (option = 'It is refused.') => {
  await userEvent.click(screen.getByRole('radio', { name: option }));
  await userEvent.click(screen.getByRole('button', { name: 'Try it' }));
};

it('is not tried before the visitor has predicted, and explains only after', async () => {
  await show();
  await userEvent.click(screen.getByRole('button', { name: 'Try it' }));
  expect(screen.queryByText(/The explanation/)).toBeNull();
  await tryIt();
  expect(await screen.findByText('as the rule says')).toBeTruthy();
  expect(screen.getByText('You were right.')).toBeTruthy();
  expect(screen.getByText(/The explanation/)).toBeTruthy();
  expect(screen.getByText('invalid_scope')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Try it again' })).toBeTruthy();
});

it('tells a wrong prediction from a service that breaks the rule', async () => {
  await show({ run: async () => ({ ...result, followsRule: false }) });
  await tryIt('It passes.');
  expect(await screen.findByText('It went another way.')).toBeTruthy();
  expect(screen.getByText('not as the rule says')).toBeTruthy();
});

it('shows the code of the rule with its place', async () => {
  await show();
  await tryIt();
  expect(await screen.findByText(/^apps\/sts\/src\/registry\/decide-delegation\.ts:\d+–\d+$/)).toBeTruthy();
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
  expect(await screen.findByText('as the rule says')).toBeTruthy();
  expect(screen.queryByRole('button', { name: /Try it/ })).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Sign in again' }));
  expect(seen.signIns).toBe(1);
});
