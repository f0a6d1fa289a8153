/**
 * The ports of the token ledger. Times are epoch seconds; `session` is the `sid` of tokens: a digest of the login session.
 * No token ever enters here.
 */

/** One issued token, recorded before it is handed out. */
export interface IssuedEntry {
  readonly jti: string;
  /** The jti it was derived from, for the token of a trusted issuer `<issuer>#<jti>`; null for a token of a login or of a client itself. */
  readonly parent: string | null;
  /** The user; null for a client's own token. */
  readonly subject: string | null;
  /** The current actor first. */
  readonly actors: readonly string[];
  readonly clientId: string;
  readonly audience: string;
  readonly scope: string;
  readonly grantType: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly session: string | null;
  /** The engine's id of the client's grant in that session, for tokens of a login. Descendants find it through their parents. */
  readonly grantId: string | null;
  readonly requestId: string | null;
}

/** One refused request of an authenticated client. */
export interface RefusedEntry {
  readonly parent: string | null;
  /** Only when the signature of the subject token was checked. */
  readonly subject: string | null;
  readonly actors: readonly string[];
  readonly clientId: string;
  readonly audience: string | null;
  readonly scope: string;
  readonly grantType: string;
  readonly at: number;
  readonly session: string | null;
  readonly error: string;
  /** Coarse: what the wire says. */
  readonly reason: string | null;
  /** Fine: for operators. */
  readonly cause: string | null;
  readonly requestId: string | null;
}

export type Liveness =
  | { readonly live: true }
  /** `unknown`: never issued here. The rest say what ended it, for the log. */
  | {
      readonly live: false;
      readonly cause:
        | 'unknown'
        | 'expired'
        | 'revoked'
        | 'session_ended'
        | 'grant_ended'
        | 'subject_disabled'
        | 'client_disabled';
    };

export interface TokenLedger {
  /** Resolves when the row is durable. Concurrent calls share one commit. */
  recordIssued(entry: IssuedEntry): Promise<void>;
  /** Best effort: rate-limited per client, and never fails the answer. */
  recordRefused(entry: RefusedEntry): Promise<void>;
  /**
   * Whether a token of ours still holds, computed upward along its parents: issued here, not expired, none of its ancestors revoked
   * or barred, the login session and grant at the root still there, the user and every client on the way enabled.
   */
  livenessOf(jti: string, now: number): Promise<Liveness>;
  /** Whether the user took from an actor the right to act at an audience, for the rest of this session. */
  isBarred(session: string, actor: string, audience: string): Promise<boolean>;
}

/**
 * Ends things. Each method is one transaction, and writes in the same one whom a back-channel logout is to tell: of a
 * session all its clients, of anything less the clients that may hold what hangs from it.
 */
export interface Revocation {
  /** Logout, or the user's or an operator's word. False when there was no such live session (of that subject, when given). */
  endSession(session: string, options?: { subject?: string }): Promise<boolean>;
  endAllSessionsOf(subject: string): Promise<number>;
  /** Ends one client's grant in one session with all its tokens and descendants. */
  endGrant(grantId: string): Promise<void>;
  /** Ends one access token and what was derived from it. False when nothing of that jti was issued. */
  revokeToken(jti: string): Promise<boolean>;
  /**
   * Ends a delegated token, with all that its actor holds for that audience in that session, and bars the actor from the
   * audience for the rest of it. False when it is not that subject's.
   */
  revokeDelegation(jti: string, subject: string): Promise<boolean>;
}

/** A row as `/account/delegations` and `ledger --json` show it. */
export interface DelegationRow {
  readonly jti: string;
  readonly parent: string | null;
  readonly at: number;
  readonly client_id: string;
  readonly actors: readonly string[];
  readonly audience: string | null;
  readonly scope: string;
  readonly grant_type: string;
  readonly outcome: 'issued' | 'refused';
  readonly reason: string | null;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
}

export interface SessionRow {
  readonly id: string;
  readonly client_ids: readonly string[];
  readonly signed_in_at: number;
  /** `Firefox on Linux`, as the browser said at the sign-in; null when that is not known. */
  readonly browser: string | null;
  readonly current: boolean;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Opaque; null on the last page. */
  readonly next: string | null;
}

/** What people and operators read. A malformed cursor is `null`. */
export interface LedgerQueries {
  delegationsOf(
    subject: string,
    page: { limit: number; cursor?: string },
  ): Promise<Page<DelegationRow> | null>;
  /** The live ones, newest first: at most 100, `currentSession` always among them. */
  sessionsOf(subject: string, currentSession: string | undefined): Promise<readonly SessionRow[]>;
}
