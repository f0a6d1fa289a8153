// @vitest-environment happy-dom
import { cleanup, screen, waitFor, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Delegation } from '../../src/api/account-api.ts';
import { ActingSessions } from '../../src/components/acting-sessions.tsx';
import { renderSignedIn } from '../support/rendered.tsx';
import { startHttpServices, type HttpServices } from '../support/services.ts';

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
  active: false,
  blocked: false,
  session: 'this',
  ...changes,
});

let all: Delegation[];
let refuseChain: boolean;
let services: HttpServices;

beforeEach(async () => {
  refuseChain = true;
  all = [
    row(0, { active: true }),
    row(1, {
      client_id: 'api2.client',
      actors: ['api2.client', 'api1.client'],
      audience: 'http://subscriptions.example',
      scope: 'subscriptions.read',
      active: true,
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
    all = all.map((each) =>
      each.jti === jti ? { ...each, active: false, blocked: true, revoked_at: 1_800_000_001 } : each,
    );
    return { status: 204 };
  }
  if (pathname === '/account/sessions') {
    const session = { client_ids: ['web.client'], signed_in_at: 1_800_000_000, browser: 'Firefox on Linux' };
    return { body: { sessions: [{ id: 'this', current: true, ...session }] } };
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

const show = async () => {
  await renderSignedIn(<ActingSessions />, services.url);
  await screen.findByRole('list', { name: 'Who acted' });
};
const takeBack = () => screen.getByRole('button', { name: 'Take back: API1 at API2' });
const deleted = () => services.asked.map(({ route }) => route).filter((route) => route.startsWith('DELETE'));

it('shows in each session who acts where, who acts on whose behalf, and what was refused', async () => {
  await show();
  expect(screen.getByRole('heading', { name: /Firefox on Linux.*this browser/ })).toBeTruthy();
  const below = screen.getByRole('list', { name: 'On behalf of API1' });
  expect(below.textContent).toMatch(/API2.*acts at.*Subscriptions.*live.*may read a subscription/);
  expect(screen.getByRole('list', { name: 'Refused' }).textContent).toMatch(/policy does not allow it/);
});

it('loads older ones', async () => {
  await show();
  expect(screen.getByText('48 tokens')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Load older ones' }));
  expect(await screen.findByText('61 tokens')).toBeTruthy();
  expect(screen.queryByRole('button', { name: 'Load older ones' })).toBeNull();
});

it('lights up what ends with a service when it is pointed at', async () => {
  await show();
  expect(screen.queryByText('would end')).toBeNull();
  await userEvent.hover(takeBack());
  expect(screen.getAllByText('would end')).toHaveLength(2);
});

it('takes nothing back that was not confirmed, and says before what would end', async () => {
  await show();
  await userEvent.click(takeBack());
  const dialog = screen.getByRole('dialog');
  expect(dialog.textContent).toContain('This ends: API1 at API2, and through it API2 at Subscriptions.');
  await userEvent.click(within(dialog).getByRole('button', { name: 'Keep it' }));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(deleted()).toEqual([]);
});

it('answers where the click was, and shows with a fresh token where the next call is refused', async () => {
  await show();
  await userEvent.click(takeBack());
  await userEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Take back' }));
  const again = await screen.findByRole('button', { name: 'Try it again' });
  expect(again.closest('li')?.textContent).toMatch(/API1.*acts at.*API2.*blocked by you/);
  await userEvent.click(again);
  expect(await screen.findByText(/Refused, as it should be/)).toBeTruthy();
  expect(deleted()).toEqual(['DELETE /account/delegations/jti-0']);
  await userEvent.click(screen.getByRole('button', { name: 'Try it again' }));
  const tokens = () => services.asked.filter(({ route }) => route === 'GET /chain').map(({ token }) => token);
  await waitFor(() => expect(tokens()).toHaveLength(2));
  expect(new Set(tokens()).size).toBe(2);
});

it('does not claim a refusal when the call still goes through', async () => {
  refuseChain = false;
  await show();
  await userEvent.click(screen.getByRole('button', { name: 'Take all back' }));
  await userEvent.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Take back' }));
  await userEvent.click(await screen.findByRole('button', { name: 'Try it again' }));
  expect(await screen.findByText(/This call still went through/)).toBeTruthy();
  expect(deleted()).toHaveLength(2);
});

it('takes all back, also those that no page has shown yet', async () => {
  const live = new Set([0, 55]);
  all = Array.from({ length: 60 }, (_, index) => row(index, { active: live.has(index) }));
  await show();
  await userEvent.click(screen.getByText('Take all back'));
  const question = await screen.findByText('Take 2 delegations back?');
  const dialog = question.closest('dialog') ?? document.body;
  await userEvent.click(within(dialog).getByText('Take back'));
  expect(await screen.findByText('2 taken back')).toBeTruthy();
  expect(deleted()).toEqual([...live].map((index) => `DELETE /account/delegations/jti-${index}`));
});
