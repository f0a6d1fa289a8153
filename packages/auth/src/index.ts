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
  type AccessTokenDetail as AccessTokenFault,
  type VerifiedAccessToken,
  type VerifyAccessTokenOptions,
} from './access-token.ts';
export {
  bearerChallenge,
  resourceMetadataUrl,
  type BearerChallenge,
  type BearerError,
  type AuthProblem,
  type AuthProblemType,
} from './auth-problem.ts';
export {
  createDelegationClient,
  type ApiAnswer,
  type DelegationClient,
  type DelegationClientOptions,
  type TokenSource,
  type DelegationRequest,
  type ExchangeRequest,
  type GrantParameters,
} from './delegation-client.ts';
export { DelegationError, problemOfDelegationError, type RefusalReason } from './delegation-error.ts';
export { type ExchangeObserver, type ExchangeReport } from './exchange-report.ts';
export {
  authenticate,
  checkActor,
  checkClaim,
  checkScopes,
  type Authentication,
  type ExpectedClaim,
  type RequestAuth,
  protectedResourceDocument,
  type ProtectedResourceOptions,
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
export { type OAuthClientOptions } from './oauth-client.ts';
export { TokenCheckUnavailableError, type Fetch } from './outgoing.ts';
export { type DelegatedToken, type TokenCacheOptions, type TokenOriginKind } from './token-cache.ts';
export {
  createAccessTokenVerifier,
  type AccessTokenVerifier,
  type AccessTokenVerifierOptions,
  type VerifiedBearerToken,
} from './verifier.ts';
