import type { CallStep } from '@behalf/demo-steps';
import { describe, expect, it } from 'vitest';
import { API2, PROBLEM, userToken, useTestApi1 } from '../support/api1.ts';

const api = useTestApi1();

const stepsIn = (text: string) => (JSON.parse(text) as { steps: CallStep[] }).steps;

const brief = (text: string) => stepsIn(text).map(({ from, to, kind, status }) => [from, to, kind, status]);

describe('the steps of GET /insights', () => {
  it("stand beside API2's report, with the translation grant and never a token", async () => {
    api.answerJson(200, { totals: [] });
    const response = await api.get('/insights', userToken());
    expect(response.body).toMatchObject({ totals: [] });
    expect(brief(response.text)).toEqual([
      ['browser', 'api1', 'call', 200],
      ['api1', 'sts', 'exchange', 200],
      ['api1', 'api2', 'call', 200],
    ]);
    expect(stepsIn(response.text)[1]).toMatchObject({
      grant: 'translation',
      cached: false,
      claims: { aud: API2, scope: 'api2.premium' },
    });
    expect(response.text).not.toContain('eyJ');
  });

  it('end at the STS when there is no active subscription, with the reason that it gave', async () => {
    api.sts.onToken(() => ({
      status: 400,
      body: {
        error: 'invalid_grant',
        error_description: 'the subscription has lapsed',
        reason: 'subscription',
      },
    }));
    const { status, text } = await api.get('/insights', userToken());
    expect(status).toBe(403);
    expect(brief(text)).toEqual([
      ['browser', 'api1', 'call', 403],
      ['api1', 'sts', 'exchange', 400],
    ]);
    expect(stepsIn(text)[1]).toMatchObject({
      grant: 'translation',
      error: 'invalid_grant',
      reason: 'subscription',
    });
    expect(text).not.toContain('the subscription has lapsed');
    expect(stepsIn(text)[1]).not.toHaveProperty('claims');
  });

  it('end at API2 when API2 is the one that refuses', async () => {
    api.answerJson(403, { type: `${PROBLEM}insufficient-scope`, detail: 'No.' });
    const { text } = await api.get('/insights', userToken());
    expect(brief(text).at(-1)).toEqual(['api1', 'api2', 'call', 403]);
  });
});
