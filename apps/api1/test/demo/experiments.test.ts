import type { CallStep } from '@behalf/demo-steps';
import { beforeEach, describe, expect, it } from 'vitest';
import { API2, issuer, PROBLEM, RESOURCE, userToken, useTestApi1 } from '../support/api1.ts';

const api = useTestApi1();

const NAMES = [
  'forwarded-token',
  'one-scope-too-many',
  'token-of-someone-else',
  'spliced-chains',
  'stolen-token',
  'old-sign-in',
  'careless-service',
  'after-logout',
];

const run = async (name: string, token = userToken()) => {
  const { status, text } = await api.get(`/experiments/${name}`, token);
  const { steps, ...result } = JSON.parse(text) as { steps?: CallStep[] } & Record<string, unknown>;
  expect(text).not.toContain('eyJ');
  return { status, result, steps: steps ?? [] };
};

const shape = (steps: readonly CallStep[]) => steps.map(({ to, kind, status }) => [to, kind, status]);

/** API2 as far as the experiments see it: it takes tokens for itself, and asks whether they are live on one route. */
function answerAsApi2(isLive: () => boolean = () => true): void {
  api.answer = ({ claims, url }, res) => {
    if (claims['aud'] === API2 && (url !== '/experiments/live-check' || isLive())) {
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"accounts":["private"]}');
      return;
    }
    res
      .writeHead(401, {
        'content-type': 'application/problem+json',
        'www-authenticate': 'Bearer error="invalid_token"',
      })
      .end(`{"type":"${PROBLEM}invalid-token","detail":"not for this API"}`);
  };
}

/** The STS's answers, one after the other; the last one for good. */
function answerTokens(...answers: readonly (readonly [string, string] | 'granted')[]): URLSearchParams[] {
  const forms: URLSearchParams[] = [];
  api.sts.onToken((form) => {
    const answer = answers[Math.min(forms.push(form), answers.length) - 1] ?? 'granted';
    if (answer === 'granted') {
      const access_token = issuer.mint({ aud: API2, jti: `granted-${forms.length}` });
      return { status: 200, body: { access_token, token_type: 'Bearer', expires_in: 300 } };
    }
    const [error, reason] = answer;
    return { status: 400, body: { error, error_description: 'because', reason } };
  });
  return forms;
}

const REFUSED = { status: 400, error: 'invalid_grant', reason: 'policy', description: null };

describe('experiments', () => {
  it('are listed by name', async () => {
    expect((await api.get('/experiments', userToken())).body).toEqual({ experiments: NAMES });
  });

  it('do not exist while they are switched off', async () => {
    api.restart({ experiments: false });
    for (const path of ['/experiments', ...NAMES.map((name) => `/experiments/${name}`)])
      expect([path, (await api.get(path, userToken())).status]).toEqual([path, 404]);
    expect([api.seen.length, api.tokenRequests()]).toEqual([0, 0]);
  });

  it.each(NAMES)('%s needs a token for API1 with its scope', async (name) => {
    const path = `/experiments/${name}`;
    expect((await api.get(path, userToken({ aud: API2 }))).status).toBe(401);
    expect((await api.get(path, userToken({ scope: 'account' }))).status).toBe(403);
    expect([api.seen.length, api.tokenRequests()]).toEqual([0, 0]);
  });

  it.each(NAMES)('%s takes no input', async (name) => {
    const forms = answerTokens();
    await api.get(`/experiments/${name}?scope=api9&token=T&path=/x`, userToken());
    expect(forms.some((form) => /api9|^T$/.test([...form.values()].join(' ')))).toBe(false);
    expect(api.seen.every(({ url }) => /^\/(accounts|experiments\/(careless|old-sign-in))$/.test(url))).toBe(
      true,
    );
  });

  it.each(NAMES)('%s is 503 with its steps while the STS does not answer', async (name) => {
    api.sts.onToken(() => ({ status: 503, body: {} }));
    const { status, steps } = await run(name);
    expect(status).toBe(503);
    expect(steps.at(-1)).toMatchObject({ to: 'sts', error: 'no_answer' });
  });
});

