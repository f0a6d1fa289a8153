export {
  checkMayAct,
  MAXIMUM_ACTOR_CHAIN_DEPTH,
  nestActor,
  parseActorChain,
  type ActClaim,
} from './actor-chain.ts';
export {
  DEFAULT_ALGORITHMS,
  verifyAccessToken,
  type AccessToken,
  type AccessTokenDetail,
  type VerifiedAccessToken,
} from './access-token.ts';
export {
  createDelegationClient,
  type CallerToken,
  type DelegationClient,
  type DelegationClientOptions,
  type ExchangeObserver,
  type ExchangeReport,
  type TokenSource,
} from './delegation-client.ts';
export { DelegationError, problemOfDelegationError, type RefusalReason } from './delegation-error.ts';
export {
  authenticate,
  requireActor,
  requireClaim,
  requireClient,
  requireScope,
  requireUser,
  type Check,
  type RequestAuth,
} from './guard.ts';
export { createStaticKeySet, type KeySet } from './key-set.ts';
export {
  createIntrospection,
  createLiveTokenCheck,
  type LiveCheck,
  type LiveTokenCheck,
} from './live-token.ts';
export { createLogoutReceiver, type Logout, type ReplayStore } from './logout-token.ts';
export { CLOCK_TOLERANCE_SECONDS } from './options.ts';
export {
  isLoopbackUrl,
  isPlainHttpElsewhere,
  type Fetch,
  readBounded,
  retryAfterOf,
  TokenCheckUnavailableError,
  type IssuerOptions,
} from './outgoing.ts';
export { type AccessTokenProfile } from './profile.ts';
export { protectedResourceDocument, resourceMetadataUrl } from './protected-resource.ts';
export { RecentAuthenticationRequiredError, requireRecentAuthentication } from './recent-authentication.ts';
export { bearerChallenge, type AuthProblem, type Refusal } from './refusal.ts';
export { type DelegatedToken, type TokenOriginKind } from './token-cache.ts';
export {
  createAccessTokenVerifier,
  type AccessTokenVerifier,
  type AccessTokenVerifierOptions,
  type VerifiedBearerToken,
} from './verifier.ts';
