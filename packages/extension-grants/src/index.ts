export {
  GRANT_ERROR_STATUS,
  type ClientGrant,
  type ExtensionGrantRequest,
  type ExtensionGrantValidator,
  type GrantClient,
  type GrantError,
  type GrantRefused,
  type GrantResult,
  type Issuance,
  type JsonValue,
  type Refusal,
  type SubjectGrant,
  type SubjectToken,
  type TargetDirectory,
} from './contract.ts';
export {
  grantClient,
  grantSubject,
  refuse,
  type DerivedGrantOptions,
  type FreshGrantOptions,
  type RefusalOptions,
} from './results.ts';
export { registerExtensionGrants, type RegisterExtensionGrantsOptions } from './register.ts';
export {
  resolveRequestedTarget,
  type RequestedTarget,
  type RequestedTargetOptions,
} from './requested-target.ts';
export { subjectTokenErrorOf, TOKEN_EXCHANGE_GRANT } from './subject-token-error.ts';
export { derive, type Derivation, type Derived } from './derive.ts';
export { extraTokenClaims } from './extra-token-claims.ts';
export { issuanceOf, SELF_ISSUED } from './issuance.ts';
export { PROTOCOL_CLAIMS } from './protocol-claims.ts';
export {
  createAccessTokenValidator,
  subjectTokenOf,
  type AccessTokenValidator,
  type AccessTokenValidatorOptions,
  type ValidatedAccessToken,
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
  type TokenRequestGuard,
  type TokenRequestGuardOptions,
} from './token-request-guard.ts';
export { presentBody, type GuardedRequest } from './present-body.ts';
