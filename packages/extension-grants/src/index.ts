export {
  GRANT_ERROR_STATUS,
  type ClientGrant,
  type ExtensionGrantRequest,
  type ExtensionGrantValidator,
  type GrantClient,
  type GrantError,
  type RefusedRequest,
  type GrantResult,
  type Issuance,
  type JsonValue,
  type Refusal,
  type SubjectGrant,
  type SubjectToken,
  type ApiDirectory,
} from './contract.ts';
export {
  grantClient,
  grantSubject,
  refuse,
  type DerivedGrantOptions,
  type FreshGrantOptions,
  type RefusalOptions,
  PROTOCOL_CLAIMS,
} from './results.ts';
export { registerExtensionGrants, type RegisterExtensionGrantsOptions } from './register.ts';
export {
  identifierOf,
  resolveRequestedTarget,
  type RequestedTarget,
  type RequestedTargetOptions,
} from './requested-target.ts';
export {
  subjectTokenErrorOf,
  TOKEN_EXCHANGE_GRANT,
  derive,
  provesPossession,
  type Derivation,
  type Derived,
} from './derive.ts';
export { extraTokenClaims, issuanceOf, SELF_ISSUED } from './issue.ts';
export {
  createAccessTokenValidator,
  isClientToken,
  subjectTokenOf,
  type AccessTokenValidator,
  type AccessTokenValidatorOptions,
  type ValidatedToken,
} from './access-token-validator.ts';
export {
  createTokenTools,
  type IssueClientJwtOptions,
  type IssueJwtOptions,
  type TokenTools,
  type TokenToolsOptions,
} from './token-tools.ts';
export {
  createTokenRequestGuard,
  type TokenRequestGuardOptions,
  presentBody,
  type GuardedRequest,
} from './token-request-guard.ts';
