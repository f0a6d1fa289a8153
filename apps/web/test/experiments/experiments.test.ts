import { afterEach, describe, expect, it } from 'vitest';
import { AccountApi } from '../../src/api/account-api.ts';
import { ApiClient } from '../../src/api/api-client.ts';
import { Api1 } from '../../src/api/api1.ts';
import { excerpt } from '../../src/calls/code.ts';
import { afterLogout } from '../../src/experiments/after-logout.ts';
import type { Experiment } from '../../src/experiments/experiment.ts';
import {
  EXPERIMENTS,
  forwardedToken,
  lapsedSubscription,
  oneScopeTooMany,
  splicedChains,
  straightToApi2,
  tokenOfSomeoneElse,
} from '../../src/experiments/experiments.ts';
import { oldSignIn, stolenToken } from '../../src/experiments/keys-and-sign-ins.ts';
import {
  configAt,
  numberedTokens,
  startHttpServices,
  type Answer,
  type HttpServices,
} from '../support/services.ts';

let services: HttpServices | undefined;
afterEach(() => services?.close());

async function run(experiment: Experiment, answer: (route: string) => Answer) {
  services = await startHttpServices(answer);
  const { url, asked } = services;
  const client = new ApiClient({ baseUrl: url, resource: 'r', tokens: numberedTokens() });
  const result = await experiment.run({
    api1: new Api1(client),
    account: new AccountApi(client),
    config: configAt(url),
  });
  return { result, asked: asked.map(({ route }) => route) };
}

const refusal = (error: string) => ({ status: 400, error, reason: 'policy', description: 'not allowed' });
const call = (status: number) => ({ status, challenge: null, problem: { detail: 'told' } });

it.each(EXPERIMENTS)(
  '$name asks for a prediction that one can get right, and shows a rule in the code',
  (experiment) => {
    const { options, right } = experiment.guess;
    expect(options[right]).toBeTruthy();
    expect(new Set(options).size).toBe(options.length);
    expect(excerpt(experiment.code)?.text).toBeTruthy();
    expect(experiment.picture.length).toBeGreaterThan(0);
  },
);

it('tells nine experiments, the one that signs out last', () => {
  expect(EXPERIMENTS.map(({ name }) => name)).toEqual([
    'forwarded-token',
    'straight-to-api2',
    'one-scope-too-many',
    'token-of-someone-else',
    'spliced-chains',
    'lapsed-subscription',
    'stolen-token',
    'old-sign-in',
    'after-logout',
  ]);
});

describe('is as the rule says only when what was refused is what ought to be', () => {
  it.each([
    [oneScopeTooMany, 'invalid_scope', true],
    [oneScopeTooMany, 'invalid_grant', false],
    [tokenOfSomeoneElse, 'invalid_grant', true],
    [splicedChains, 'invalid_request', true],
    [splicedChains, 'invalid_client', false],
  ])('$name with %s', async (experiment, error, followsRule) => {
    const { result } = await run(experiment, () => ({ body: { refused: refusal(error) } }));
    expect(result.followsRule).toBe(followsRule);
    expect(result.observations[0]).toMatchObject({ status: 400, error, original: 'not allowed' });
  });

  it.each([oneScopeTooMany, tokenOfSomeoneElse, splicedChains])(
    '$name, should it be granted',
    async (each) => {
      const { result } = await run(each, () => ({ body: { refused: null } }));
      expect([result.followsRule, result.observations[0]?.status]).toEqual([false, 200]);
    },
  );

  it.each([
    [401, 200, true],
    [200, 200, false],
    [401, 403, false],
  ])('forwarded %i, exchanged %i', async (forwarded, delegated, followsRule) => {
    const { result } = await run(forwardedToken, () => ({
      body: { forwarded: call(forwarded), delegated: { status: delegated } },
    }));
    expect(result.followsRule).toBe(followsRule);
  });

  it.each([
    ['subscription', true],
    ['policy', false],
  ])('the premium report, refused because of %s', async (reason, followsRule) => {
    const step = { from: 'api1', to: 'sts', kind: 'exchange', at: 0, durationMs: 1, status: 400, reason };
    const { result } = await run(lapsedSubscription, () => ({
      status: 403,
      body: { reason, steps: [step] },
    }));
    expect(result).toMatchObject({ followsRule, steps: [step] });
  });
});

