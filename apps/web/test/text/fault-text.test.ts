import { describe, expect, it } from 'vitest';
import { ApiError, NoAnswer, UnexpectedAnswer, type Problem } from '../../src/api/api-client.ts';
import { SignInServiceError } from '../../src/auth/sign-in-problem.ts';
import { faultText, mayPass } from '../../src/text/fault-text.ts';

const TYPES = 'https://behalf.example/problems/';
const answer = (status: number, problem: Problem = {}, headers: Record<string, string> = {}) =>
  new ApiError(new Response(null, { status, headers }), problem);

describe('a refusal', () => {
  it.each([
    [403, { reason: 'policy' }, /^API1 was given no token to act for you/],
    [403, { reason: 'subscription' }, /^This needs an active subscription/],
    [401, { reason: 'subject_token' }, /^Your sign-in is no longer good/],
    [403, { type: `${TYPES}delegation-refused`, reason: 'policy' }, /^API1 was given no token/],
    [403, { type: `${TYPES}wrong-actor`, reason: 'wrong-actor' }, /may not act for you here/],
    [422, { type: `${TYPES}insufficient-funds` }, /^The balance does not cover/],
    [422, { type: `${TYPES}nobody-knows` }, /^The service refused \(422\)/],
    [404, {}, /^The service does not offer this/],
    [403, { reason: 'constructor' }, /^The service does not allow this/],
    [500, { type: `${TYPES}insufficient-funds` }, /^A service behind this page has failed/],
  ])('%i %j has a sentence of our own, whatever the service says', (status, problem, sentence) => {
    const detail = 'no rule for api1.client';
    const { text, details } = faultText(answer(status, { ...problem, detail }));
    expect(text).toMatch(sentence);
    expect(text).not.toContain('no rule');
    expect(details).toBe(detail);
    expect(faultText(answer(status, problem)).text).toBe(text);
  });

  it('by policy says of nobody that they took something back', () => {
    expect(faultText(answer(403, { reason: 'policy' })).text).toMatch(/do not allow it, or you have taken/);
  });
});

it('says how long a service asks to wait', () => {
  expect(faultText(answer(503, {}, { 'Retry-After': '5' })).text).toMatch(/It asks to wait 5 seconds\.$/);
});

it.each([
  [new NoAnswer(), /^No answer came/],
  [new UnexpectedAnswer(), /does not understand/],
  [
    new SignInServiceError({ kind: 'failed' }),
    /^The sign-in service has failed.* You are still signed in\.$/,
  ],
  [new SignInServiceError({ kind: 'invalid_answer' }), /^The sign-in service gave a wrong answer/],
])('says what %s means', (error, sentence) => {
  expect(faultText(error).text).toMatch(sentence);
});

it.each([
  [answer(403), false],
  [answer(422), false],
  [answer(429), true],
  [answer(503), true],
  [new NoAnswer(), true],
  [new SignInServiceError({ kind: 'no_answer' }), true],
])('knows whether %s may pass: %s', (error, passes) => {
  expect(mayPass(error)).toBe(passes);
});
