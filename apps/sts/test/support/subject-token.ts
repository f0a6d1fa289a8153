/** A subject token as the validators give it, for tests: alice's token for api1, with whatever a test wants otherwise. */

import type { SubjectToken } from '@behalf/extension-grants';
import { DEVELOPMENT_ADDRESSES } from '../../src/registry/apis.ts';
import { ALICE } from '../../src/registry/users-and-issuers.ts';

export const NOW = 1_800_000_000;

export function subjectTokenOf(overrides: Partial<SubjectToken> = {}): SubjectToken {
  return {
    kind: 'access_token',
    subject: ALICE,
    jti: 'jti-of-the-subject-token',
    expiresAt: NOW + 600,
    issuer: DEVELOPMENT_ADDRESSES.issuer,
    audience: DEVELOPMENT_ADDRESSES.api1Resource,
    clientId: 'web.client',
    scopes: ['api1'],
    act: undefined,
    actorChain: [],
    mayAct: undefined,
    sessionId: 'session-of-alice',
    authTime: NOW - 60,
    authenticationMethods: ['pwd'],
    confirmation: undefined,
    claims: {},
    ...overrides,
  };
}
