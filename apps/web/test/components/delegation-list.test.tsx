// @vitest-environment happy-dom
import { cleanup, screen, waitFor, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Delegation } from '../../src/api/account-api.ts';
import { DelegationList } from '../../src/components/delegation-list.tsx';
import { renderSignedIn } from '../support/rendered.tsx';
import { startHttpServices, type HttpServices } from '../support/services.ts';

const NEXT_YEAR = 4_000_000_000;
const row = (number: number, changes: Partial<Delegation> = {}): Delegation => ({
  jti: `jti-${number}`,
  at: 1_800_000_000 - number,
  client_id: 'api1.client',
  actors: ['api1.client'],
  audience: 'http://api2.example',
  scope: 'api2',
  grant_type: 'delegation',
  outcome: 'issued',
  expires_at: 1,
  revoked_at: null,
  ...changes,
});

let all: Delegation[];
let refuseChain: boolean;
let services: HttpServices;

beforeEach(async () => {
  refuseChain = true;
  all = [
    row(0, { expires_at: NEXT_YEAR }),
    row(1, {
      client_id: 'api2.client',
      actors: ['api2.client', 'api1.client'],
      audience: 'http://subscriptions.example',
      expires_at: NEXT_YEAR,
    }),
    row(2, { outcome: 'refused', reason: 'policy', expires_at: null }),
    ...Array.from({ length: 60 }, (_, index) => row(index + 3)),
  ];
  services = await startHttpServices(answer);
});

afterEach(async () => {
  cleanup();
  await services.close();
});

function answer(route: string) {
  const [method, target = ''] = route.split(' ');
  const { pathname, searchParams } = new URL(target, 'http://any');
  if (method === 'DELETE') {
    const jti = pathname.split('/').at(-1);
    all = all.map((each) => (each.jti === jti ? { ...each, revoked_at: 1_800_000_001 } : each));
    return { status: 204 };
  }
  if (pathname === '/chain') {
    const first = { from: 'browser', to: 'api1', kind: 'call', at: 0, durationMs: 2 };
    return refuseChain
      ? { status: 403, body: { detail: 'no', steps: [{ ...first, status: 403 }] } }
      : { body: { steps: [{ ...first, status: 200 }] } };
  }
  const start = Number(searchParams.get('cursor') ?? 0);
  const end = start + Number(searchParams.get('limit'));
  return { body: { delegations: all.slice(start, end), next: end < all.length ? String(end) : null } };
}

const rows = () => [...screen.getByRole('table', { name: 'Delegations' }).querySelectorAll('tbody tr')];
const chainTokens = () =>
  services.asked.filter(({ route }) => route === 'GET /chain').map(({ token }) => token);
const show = async () => {
  await renderSignedIn(<DelegationList />, services.url);
  await screen.findByRole('table', { name: 'Delegations' });
};

it('says who acted, where, for what and on whose request, by names that people know', async () => {
  await show();
  expect(rows()[1]?.textContent).toMatch(
    /API2.*api2\.client.*Subscriptions.*http:\/\/subscriptions\.example/,
  );
  expect(rows()[1]?.textContent).toMatch(/you → API1.*depth 2/);
  expect(rows()[2]?.textContent).toMatch(/refused.*not allowed by the policy/);
});

it('shows fifty a page, goes to older ones and back', async () => {
  await show();
  expect(rows()).toHaveLength(50);
  await userEvent.click(screen.getByRole('button', { name: 'Older' }));
  expect(await screen.findByText('Page 2')).toBeTruthy();
  await screen.findByRole('table');
  expect(rows()).toHaveLength(13);
  expect(screen.getByRole('button', { name: 'Older' }).getAttribute('aria-disabled')).toBe('true');
  await userEvent.click(screen.getByRole('button', { name: 'Newer' }));
  expect(rows()).toHaveLength(50);
});

it('finds what was refused, and what one service did', async () => {
  await show();
  await userEvent.selectOptions(screen.getByLabelText('Show'), 'Refused');
  expect(rows()).toHaveLength(1);
  await userEvent.selectOptions(screen.getByLabelText('Show'), 'All');
  await userEvent.selectOptions(screen.getByLabelText('Service'), 'API2');
  expect(rows()).toHaveLength(1);
  await userEvent.selectOptions(screen.getByLabelText('Show'), 'Refused');
  expect(screen.getByText('None of these among the 50 newest.')).toBeTruthy();
});

it('takes nothing back that was not confirmed', async () => {
  await show();
  await userEvent.click(screen.getByRole('button', { name: /^Take back: API1 at API2/ }));
  await userEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Keep it' }));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(services.asked.filter(({ route }) => route.startsWith('DELETE'))).toEqual([]);
});

it('takes one back, and shows with a token that nothing has in memory where the next call is refused', async () => {
  await show();
  await userEvent.click(screen.getByRole('button', { name: /^Take back: API1 at API2/ }));
  await userEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Take back' }));
  await userEvent.click(await screen.findByRole('button', { name: 'Try it again' }));
  expect(await screen.findByText(/Refused, as it should be/)).toBeTruthy();
  const routes = services.asked.map(({ route }) => route);
  expect(routes.filter((route) => route.startsWith('DELETE'))).toEqual(['DELETE /account/delegations/jti-0']);
  await userEvent.click(screen.getByRole('button', { name: 'Try it again' }));
  await waitFor(() => expect(chainTokens()).toHaveLength(2));
  expect(new Set(chainTokens()).size).toBe(2);
  expect(screen.queryByRole('button', { name: /^Take back: API1 at API2/ })).toBeNull();
});

it('does not claim a refusal when the call still goes through', async () => {
  refuseChain = false;
  await show();
  await userEvent.click(screen.getByRole('button', { name: 'Take all back' }));
  await userEvent.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Take back' }));
  await userEvent.click(await screen.findByRole('button', { name: 'Try it again' }));
  expect(await screen.findByText(/This call still went through/)).toBeTruthy();
  expect(services.asked.filter(({ route }) => route.startsWith('DELETE'))).toHaveLength(2);
});

it('takes all back, also those that no page has shown yet', async () => {
  const live = new Set([0, 55]);
  all = Array.from({ length: 60 }, (_, index) =>
    row(index, live.has(index) ? { expires_at: NEXT_YEAR } : {}),
  );
  await show();
  await userEvent.click(screen.getByText('Take all back'));
  const question = await screen.findByText('Take 2 delegations back?');
  const dialog = question.closest('dialog') ?? document.body;
  await userEvent.click(within(dialog).getByText('Take back'));
  expect(await screen.findByText('2 taken back')).toBeTruthy();
  expect(all.flatMap(({ revoked_at: at }, index) => (at === null ? [] : [index]))).toEqual([...live]);
});
