// @vitest-environment happy-dom
import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { CannotRun, cannotRun } from '../../src/components/cannot-run.tsx';
import { MemoryStorage } from '../support/memory-storage.ts';

afterEach(cleanup);

/** A browser that is told to block site data, as Chrome behaves then. */
const denied = {
  isSecureContext: true,
  get sessionStorage(): Storage {
    throw new DOMException('denied', 'SecurityError');
  },
};

it.each([
  ['everything it needs', { isSecureContext: true, sessionStorage: new MemoryStorage() }, undefined],
  ['no storage', denied, 'storage'],
  ['no secure context', { isSecureContext: false, sessionStorage: new MemoryStorage() }, 'insecure'],
])('finds out that a browser gives %s', (_what, window, why) => {
  expect(cannotRun(window)).toBe(why);
});

it.each([
  ['storage', /Allow cookies and site data/],
  ['insecure', /begins with https/],
  ['set_up', /without its settings/],
] as const)('says what to do about %s in place of an empty window', (why, text) => {
  render(<CannotRun why={why} />);
  expect(screen.getByRole('heading', { level: 1 })).toBeTruthy();
  expect(screen.getByText(text)).toBeTruthy();
});
