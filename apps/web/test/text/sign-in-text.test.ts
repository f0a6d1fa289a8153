import { expect, it } from 'vitest';
import { signInProblemDetails, signInProblemText } from '../../src/text/sign-in-text.ts';

it.each([
  [{ kind: 'no_answer' }, 'The sign-in service does not answer'],
  [{ kind: 'failed' }, 'The sign-in service has failed'],
  [{ kind: 'failed', code: 'temporarily_unavailable' }, 'The sign-in service is not available'],
  [{ kind: 'invalid_answer' }, 'The sign-in service gave a wrong answer'],
  [{ kind: 'refused', code: 'access_denied' }, 'You were not signed in'],
  [{ kind: 'refused', code: 'invalid_scope' }, 'The sign-in service refused the request'],
  [{ kind: 'refused', code: 'invalid_grant' }, 'The sign-in took too long'],
  [{ kind: 'refused', code: 'constructor' }, 'The sign-in service refused'],
  [{ kind: 'nothing_to_finish' }, 'There was no sign-in to finish'],
] as const)('%j has a sentence of its own: %s', (problem, title) => {
  expect(signInProblemText({ ...problem, detail: 'raw words' })).toMatchObject({ title });
  expect(JSON.stringify(signInProblemText({ ...problem, detail: 'raw words' }))).not.toContain('raw');
});

it('keeps the code and the service’s own words for those who look', () => {
  expect(signInProblemDetails({ kind: 'refused', code: 'a', detail: 'b' })).toBe('a: b');
  expect(signInProblemDetails({ kind: 'no_answer' })).toBeUndefined();
});