describe('forwarded-token', () => {
  it("shows that API2 refuses the user's own token and takes the delegated one", async () => {
    answerAsApi2();
    const { result, steps } = await run('forwarded-token');
    expect(result).toEqual({
      forwarded: {
        status: 401,
        challenge: 'Bearer error="invalid_token"',
        problem: { type: `${PROBLEM}invalid-token`, detail: 'not for this API' },
      },
      delegated: { status: 200 },
    });
    expect(shape(steps)).toEqual([
      ['api1', 'call', 200],
      ['api2', 'call', 401],
      ['sts', 'exchange', 200],
      ['api2', 'call', 200],
    ]);
    expect(steps[1]).toMatchObject({
      error: 'invalid_token',
      reason: 'invalid-token',
      claims: { aud: RESOURCE },
    });
  });
});

describe('one-scope-too-many', () => {
  it('asks for a scope outside the policy besides, and shows the refusal', async () => {
    const forms = answerTokens(['invalid_scope', 'policy']);
    const { status, result, steps } = await run('one-scope-too-many');
    expect(forms.map((form) => form.get('scope'))).toEqual(['api2 api2.premium']);
    expect([status, result]).toEqual([200, { refused: { ...REFUSED, error: 'invalid_scope' } }]);
    expect(shape(steps)).toEqual([
      ['api1', 'call', 200],
      ['sts', 'exchange', 400],
    ]);
  });

  it('tells the truth should it ever be granted', async () => {
    answerTokens('granted');
    expect((await run('one-scope-too-many')).result).toEqual({ refused: null });
  });
});

describe('token-of-someone-else', () => {
  it('presents the token that was meant for API2, and shows the refusal', async () => {
    const forms = answerTokens('granted', ['invalid_grant', 'policy']);
    const user = userToken();
    expect((await run('token-of-someone-else', user)).result).toEqual({ refused: REFUSED });
    const presented = forms.map((form) => form.get('token'));
    expect(presented[0]).toBe(user);
    expect(Buffer.from(presented[1]?.split('.')[1] ?? '', 'base64url').toString()).toContain('granted-1');
  });
});

