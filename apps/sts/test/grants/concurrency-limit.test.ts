import { expect, test } from 'vitest';
import { createConcurrencyLimit } from '../../src/grants/subscriptions-client.ts';

const never = new AbortController().signal;

/** A task that runs until it is told to end. */
function pending() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const start = Promise.withResolvers<void>();
  let hasStarted = false;
  const task = async () => {
    hasStarted = true;
    start.resolve();
    return promise;
  };
  return { task, resolve, reject, started: start.promise, hasStarted: () => hasStarted };
}

test('runs as many tasks as allowed; the next starts when one ends', async () => {
  const run = createConcurrencyLimit({ maximum: 2, maximumWaiting: 2 });
  const [first, second, third] = [pending(), pending(), pending()];
  const results = [first, second, third].map(({ task }) => run(never, task));
  await Promise.all([first.started, second.started]);
  expect(third.hasStarted()).toBe(false);
  second.resolve('second');
  await third.started;
  first.resolve('first');
  third.resolve('third');
  expect(await Promise.all(results)).toEqual(['first', 'second', 'third']);
});

test('a task that fails gives its place up, too', async () => {
  const run = createConcurrencyLimit({ maximum: 1, maximumWaiting: 1 });
  const failing = pending();
  const failed = run(never, failing.task);
  const next = run(never, async () => 'next');
  failing.reject(new Error('down'));
  await expect(failed).rejects.toThrow('down');
  expect(await next).toBe('next');
  expect(await run(never, async () => 'later')).toBe('later');
});

test('turns a task away at once when the queue is full', async () => {
  const run = createConcurrencyLimit({ maximum: 1, maximumWaiting: 1 });
  const first = pending();
  const running = run(never, first.task);
  const waiting = run(never, async () => 'waited');
  expect(await run(never, async () => 'never')).toBeUndefined();
  first.resolve('first');
  expect(await Promise.all([running, waiting])).toEqual(['first', 'waited']);
});

test('a task whose time is over before its turn never runs, and leaves the queue', async () => {
  const run = createConcurrencyLimit({ maximum: 1, maximumWaiting: 1 });
  const [first, late] = [pending(), pending()];
  const running = run(never, first.task);
  const deadline = new AbortController();
  const waiting = run(deadline.signal, late.task);
  deadline.abort();
  expect(await waiting).toBeUndefined();
  const next = run(never, async () => 'next');
  first.resolve('first');
  expect(await Promise.all([running, next])).toEqual(['first', 'next']);
  expect(late.hasStarted()).toBe(false);
});
