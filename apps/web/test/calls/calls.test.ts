import { afterEach, expect, it } from 'vitest';
import { ApiClient, ApiError } from '../../src/api/api-client.ts';
import { Api1 } from '../../src/api/api1.ts';
import { makeCall } from '../../src/calls/calls.ts';
import { numberedTokens, startHttpServices, type Answer, type HttpServices } from '../support/services.ts';

let services: HttpServices | undefined;
afterEach(() => services?.close());

const step = { from: 'browser', to: 'api1', kind: 'call', at: 0, durationMs: 1, status: 200 };

async function api1That(answer: Answer): Promise<Api1> {
  services = await startHttpServices(() => answer);
  return new Api1(new ApiClient({ baseUrl: services.url, resource: 'r', tokens: numberedTokens() }));
}

it('brings the steps of the chain, and what it was made for', async () => {
  const subscription = { plan: 'premium', status: 'active' };
  const api1 = await api1That({ body: { hops: [], subscription, steps: [step] } });
  expect(await makeCall(api1, 'chain')).toEqual({ steps: [step], subscription });
});

it('takes a refusal that tells its steps for a result', async () => {
  const refused = { ...step, status: 403 };
  const api1 = await api1That({ status: 403, body: { detail: 'no', steps: [refused] } });
  const call = await makeCall(api1, 'one-scope-too-many');
  expect(call.steps).toEqual([refused]);
  expect(call.refusal).toBeInstanceOf(ApiError);
});

it('takes the premium report for its steps alone', async () => {
  const period = { from: '2026-08-24', to: '2026-11-22' };
  const api1 = await api1That({ body: { period, totals: [], payees: [], months: [], steps: [step] } });
  expect(await makeCall(api1, 'insights')).toEqual({ steps: [step] });
});

it('throws a refusal that tells nothing, or tells it in another form', async () => {
  await expect(makeCall(await api1That({ status: 503, body: {} }), 'chain')).rejects.toMatchObject({
    status: 503,
  });
  await services?.close();
  const api1 = await api1That({ status: 503, body: { steps: [{ from: 1 }] } });
  await expect(makeCall(api1, 'chain')).rejects.toMatchObject({ status: 503 });
});