describe('a stolen token', () => {
  it.each([
    [{ call: call(200) }, 401, true],
    [{ call: call(401) }, 401, false],
    [{ call: call(200) }, 200, false],
    [{ refused: refusal('invalid_dpop_proof') }, 401, true],
    [{ refused: refusal('invalid_scope') }, 401, false],
  ])(
    'with a bearer token that is %j and a bound one with status %i: %s',
    async (bearer, status, followsRule) => {
      const body = { bearer, bound: { call: call(status) }, steps: [] };
      const { result } = await run(stolenToken, () => ({ body }));
      expect(result.followsRule).toBe(followsRule);
    },
  );
});

describe('with an old sign-in', () => {
  const challenge = (age: number) => `Bearer error="insufficient_user_authentication", max_age="${age}"`;

  it.each([
    [challenge(300), true],
    [challenge(60), false],
    ['Bearer error="invalid_token"', false],
  ])('a refusal with the challenge %s is as the rule says: %s', async (sent, followsRule) => {
    const { result } = await run(oldSignIn, () => ({ status: 401, challenge: sent, body: { detail: 'd' } }));
    expect(result).toMatchObject({ followsRule, observations: [{ status: 401, challenge: sent }] });
  });

  it('is not as the rule says when it is let through', async () => {
    const { result } = await run(oldSignIn, () => ({ body: { status: 200, steps: [] } }));
    expect(result).toMatchObject({ followsRule: false, observations: [{ status: 200 }] });
  });
});

describe('straight to API2', () => {
  it('never sends a token', async () => {
    const { asked } = await run(straightToApi2, () => ({ body: {} }));
    expect(asked).toEqual(['GET /accounts']);
    expect(services?.asked[0]?.token).toBe('none');
  });

  it('is not as the rule says when an answer may be read', async () => {
    const { result } = await run(straightToApi2, () => ({ status: 401 }));
    expect(result).toMatchObject({ followsRule: false, observations: [{ status: 401 }] });
    expect(result.command).toContain('$TOKEN');
  });
});

describe('after logout', () => {
  const sessions = {
    sessions: [
      { id: 'other', client_ids: [], signed_in_at: 1, current: false },
      { id: 'this one', client_ids: [], signed_in_at: 2, current: true },
    ],
  };
  const done = (live: number) => ({
    state: 'done',
    offline: { status: 200, challenge: null, problem: null },
    live: call(live),
    exchange: { refused: refusal('invalid_grant') },
  });

  /** API1 keeps one token at a time: the answers take turns, first as it begins. */
  function answers(states: ('ready' | 'done')[], live = 401) {
    return (route: string): Answer => {
      if (route === 'GET /account/sessions') return { body: sessions };
      if (route.startsWith('DELETE')) return { status: 204 };
      return { body: states.shift() === 'ready' ? { state: 'ready' } : done(live) };
    };
  }

  it('lets API1 keep a token, ends this very session, and then has the token used', async () => {
    const { result, asked } = await run(afterLogout, answers(['ready', 'done']));
    expect(asked).toEqual([
      'GET /account/sessions',
      'GET /experiments/after-logout',
      'DELETE /account/sessions/this%20one',
      'GET /experiments/after-logout',
    ]);
    expect(result.followsRule).toBe(true);
    expect(result.observations.map(({ status }) => status)).toEqual([200, 401, 400]);
  });

  it('uses up what an earlier try has left, before it ends the session', async () => {
    const { asked } = await run(afterLogout, answers(['done', 'ready', 'done']));
    expect(asked.indexOf('DELETE /account/sessions/this%20one')).toBe(3);
    expect(asked).toHaveLength(5);
  });

  it('is not as the rule says when the live check takes the token', async () => {
    expect((await run(afterLogout, answers(['ready', 'done'], 200))).result.followsRule).toBe(false);
  });
});
