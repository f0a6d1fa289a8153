import { expect, it } from 'vitest';
import { readResults, type Results } from '../../src/experiments/experiment.ts';

const results: Results = {
  'after-logout': {
    followsRule: true,
    observations: [{ what: 'asked', status: 401, detail: 'no', original: 'nope' }],
    steps: [{ from: 'browser', to: 'api1', kind: 'call', at: 0, durationMs: 1, status: 200 }],
  },
};

it('are read as they were kept', () => {
  expect(readResults(JSON.parse(JSON.stringify(results)))).toEqual(results);
});

it.each([undefined, null, 'x', [], { x: { followsRule: 'yes' } }])('are none when %j was kept', (kept) => {
  expect(readResults(kept)).toEqual({});
});
