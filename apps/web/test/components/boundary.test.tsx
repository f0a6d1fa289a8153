// @vitest-environment happy-dom
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { Suspense, type ComponentType } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Boundary, lazyPage } from '../../src/components/boundary.tsx';
import { WaitingContext } from '../../src/components/healing.ts';

/** Whether the host of the page answers, and how often the page was loaded again. */
let hostAnswers: boolean;
let reloads: number;

beforeEach(() => {
  hostAnswers = true;
  reloads = 0;
  sessionStorage.clear();
  vi.stubGlobal('fetch', async () => {
    if (!hostAnswers) throw new TypeError('Failed to fetch');
    return new Response(null, { status: 200 });
  });
  vi.spyOn(location, 'reload').mockImplementation(() => void reloads++);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function show(Page: ComponentType, pausesSeconds = [60]) {
  render(
    <WaitingContext value={{ pausesSeconds, slowAfterMs: 60_000 }}>
      <Boundary>
        <Suspense fallback="loading">
          <Page />
        </Suspense>
      </Boundary>
    </WaitingContext>,
  );
}

const gone = () =>
  lazyPage(() => Promise.reject(new TypeError('Failed to fetch dynamically imported module')));

it('says that a page has failed while rendering, and offers a way on', () => {
  show(() => {
    throw new Error('name.trim is not a function');
  });
  expect(screen.getByRole('heading', { name: 'This page has failed' })).toBeTruthy();
  expect(screen.getByRole('link', { name: 'Go to the first page' })).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Load the page again' })).toBeTruthy();
});

it('loads the whole page again, once, when the code of a page is gone from the host', async () => {
  show(gone());
  await waitFor(() => expect(reloads).toBe(1));
  cleanup();
  show(gone());
  expect(await screen.findByRole('heading', { name: 'This page could not be loaded' })).toBeTruthy();
  expect(screen.getByText('The server of this app does not have it.')).toBeTruthy();
  expect(reloads).toBe(1);
});

it('does not leave for an empty window while the host is away, and loads again when it is back', async () => {
  hostAnswers = false;
  show(gone(), [0]);
  expect(await screen.findByText(/cannot be reached/)).toBeTruthy();
  expect(reloads).toBe(0);
  hostAnswers = true;
  await waitFor(() => expect(reloads).toBe(1));
});

it('tries again when that is pressed', async () => {
  hostAnswers = false;
  show(gone());
  await userEvent.click(await screen.findByRole('button', { name: 'Try again' }));
  expect(reloads).toBe(0);
  hostAnswers = true;
  await userEvent.click(await screen.findByRole('button', { name: 'Try again' }));
  await waitFor(() => expect(reloads).toBe(1));
});

it('begins to count anew once a page could be loaded', async () => {
  sessionStorage.setItem('behalf.reloaded', location.pathname);
  show(lazyPage(async () => ({ default: () => <p>A page</p> })));
  expect(await screen.findByText('A page')).toBeTruthy();
  expect(sessionStorage.getItem('behalf.reloaded')).toBeNull();
});
