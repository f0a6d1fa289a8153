export { badTokens, deepChain, UNREADABLE_CREDENTIALS, type BadToken } from './testing/bad-tokens.ts';
export {
  createTestIssuer,
  signToken,
  type Changes,
  type SigningKey,
  type TestIssuer,
  type TestIssuerOptions,
} from './testing/test-issuer.ts';
export type { FormHandler, TestAnswer, TestIssuerServer } from './testing/test-server.ts';
