/** How long everything lives here, in seconds unless the name says otherwise. */
export const lifetimes = {
  /** A login session, counted from the sign-in; refresh tokens end with it. */
  sessionSeconds: 8 * 3600,
  /** A page between an authorization request and its answer. */
  interactionSeconds: 30 * 60,
  codeSeconds: 60,
  /** The age of a sign-in at the upstream, from which our session counts. */
  upstreamSignInSeconds: 4 * 3600,
  /** A sign-in at the upstream, from the redirect to its answer. */
  upstreamRoundTripSeconds: 15 * 60,
  accessTokenSeconds: 600,
  clientTokenSeconds: 300,
  /** At most, of any token that comes from another one. */
  delegatedTokenSeconds: 300,
  /** The token that the STS issues to itself to ask the subscription service. */
  ownTokenSeconds: 15,
  idTokenSeconds: 600,
  clientAssertionSeconds: 3600,
  partnerTokenSeconds: 300,
  /** Clocks may differ by this much. */
  clockToleranceSeconds: 5,
  /** `nbf` and `iat` of assertions and proofs may lie this far ahead. */
  issuedAheadSeconds: 10,

  /** A verifier's copy of the key set is at most this old (packages/auth). */
  keySetAgeSeconds: 60,
  keyPublishedAheadSeconds: 90,
  /** A key that signs no more stays published this long: an ID token is a hint at logout as long as its session lives. */
  keyRetentionSeconds: 9 * 3600,
  keyMaximumAgeSeconds: 90 * 24 * 3600,
  keyPollMs: 1000,

  /** Cached clients; another replica's change shows after this time at the latest. */
  clientCacheMs: 500,
  subscriptionsTimeoutMs: 2000,

  /** How long a back-channel logout is tried. */
  logoutNoticeSeconds: 3600,
  /** A worker has a receiver of notices to itself for this long. */
  outboxClaimSeconds: 60,
  outboxLongestPauseSeconds: 64,
  /** oidc-provider's time limit for its own HTTP calls. */
  outgoingTimeoutMs: 2500,
  /** No request takes longer: a token that was under way when its session ended is in the ledger by then. */
  longestRequestSeconds: 60,

  /** Failed sign-ins are counted in windows of this length. */
  signInWindowSeconds: 15 * 60,

  sweepIntervalMs: 5 * 60_000,
  /** An expired record is kept this long, so that its late use is recognised and clocks may differ. */
  recordGraceSeconds: 600,
  /** Records that unauthenticated callers cause, whose late use means nothing. */
  unauthenticatedGraceSeconds: 60,
  /** Ended logins and grants stay known this long. */
  endedSeconds: 30 * 24 * 3600,
  issuedRowSeconds: 30 * 24 * 3600,
  refusedRowSeconds: 7 * 24 * 3600,
} as const;

export type Lifetimes = Readonly<Record<keyof typeof lifetimes, number>>;

/** A relation that must hold, and the sentence that says so. */
const RELATIONS: readonly (readonly [sentence: string, holds: (lifetimes: Lifetimes) => boolean])[] = [
  [
    'every lifetime is positive and finite',
    (l) => Object.values(l).every((value) => value > 0 && Number.isFinite(value)),
  ],
  ['a delegated token lives 300 s at most', (l) => l.delegatedTokenSeconds <= 300],
  [
    'a delegated token does not outlive the tokens that it comes from',
    (l) => l.delegatedTokenSeconds <= Math.min(l.accessTokenSeconds, l.clientTokenSeconds),
  ],
  [
    'the own token outlives the question it is for',
    (l) => l.ownTokenSeconds * 1000 > l.subscriptionsTimeoutMs,
  ],
  ['a session outlives its access tokens', (l) => l.sessionSeconds > l.accessTokenSeconds],
  [
    'a key stays published longer than a session and anything else it signed',
    (l) => l.keyRetentionSeconds > Math.max(l.sessionSeconds, l.idTokenSeconds) + l.clockToleranceSeconds,
  ],
  [
    'a key is published before its first use for longer than verifiers keep a key set and replicas take to read it',
    (l) =>
      l.keyPublishedAheadSeconds >
      l.keySetAgeSeconds + l.clockToleranceSeconds + Math.ceil(l.keyPollMs / 1000),
  ],
  ['a key is used for longer than it stays published', (l) => l.keyMaximumAgeSeconds > l.keyRetentionSeconds],
  [
    'a worker keeps a receiver for longer than a notice may take',
    (l) => l.outboxClaimSeconds * 1000 > 2 * l.outgoingTimeoutMs,
  ],
  ['a notice is tried more often than once', (l) => l.logoutNoticeSeconds > 2 * l.outboxLongestPauseSeconds],
  [
    'an ended login stays known for longer than any token that hangs from it',
    (l) => l.endedSeconds > l.sessionSeconds + l.accessTokenSeconds,
  ],
  [
    'a row of the ledger outlives its token and all that is derived from it',
    (l) => l.issuedRowSeconds > l.accessTokenSeconds + l.delegatedTokenSeconds,
  ],
  [
    'expired records are kept for longer than clocks differ',
    (l) =>
      Math.min(l.recordGraceSeconds, l.unauthenticatedGraceSeconds) >
      l.clockToleranceSeconds + l.issuedAheadSeconds,
  ],
  ['what is ahead by a minute is refused', (l) => l.issuedAheadSeconds < 60],
];

/** Throws with every relation that does not hold. The server calls it at its start. */
export function assertLifetimes(of: Lifetimes = lifetimes): void {
  const broken = RELATIONS.filter(([, holds]) => !holds(of)).map(([sentence]) => sentence);
  if (broken.length > 0) throw new Error(`the lifetimes contradict each other: not ${broken.join('; not ')}`);
}
