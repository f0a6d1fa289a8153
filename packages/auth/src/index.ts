export {
  checkMayAct,
  MAXIMUM_ACTOR_CHAIN_DEPTH,
  nestActor,
  parseActorChain,
  type ActClaim,
  type MayActVerdict,
  type ParsedActorChain,
} from './actor-chain.ts';
export {
  DEFAULT_ALGORITHMS,
  DEFAULT_TOLERANCE_SECONDS,
  verifyAccessToken,
  type AccessToken,
  type AccessTokenFault,
  type VerifiedAccessToken,
  type VerifyAccessTokenOptions,
} from './access-token.ts';
export { bearerChallenge, resourceMetadataUrl, type BearerChallenge, type BearerError } from './challenge.ts';
export type { AuthProblem, AuthProblemType } from './auth-problem.ts';
export {
  createDelegationClient,
  type ApiAnswer,
  type DelegationClient,
  type DelegationClientOptions,
  type TokenSource,
} from './delegation-client.ts';
export { DelegationError, problemOfDelegationError, type RefusalReason } from './delegation-error.ts';
export type { ExchangeObserver, ExchangeReport } from './exchange-report.ts';
export type { DelegationRequest, ExchangeRequest, GrantParameters } from './grant-request.ts';
export {
  authenticate,
  checkActor,
  checkClaim,
  checkScopes,
  type Authentication,
  type ExpectedClaim,
  type RequestAuth,
} from './guard.ts';
export {
  createKeySet,
  createRemoteKeySet,
  createStaticKeySet,
  type KeySet,
  type KeySetOptions,
  type PublishedKey,
  type RemoteKeySetOptions,
} from './key-set.ts';
export {
  checkLive,
  createIntrospection,
  createLiveTokenCheck,
  type Introspect,
  type IntrospectionAnswer,
  type LiveTokenCheck,
  type LiveTokenCheckOptions,
  type LiveTokenQuestion,
} from './live-token.ts';
export {
  createLogoutReceiver,
  type Logout,
  type LogoutReceiver,
  type LogoutReceiverOptions,
  type ReceivedLogout,
} from './logout-token.ts';
export type { OAuthClientOptions } from './oauth-client.ts';
export { TokenCheckUnavailableError, type Fetch } from './outgoing.ts';
export { protectedResourceDocument, type ProtectedResourceOptions } from './resource-metadata.ts';
export type { DelegatedToken, TokenCacheOptions, TokenOriginKind } from './token-cache.ts';
export {
  createAccessTokenVerifier,
  type AccessTokenVerifier,
  type AccessTokenVerifierOptions,
  type VerifiedBearerToken,
} from './verifier.ts';
