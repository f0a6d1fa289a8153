export { badTokens, deepChain, MALFORMED_TOKENS, type BadToken } from './testing/bad-tokens.ts';
export {
  createTestIssuer,
  signToken,
  type Changes,
  type SigningKey,
  type TestIssuer,
  type TestIssuerOptions,
  type FormHandler,
  type TestAnswer,
  type TestIssuerServer,
} from './testing/test-issuer.ts';
