import { describe, expect, test } from 'vitest';
import { subjectTokenErrorOf, TOKEN_EXCHANGE_GRANT } from '../src/derive.ts';
import { grantClient, grantSubject, PROTOCOL_CLAIMS, refuse } from '../src/results.ts';

describe('protocol claims are a programming error', () => {
  test.each([...PROTOCOL_CLAIMS])('%s', (claim) => {
    expect(() => grantClient({ claims: { [claim]: 'x' } })).toThrow(TypeError);
    expect(() =>
      grantSubject({ subject: 'u', authenticationMethod: 'pwd', claims: { [claim]: 'x' } }),
    ).toThrow(claim);
  });
});

test.each(['access_token', 'token_type', 'refresh_token', 'error', 'reason'])(
  'the response member %s cannot be set',
  (member) => {
    expect(() => grantClient({ response: { [member]: 'x' } })).toThrow(TypeError);
    expect(() => refuse('invalid_grant', 'no', { response: { [member]: 'x' } })).toThrow(TypeError);
  },
);

test('a bad subject token is invalid_request in RFC 8693 (§2.2.2) and invalid_grant elsewhere', () => {
  expect(subjectTokenErrorOf(TOKEN_EXCHANGE_GRANT)).toBe('invalid_request');
  expect(subjectTokenErrorOf('delegation')).toBe('invalid_grant');
});
