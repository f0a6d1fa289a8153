import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/api/steps.ts';
import { excerpt } from '../../src/calls/code.ts';
import { mermaidOf, svgOf } from '../../src/calls/export.ts';
import { sentenceOf, tokensOf } from '../../src/calls/tokens.ts';
import { wireOf } from '../../src/calls/wire.ts';
import { configAt } from '../support/services.ts';

const config = configAt('http://here.example');
const sub = 'usr_1';
const own = { sub, aud: config.api1Resource, client_id: 'web.client', scope: 'api1', jti: '1' };
const second = {
  sub,
  aud: config.api2Resource,
  client_id: 'api1.client',
  scope: 'api2',
  jti: '2',
  act: { sub: 'api1.client' },
};
const third = {
  sub,
  aud: config.subscriptionsResource,
  client_id: 'api2.client',
  scope: 'subscriptions.read',
  jti: '3',
  act: { sub: 'api2.client', act: { sub: 'api1.client' } },
};
const stsOwn = {
  sub: 'userSubscriptionClient',
  client_id: 'userSubscriptionClient',
  aud: config.subscriptionsResource,
  scope: 'subscriptions.read',
  jti: '4',
};

const at = { at: 0, durationMs: 1, status: 200 };
const steps: readonly Step[] = [
  { from: 'browser', to: 'api1', kind: 'call', route: 'GET /chain', claims: own, ...at },
  { from: 'api1', to: 'sts', kind: 'exchange', grant: 'delegation', claims: second, ...at },
  { from: 'api1', to: 'api2', kind: 'call', route: 'GET /chain', claims: second, ...at },
  { from: 'api2', to: 'sts', kind: 'exchange', grant: 'x:token-exchange', claims: third, ...at },
  { from: 'sts', to: 'sts', kind: 'issue', claims: stsOwn, ...at },
];

it('each token of a call stands once, in words', () => {
  const tokens = tokensOf(steps, config);
  expect(tokens.map(({ holder, step }) => [holder, step])).toEqual([
    ['browser', 0],
    ['api1', 1],
    ['api2', 3],
    ['sts', 4],
  ]);
  expect(tokens.map((token) => sentenceOf(token, 'Alice'))).toEqual([
    'Alice is calling API1 in person, and may only use API1.',
    'API1 is calling API2, for Alice, and may only see accounts and make payments.',
    'API2 is calling Subscriptions, on behalf of API1, for Alice, and may only read a subscription.',
    'The token service is calling Subscriptions in its own name. The token is about no person, and may only read a subscription.',
  ]);
});

describe('a step on the wire', () => {
  it('never has a value where the services told none', () => {
    const request = { grant_type: 'delegation', token: '…', client_id: 'api1.client', client_secret: '…' };
    const { request: sent, curl } = wireOf({ ...steps[1], request } as Step, config);
    expect(sent).toMatch(
      /^POST \/connect\/token HTTP\/1\.1\nHost: here\.example\n[^]*&token=…\n&client_id=api1\.client\n&client_secret=…$/,
    );
    expect(curl).toContain('--data-urlencode "token=$TOKEN"');
    expect(curl).toContain('--data-urlencode "client_secret=$SECRET"');
  });

  it('of a call has its address, and the challenge of a refusal (RFC 6750 §3)', () => {
    const refused = { ...steps[2], status: 401, error: 'invalid_token' } as Step;
    const { request, answer, curl } = wireOf(refused, config);
    expect(request).toBe('GET /chain HTTP/1.1\nHost: here.example\nAuthorization: Bearer …');
    expect(answer).toContain('HTTP/1.1 401\nWWW-Authenticate: Bearer error="invalid_token"');
    expect(curl).toContain('"http://here.example/chain"');
  });

  it('has no request where none was sent', () => {
    expect(wireOf(steps[4] as Step, config).request).toBeUndefined();
    expect(wireOf({ ...steps[1], cached: true } as Step, config).curl).toBeUndefined();
  });
});

it('the diagram is exported as Mermaid text and as an SVG document', () => {
  expect(mermaidOf(steps)).toMatch(/^sequenceDiagram\n {2}participant browser as Browser\n/);
  expect(mermaidOf(steps)).toContain('  api1->>sts: exchanges the token: delegation');
  const refused = [steps[0], { ...steps[2], status: 401, error: 'invalid_token' }] as Step[];
  expect(mermaidOf(refused)).toContain(
    '  api1--xapi2: GET /chain, with an exchanged token, 401 invalid_token',
  );
  expect(svgOf(steps)).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^]*<\/svg>\n$/);
  expect(svgOf([{ ...steps[0], route: 'GET /<x>' } as Step])).toContain('GET /&lt;x&gt;');
});

it('an excerpt is the code of today, with its place', () => {
  const code = excerpt('issue');
  expect(code?.file).toBe('apps/sts/src/grants/translation.ts');
  expect(code?.text).toMatch(/^const issueOwnToken = \(\) =>\n[^]*issueClientJwt[^]*\}\);$/);
  expect(code?.line).toBeGreaterThan(1);
});
