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
  verifyAccessToken,
  type AccessToken,
  type AccessTokenDetail,
  type VerifiedAccessToken,
  type VerifyAccessTokenOptions,
} from './access-token.ts';
export {
  createDelegationClient,
  type ApiAnswer,
  type CallerToken,
  type DelegationClient,
  type DelegationClientOptions,
  type DelegationRequest,
  type ExchangeObserver,
  type ExchangeReport,
  type ExchangeRequest,
  type GrantParameters,
  type TokenSource,
} from './delegation-client.ts';
export { DelegationError, problemOfDelegationError, type RefusalReason } from './delegation-error.ts';
export {
  authenticate,
  checkActor,
  checkClaim,
  checkRecentAuthentication,
  checkScopes,
  checkSubject,
  protectedResourceDocument,
  type Authentication,
  type ExpectedClaim,
  type ProtectedResourceOptions,
  type RequestAuth,
} from './guard.ts';
export {
  createKeySet,
  createRemoteKeySet,
  createStaticKeySet,
  type KeySet,
  type KeySetOptions,
  type RemoteKeySetOptions,
} from './key-set.ts';
export {
  checkLive,
  createIntrospection,
  createLiveTokenCheck,
  type Introspect,
  type IntrospectionAnswer,
  type LiveCheck,
  type LiveTokenCheck,
  type LiveTokenCheckOptions,
} from './live-token.ts';
export {
  createLogoutReceiver,
  type Logout,
  type LogoutReceiverOptions,
  type ReceivedLogout,
} from './logout-token.ts';
export { type OAuthClientOptions } from './oauth-client.ts';
export { CLOCK_TOLERANCE_SECONDS } from './options.ts';
export {
  isLoopbackUrl,
  isPlainHttpElsewhere,
  readBounded,
  retryAfterOf,
  TokenCheckUnavailableError,
  type Fetch,
  type IssuerOptions,
} from './outgoing.ts';
export {
  bearerChallenge,
  resourceMetadataUrl,
  type AuthProblem,
  type AuthProblemType,
  type BearerChallenge,
  type BearerError,
  type Refusal,
} from './refusal.ts';
export { type DelegatedToken, type TokenCacheOptions, type TokenOriginKind } from './token-cache.ts';
export {
  createAccessTokenVerifier,
  digestOf,
  type AccessTokenVerifier,
  type AccessTokenVerifierOptions,
  type VerifiedBearerToken,
} from './verifier.ts';
