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
export { grantClient, grantSubject, refuse } from './results.ts';
