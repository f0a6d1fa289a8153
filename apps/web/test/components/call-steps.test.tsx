// @vitest-environment happy-dom
import { cleanup, screen, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import type { Step } from '../../src/api/steps.ts';
import { CallSteps } from '../../src/components/call-steps.tsx';
import { renderSignedIn } from '../support/rendered.tsx';

afterEach(cleanup);

const own = { sub: 'usr_1', aud: 'api1', client_id: 'web.client', jti: 'a' };
const exchanged = {
  sub: 'usr_1',
  aud: 'api2',
  client_id: 'api1.client',
  jti: 'b',
  act: { sub: 'api1.client' },
};
const steps: readonly Step[] = [
  {
    from: 'browser',
    to: 'api1',
    kind: 'call',
    route: 'GET /chain',
    at: 0,
    durationMs: 31.2,
    status: 200,
    claims: own,
  },
  {
    from: 'api1',
    to: 'sts',
    kind: 'exchange',
    grant: 'delegation',
    cached: false,
    at: 0.4,
    durationMs: 9.8,
    status: 200,
    claims: exchanged,
  },
  {
    from: 'api1',
    to: 'api2',
    kind: 'call',
    route: 'GET /chain',
    at: 10.3,
    durationMs: 20.6,
    status: 200,
    claims: exchanged,
  },
];
const refused: readonly Step[] = [
  { ...steps[0], status: 403 } as Step,
  {
    from: 'api1',
    to: 'sts',
    kind: 'exchange',
    grant: 'delegation',
    cached: false,
    at: 1,
    durationMs: 2,
    status: 400,
    error: 'invalid_grant',
    reason: 'policy',
    description: 'may_act does not permit this actor',
  },
];

const rows = () => within(screen.getByRole('list', { name: 'Steps of the call' })).getAllByRole('button');
const pressed = () => rows().map((row) => row.getAttribute('aria-pressed') === 'true');
const heading = () => screen.getByRole('heading', { level: 2 }).textContent;

const show = (steps: ReactNode) => renderSignedIn(steps, 'http://127.0.0.1:9');

describe('the steps of a call', () => {
  it('say in words who did what, when and how long, for those who see no arrows', async () => {
    await show(<CallSteps steps={steps} headingLevel={2} />);
    expect(rows()[1]?.textContent).toMatch(/API1 → Token service/);
    expect(rows()[1]?.textContent).toMatch(/delegation/);
    expect(rows()[1]?.textContent).toMatch(/after 0\.4\s?ms, took 9\.8\s?ms/);
    expect(rows()).toHaveLength(4);
  });

  it('open at the first exchange, with what it changed (RFC 8693 §4.1)', async () => {
    await show(<CallSteps steps={steps} headingLevel={2} />);
    expect(pressed()).toEqual([false, true, false, false]);
    expect(screen.getByRole('heading', { level: 3, name: /^act/ }).textContent).toContain('added');
    expect(screen.getByRole('heading', { level: 3, name: /^aud/ }).textContent).toContain('changed');
    expect(screen.getByRole('heading', { level: 3, name: /^sub/ }).textContent).toContain('kept');
  });

  it('open at the refusal when there is one, and say that no token came of it', async () => {
    await show(<CallSteps steps={refused} headingLevel={2} />);
    expect(pressed()).toEqual([false, true, false]);
    expect(screen.getByText('Token service answered 400 invalid_grant')).toBeTruthy();
    expect(screen.getByText(/^The token service does not allow this exchange/)).toBeTruthy();
    expect(screen.getByText('may_act does not permit this actor').closest('details')).toBeTruthy();
    expect(screen.getByText(/No token was issued/)).toBeTruthy();
    expect(screen.queryAllByRole('heading', { level: 3 })).toEqual([]);
  });

  it('show the own token with nothing beside it', async () => {
    await show(<CallSteps steps={steps} headingLevel={2} />);
    await userEvent.click(rows()[0] as HTMLElement);
    expect(heading()).toBe('Browser calls API1');
    expect(screen.getByRole('heading', { level: 3, name: 'aud' })).toBeTruthy();
  });

  it('are gone through with the arrow keys, Home and End', async () => {
    await show(<CallSteps steps={steps} headingLevel={2} />);
    rows()[1]?.focus();
    await userEvent.keyboard('{ArrowDown}');
    expect(document.activeElement).toBe(rows()[2]);
    expect(heading()).toBe('API1 calls API2');
    await userEvent.keyboard('{End}');
    expect(pressed()).toEqual([false, false, false, true]);
    await userEvent.keyboard('{ArrowDown}{ArrowUp}');
    expect(document.activeElement).toBe(rows()[2]);
    await userEvent.keyboard('{Home}{ArrowUp}');
    expect(document.activeElement).toBe(rows()[0]);
  });

  it('say of a token that was passed on that nothing in it names who acts', async () => {
    const forwarded: Step = { ...steps[2], claims: own, status: 401, error: 'invalid_token' } as Step;
    await show(<CallSteps steps={[steps[0] as Step, forwarded]} headingLevel={2} />);
    expect(screen.getByText(/The same token that API1 was sent/)).toBeTruthy();
    expect(screen.getByText(/this one must refuse it/)).toBeTruthy();
  });

  it('show each step on the wire, with its code and a command, in tabs (ARIA practices)', async () => {
    const wire = {
      request: { grant_type: 'delegation', token: '…', client_secret: '…' },
      answer: { access_token: '…' },
    };
    await show(<CallSteps steps={[steps[0] as Step, { ...steps[1], ...wire } as Step]} headingLevel={2} />);
    await userEvent.click(screen.getByRole('tab', { name: 'Request' }));
    expect(screen.getByRole('tabpanel').textContent).toContain(
      'grant_type=delegation\n&token=…\n&client_secret=…',
    );
    await userEvent.keyboard('{ArrowRight}');
    expect(document.activeElement).toBe(screen.getByRole('tab', { name: 'Response' }));
    expect(screen.getByRole('tabpanel').textContent).toContain('"access_token": "…"');
    await userEvent.keyboard('{ArrowRight}');
    expect(screen.getByRole('tabpanel').textContent).toContain('apps/sts/src/grants/delegation.ts');
    await userEvent.keyboard('{End}');
    expect(screen.getByRole('tabpanel').textContent).toContain('client_secret=$SECRET');
    await userEvent.keyboard('{ArrowRight}');
    expect(screen.getByRole('tab', { name: 'What changed' }).getAttribute('aria-selected')).toBe('true');
  });

  it('draw what the token service does itself: a token about nobody, and the call with it', async () => {
    const own = {
      sub: 'userSubscriptionClient',
      client_id: 'userSubscriptionClient',
      aud: 'http://subscriptions.example',
      jti: 'o',
    };
    const at = { at: 1, durationMs: 1, status: 200, claims: own };
    const self: readonly Step[] = [
      { from: 'sts', to: 'sts', kind: 'issue', ...at },
      { from: 'sts', to: 'subscriptions', kind: 'call', route: 'GET /users/{sub}', ...at },
    ];
    await show(<CallSteps steps={[...steps.slice(0, 2), ...self]} headingLevel={2} />);
    expect(rows()[2]?.textContent).toMatch(/Token service issues a token to itself/);
    expect(rows()[3]?.textContent).toMatch(/Token service → Subscriptions.*with its own token/);
    await userEvent.click(rows()[2] as HTMLElement);
    expect(screen.getByText(/about no person, for that one service/)).toBeTruthy();
    await userEvent.click(screen.getByRole('tab', { name: 'curl' }));
    expect(screen.getByText(/No request was sent/)).toBeTruthy();
  });
});
