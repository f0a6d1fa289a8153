import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallTrace, createUpstream, decodeClaims, stepsToldBy, type Upstream } from '../src/index.ts';

const token = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

let answer: RequestListener;

const server = createServer((req, res) => answer(req, res));

let upstream: Upstream;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  upstream = createUpstream({ name: 'Next', url: `http://127.0.0.1:${port}`, timeoutMs: 2_000 });
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const respond =
  (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_req, res) =>
    res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

async function stepOf(listener: RequestListener) {
  answer = listener;
  const trace = createCallTrace('here');
  const call = trace
    .observe(upstream, 'next')
    .send({ path: '/a/b', route: '/a/{x}', accessToken: token({ sub: 's' }) });
  await call.catch(() => undefined);
  return trace.steps();
}

describe('a call', () => {
  it('is a step with route, status, time and the claims of its token', async () => {
    expect(await stepOf(respond(200, {}))).toEqual([
      {
        from: 'here',
        to: 'next',
        kind: 'call',
        route: 'GET /a/{x}',
        at: expect.any(Number) as unknown,
        durationMs: expect.any(Number) as unknown,
        status: 200,
        claims: { sub: 's' },
      },
    ]);
  });

  it('that is refused tells the code of the challenge (RFC 6750 §3.1) and what the problem says (RFC 9457)', async () => {
    const challenge = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="a"' };
    const problem = { type: 'https://x.example/problems/wrong-actor', detail: 'Not you.' };
    expect((await stepOf(respond(403, problem, challenge)))[0]).toMatchObject({
      status: 403,
      error: 'insufficient_scope',
      reason: 'wrong-actor',
      description: 'Not you.',
    });
    expect((await stepOf(respond(403, { ...problem, reason: 'policy' })))[0]).toMatchObject({
      reason: 'policy',
    });
  });

  it('without an answer has no status, and fails for its caller as ever', async () => {
    expect((await stepOf((_req, res) => void res.destroy()))[0]).toMatchObject({
      status: null,
      error: 'no_answer',
    });
    answer = (_req, res) => void res.destroy();
    const observed = createCallTrace('here').observe(upstream, 'next');
    await expect(observed.send({ path: '/', accessToken: 't' })).rejects.toMatchObject({ status: 503 });
  });

  it('is followed by the steps that its answer tells of', async () => {
    const told = { from: 'next', to: 'sts', kind: 'exchange', at: 5, durationMs: 1, status: 200 };
    const [call, next] = await stepOf(respond(200, { steps: [told] }));
    expect(next).toMatchObject({ from: 'next', to: 'sts' });
    expect(next?.at).toBeCloseTo((call?.at ?? 0) + 5, 1);
  });
});

describe('an exchange', () => {
  const report = { grantType: 'delegation', startedAtMs: performance.now(), durationMs: 1.234 } as const;
  const observe = (...reports: Parameters<ReturnType<typeof createCallTrace>['onExchange']>[0][]) => {
    const trace = createCallTrace('here');
    for (const each of reports) trace.onExchange(each);
    return trace.steps();
  };

  it('is a step with its grant, whether it was kept, and the claims of the token that it brought', () => {
    const accessToken = token({ aud: 'next' });
    const steps = observe(
      { ...report, origin: 'issuer', token: { accessToken } },
      { ...report, origin: 'cache', token: { accessToken } },
    );
    expect(steps).toMatchObject([
      { kind: 'exchange', to: 'sts', grant: 'delegation', cached: false, durationMs: 1.23, status: 200 },
      { cached: true, status: 200, claims: { aud: 'next' } },
    ]);
    expect(JSON.stringify(steps)).not.toContain(accessToken);
  });

  it('of a token that this request has had already is no step of its own', () => {
    const held = { accessToken: token({}) };
    const cached = { ...report, origin: 'cache', token: held } as const;
    expect(observe(cached, cached)).toHaveLength(1);
    expect(observe(cached, { ...cached, token: { ...held } })).toHaveLength(2);
  });

  it('that was shared is one step of each request that shared it', () => {
    const held = { accessToken: token({}) };
    const shared = { ...report, origin: 'shared', token: held } as const;
    expect(observe({ ...report, origin: 'issuer', token: held }, shared)).toHaveLength(1);
    expect(observe(shared)).toMatchObject([{ cached: false, status: 200 }]);
  });

  it('that is refused or not answered tells what is known', () => {
    const nothing = { status: undefined, error: undefined, reason: undefined, description: undefined };
    const steps = observe(
      {
        ...report,
        origin: 'issuer',
        error: { ...nothing, status: 400, error: 'invalid_grant', reason: 'policy' },
      },
      { ...report, origin: 'issuer', error: nothing },
    );
    expect(steps).toMatchObject([
      { status: 400, error: 'invalid_grant', reason: 'policy' },
      { status: null, error: 'no_answer' },
    ]);
  });
});

describe('what comes from outside', () => {
  it.each([
    ['nothing', undefined],
    ['steps of another form', { steps: [{ from: 'x' }] }],
    [
      'too many',
      {
        steps: Array.from({ length: 51 }, () => ({
          from: 'a',
          to: 'b',
          kind: 'call',
          at: 0,
          durationMs: 0,
          status: 200,
        })),
      },
    ],
  ])('%s: no steps', (_what, json) => expect(stepsToldBy(json)).toEqual([]));

  it('members that a step does not have are left out', () => {
    const step = { from: 'a', to: 'b', kind: 'call', at: 0, durationMs: 0, status: 200 };
    expect(stepsToldBy({ steps: [{ ...step, access_token: 'x' }] })).toEqual([step]);
  });

  it.each(['', 'opaque', 'a.b.c', `e30.${Buffer.from('[1]').toString('base64url')}.x`])(
    '%j has no claims to show',
    (text) => expect(decodeClaims(text)).toBeUndefined(),
  );
});
