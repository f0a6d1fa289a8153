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