describe('spliced-chains', () => {
  it('presents an actor token of another chain, and shows the refusal', async () => {
    const forms = answerTokens('granted', ['invalid_grant', 'policy']);
    const user = userToken();
    expect((await run('spliced-chains', user)).result).toEqual({ refused: REFUSED });
    expect(forms[1]?.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:token-exchange');
    expect(forms[1]?.get('subject_token')).toBe(user);
    expect(forms[1]?.get('actor_token')).not.toBe(user);
  });
});

describe('stolen-token', () => {
  const bound = (proofs: (string | undefined)[], takesUnbound: boolean) =>
    api.sts.onToken((_form, { headers }) => {
      const proof = headers['dpop'] as string | undefined;
      proofs.push(proof);
      if (proof === undefined && !takesUnbound)
        return { status: 400, body: { error: 'invalid_dpop_proof', reason: 'subject_token' } };
      const cnf = proof === undefined ? undefined : { jkt: 'its key' };
      const token_type = proof === undefined ? 'Bearer' : 'DPoP';
      return {
        status: 200,
        body: { access_token: issuer.mint({ aud: API2, cnf }), token_type, expires_in: 300 },
      };
    });

  beforeEach(() => {
    api.answer = ({ claims }, res) => {
      const type = { 'content-type': 'application/json' };
      res.writeHead(claims['cnf'] === undefined ? 200 : 401, type).end('{}');
    };
  });

  it('uses a copy of a bearer token and of a bound one, both without a key', async () => {
    const proofs: (string | undefined)[] = [];
    bound(proofs, true);
    const { result } = await run('stolen-token');
    expect(result).toMatchObject({
      bearer: { call: { status: 200 } },
      bound: { call: { status: 401 } },
    });
    expect(proofs.map((proof) => proof === undefined)).toEqual([true, false]);
    expect(api.seen.map(({ headers }) => [headers.authorization?.split(' ', 1)[0], headers['dpop']])).toEqual(
      [
        ['Bearer', undefined],
        ['Bearer', undefined],
      ],
    );
  });

  it('shows that the STS gives no bearer token for a bound one', async () => {
    bound([], false);
    const { result } = await run('stolen-token');
    expect(result).toMatchObject({
      bearer: { refused: { status: 400, error: 'invalid_dpop_proof' } },
      bound: { call: { status: 401 } },
    });
  });
});

describe('old-sign-in', () => {
  it("answers as API1 does when API2 wants a recent sign-in, with API2's refusal among the steps", async () => {
    const challenge = 'Bearer error="insufficient_user_authentication", max_age="300"';
    api.answerJson(401, {}, { 'www-authenticate': challenge });
    const { status, result, steps } = await run('old-sign-in');
    expect([status, result]).toMatchObject([
      401,
      { type: `${PROBLEM}recent-authentication-required`, max_age: 300 },
    ]);
    expect(shape(steps)).toEqual([
      ['api1', 'call', 401],
      ['sts', 'exchange', 200],
      ['api2', 'call', 401],
    ]);
    expect(steps[2]).toMatchObject({ error: 'insufficient_user_authentication' });
  });

  it('tells the truth should API2 ever answer', async () => {
    expect((await run('old-sign-in')).result).toEqual({ status: 200 });
  });
});

describe('careless-service', () => {
  it('sends both tokens to the service that does not check aud, and shows what it saw', async () => {
    answerTokens();
    api.answer = ({ claims, url }, res) =>
      res
        .writeHead(url === '/experiments/careless' ? 200 : 404, { 'content-type': 'application/json' })
        .end(JSON.stringify({ audience: claims['aud'] }));
    const taken = { status: 200, challenge: null, problem: null };
    expect((await run('careless-service')).result).toEqual({
      forwarded: { ...taken, seen: { audience: RESOURCE } },
      delegated: { ...taken, seen: { audience: API2 } },
    });
  });
});

describe('after-logout', () => {
  const READY = { state: 'ready', expires_at: expect.any(Number), kept_until: expect.any(Number) };
  const session = { sid: 'session-9' };

  it('shows that an offline check still takes a token, and a live check does not', async () => {
    const forms = answerTokens('granted', ['invalid_grant', 'subject_token']);
    let isLive = true;
    answerAsApi2(() => isLive);
    const user = userToken(session);
    expect((await run('after-logout', user)).result).toEqual(READY);
    expect(api.seen).toEqual([]);
    isLive = false;
    const { result, steps } = await run('after-logout', user);
    expect(result).toEqual({
      state: 'done',
      offline: { status: 200, challenge: null, problem: null },
      live: {
        status: 401,
        challenge: 'Bearer error="invalid_token"',
        problem: { type: `${PROBLEM}invalid-token`, detail: 'not for this API' },
      },
      exchange: { refused: { ...REFUSED, reason: 'subject_token' } },
    });
    expect(shape(steps)).toEqual([
      ['api1', 'call', 200],
      ['api2', 'call', 200],
      ['api2', 'call', 401],
      ['sts', 'exchange', 400],
    ]);
    expect(forms).toHaveLength(2);
    expect(api.seen.map(({ claims }) => claims['jti'])).toEqual(['granted-1', 'granted-1']);
  });

  it('begins anew once it is done', async () => {
    answerAsApi2();
    const user = userToken(session);
    const states = [];
    for (let turn = 0; turn < 3; turn++) states.push((await run('after-logout', user)).result['state']);
    expect(states).toEqual(['ready', 'done', 'ready']);
  });

  it("never uses another session's token", async () => {
    await run('after-logout', userToken({ sid: 'one' }));
    expect((await run('after-logout', userToken({ sid: 'another' }))).result).toEqual(READY);
    expect(api.seen).toEqual([]);
  });

  it('keeps a token for 120 s at most', async () => {
    const user = userToken(session);
    await run('after-logout', user);
    api.now += 120;
    expect((await run('after-logout', user)).result).toEqual(READY);
  });

  it('keeps 100 tokens at most, and drops the oldest', async () => {
    const states = [];
    for (const index of [...Array.from({ length: 101 }, (_, number) => number), 1, 0])
      states.push((await run('after-logout', userToken({ sid: `s${index}` }))).result['state']);
    expect(states.slice(-2)).toEqual(['done', 'ready']);
  });

  it('refuses a token that hangs from no session', async () => {
    const { status, result } = await run('after-logout', userToken({ sid: undefined }));
    expect([status, result['type']]).toEqual([403, `${PROBLEM}no-session`]);
    expect(api.tokenRequests()).toBe(0);
  });
});
