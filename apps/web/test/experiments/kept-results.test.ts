import { expect, it } from 'vitest';
import { MemoryStorage } from '../support/memory-storage.ts';
import { forgetResults, keepResults, keptResults, type Results } from '../../src/experiments/kept-results.ts';

const results: Results = {
  'after-logout': {
    asPredicted: true,
    observations: [{ what: 'asked', status: 401, detail: 'no' }],
    steps: [{ from: 'browser', to: 'api1', kind: 'call', at: 0, durationMs: 1, status: 200 }],
  },
};

it('are there again for the same user, and for nobody else', () => {
  const storage = new MemoryStorage();
  keepResults(storage, 'alice', results);
  expect(keptResults(storage, 'alice')).toEqual(results);
  expect(keptResults(storage, 'bob')).toEqual({});
  forgetResults(storage);
  expect(keptResults(storage, 'alice')).toEqual({});
});

it.each(['', 'null', '{', '{"subject":"alice","results":{"x":{"asPredicted":"yes"}}}'])(
  'are none when the storage holds %s',
  (text) => {
    const storage = new MemoryStorage();
    storage.setItem('behalf.experiments', text);
    expect(keptResults(storage, 'alice')).toEqual({});
  },
);
