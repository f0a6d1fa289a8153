import type { AuthorizationServer, SignInOptions, TokenOutcome, TokenSet } from './authorization-server.ts';
import type { ProofKey } from './proof-key.ts';
import type { ServerClock } from './server-clock.ts';
import { isOutage, isSignInNeeded, SignInServiceError, type SignInProblem } from './sign-in-problem.ts';
import type { SilentAuthorize } from './silent-authorize.ts';
import { TokenQueue, type QueueFault } from './token-queue.ts';

/** Why nobody is signed in. */
export type SignedOutCause =
  /** Nobody has signed in yet. */
  | 'nobody'
  | 'signed_out'
  /** The login session is over: its time ran out, or it was ended elsewhere. */
  | 'ended'
  /** Signed out in another tab. */
  | 'other_tab'
  /** Somebody else signed in with this browser. */
  | 'other_user'
  /** A sign-in brought nothing; `problem` says why. */
  | 'failed';

const ENDS_FOR_GOOD: ReadonlySet<SignedOutCause> = new Set(['signed_out', 'other_tab', 'other_user']);

export interface User {
  readonly subject: string;
  readonly name: string;
  /** Epoch seconds. Undefined: the server did not say, because it is asked only where it matters. */
  readonly signedInAt?: number | undefined;
}

export type SessionState =
  | { readonly status: 'restoring' }
  | {
      readonly status: 'signed_in';
      readonly user: User;
      /** Epoch seconds by the server's clock: when the login session ends. Undefined: not known. */
      readonly endsAt?: number | undefined;
      /** A sign-in brought nothing, and the login that was there before goes on. */
      readonly problem?: SignInProblem | undefined;
    }
  | {
      readonly status: 'signed_out';
      readonly cause: SignedOutCause;
      readonly problem?: SignInProblem | undefined;
    }
  /** No usable answer came; whether somebody is signed in is not known. */
  | { readonly status: 'unavailable'; readonly problem: SignInProblem };

/** What tabs tell each other. Never a token. */
export type TabMessage =
  { readonly type: 'signed_out' } | { readonly type: 'signed_in'; readonly subject: string };

export interface SessionOptions {
  readonly authorizationServer: AuthorizationServer;
  readonly silentAuthorize: SilentAuthorize;
  readonly tellOtherTabs: (message: TabMessage) => void;
  /** Removes from the tab's storage what belongs to any other user; without a subject, what belongs to anyone. */
  readonly forgetOthers: (subject: string | undefined) => void;
  readonly clock: ServerClock;
  readonly proofKey?: Promise<ProofKey> | undefined;
}

export class SessionEnded extends Error {
  override readonly name = 'SessionEnded';
}

/**
 * One tab's session. Every tab has its own, from its own authorization request: tabs share the login session at the
 * authorization server and never a refresh token, so strict rotation cannot catch one tab with a token that another
 * has spent, and no tab waits for a frozen one. Within the tab one queue spends the refresh token, whatever the audience.
 */
export class Session {
  readonly clock: ServerClock;
  #state: SessionState = { status: 'restoring' };
  readonly #listeners = new Set<() => void>();
  readonly #options: SessionOptions;
  #queue: TokenQueue | undefined;
  #restoring: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.clock = options.clock;
  }

  readonly state = (): SessionState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks the authorization server, silently, whether the login session still lives. Never throws. */
  readonly restore = (): Promise<void> => this.#restoreAfter(undefined);

  /** The address of the sign-in page. Throws SignInServiceError. */
  signInUrl(returnTo: string, options?: SignInOptions): Promise<string> {
    return this.#options.authorizationServer.signInUrl(returnTo, options);
  }

  /**
   * Asks the authorization server, silently, whether the session goes on: another tab may have prolonged it. Ends it here
   * when it is over; does nothing when there is no answer. Never throws.
   */
  async checkEnd(): Promise<void> {
    const queue = this.#queue;
    const answer = await queue?.reauthorize();
    if (answer === undefined || queue !== this.#queue) return;
    if (answer.ok) this.#noteEnd(answer.tokens);
    else if (answer.fault !== 'unavailable') this.#endBecause(answer);
  }

  /**
   * Finishes a sign-in by redirect and returns where to go on. Never throws: a problem is in the state. The login session
   * may live although this sign-in brought nothing (cancelled, or finished before), so then it is asked for.
   */
  async completeSignIn(callbackUrl: string): Promise<string> {
    const outcome = await this.#options.authorizationServer.redeem(callbackUrl);
    if (outcome.ok) {
      this.#begin(outcome.tokens);
      this.#options.tellOtherTabs({ type: 'signed_in', subject: outcome.tokens.subject });
    } else if (isOutage(outcome.problem)) {
      this.#set({ status: 'unavailable', problem: outcome.problem });
    } else {
      await this.#restoreAfter(outcome.problem);
    }
    return outcome.returnTo ?? (this.#state.status === 'signed_in' ? '/accounts' : '/');
  }

  /** The person has read the problem. */
  dismissProblem(): void {
    if (this.#state.status === 'signed_in') this.#set({ ...this.#state, problem: undefined });
  }

  /**
   * The address that ends the login session, for leaving at once. From here on the other tabs are signed out, because
   * not every sign-out returns to this page. Throws SignInServiceError, and then nothing has changed.
   */
  async signOutUrl(): Promise<string> {
    const idToken = this.#queue?.tokens.idToken;
    if (idToken === undefined) throw new SessionEnded('Nobody is signed in.');
    const url = await this.#options.authorizationServer.signOutUrl(idToken);
    this.#options.tellOtherTabs({ type: 'signed_out' });
    this.#options.forgetOthers(undefined);
    return url;
  }

  /** This page load follows a sign-out. One that the server has not confirmed may have been cancelled there. */
  async completeSignOut(isConfirmed: boolean): Promise<void> {
    if (!isConfirmed) {
      await this.restore();
      const state = this.#state;
      if (state.status !== 'signed_out' || state.cause !== 'nobody') return;
    }
    this.#end('signed_out');
    this.#options.tellOtherTabs({ type: 'signed_out' });
  }

  /** Another tab has said something. */
  readonly hear = (message: TabMessage): void => {
    const signedIn = this.#state.status === 'signed_in' ? this.#state.user : undefined;
    if (message.type === 'signed_out') {
      if (signedIn) this.#end('other_tab');
      else this.#options.forgetOthers(undefined);
      return;
    }
    this.#options.forgetOthers(message.subject);
    if (signedIn && signedIn.subject !== message.subject) this.#end('other_user');
    else if (signedIn) void this.checkEnd();
    else void this.restore();
  };

  /**
   * An access token for `resource` that is good for some time yet. `rejected` is one that an API has just refused: it is
   * not handed out again. Throws SessionEnded when nobody is signed in any more, SignInServiceError when that cannot be
   * found out.
   */
  async accessToken(resource: string, rejected?: string): Promise<string> {
    if (this.#state.status === 'restoring') await this.restore();
    const queue = this.#queue;
    if (!queue) throw new SessionEnded('Nobody is signed in.');
    const answer = await queue.accessToken(resource, rejected);
    if (answer.ok) {
      if (queue === this.#queue) this.#noteEnd(queue.tokens);
      return answer.accessToken;
    }
    if (answer.fault === 'unavailable') throw new SignInServiceError(answer.problem);
    if (queue === this.#queue) this.#endBecause(answer);
    throw new SessionEnded('The session has ended.');
  }

  /** The headers of a request with an access token: a bearer token, or one with a proof for this very request (RFC 9449 §7.1). */
  async headersFor(accessToken: string, method: string, url: string): Promise<Record<string, string>> {
    const key = await this.#options.proofKey;
    if (!key) return { Authorization: `Bearer ${accessToken}` };
    return { Authorization: `DPoP ${accessToken}`, DPoP: await key.proof(method, url, accessToken) };
  }

  #restoreAfter(problem: SignInProblem | undefined): Promise<void> {
    this.#restoring ??= this.#restore(problem).finally(() => (this.#restoring = undefined));
    return this.#restoring;
  }

  async #restore(before: SignInProblem | undefined): Promise<void> {
    // A page that says what is wrong stays until there is an answer.
    if (this.#state.status !== 'unavailable') this.#set({ status: 'restoring' });
    const outcome = await this.#authorizeSilently();
    if (outcome.ok) return this.#begin(outcome.tokens, before);
    const { problem } = outcome;
    if (isOutage(problem)) return this.#set({ status: 'unavailable', problem });
    const why = before ?? (isSignInNeeded(problem) ? undefined : problem);
    this.#end(why ? 'failed' : 'nobody', why);
  }

  readonly #authorizeSilently = async (): Promise<TokenOutcome> => {
    const { authorizationServer, silentAuthorize } = this.#options;
    try {
      const callbackUrl = await silentAuthorize(await authorizationServer.silentUrl());
      if (callbackUrl !== undefined) return await authorizationServer.redeem(callbackUrl);
      return { ok: false, problem: { kind: 'no_answer' } };
    } catch (error) {
      if (error instanceof SignInServiceError) return { ok: false, problem: error.problem };
      throw error;
    }
  };

  #begin(tokens: TokenSet, problem?: SignInProblem): void {
    const { authorizationServer, clock, forgetOthers } = this.#options;
    this.#queue = new TokenQueue(tokens, {
      refresh: (current, resource) => authorizationServer.refresh(current, resource),
      authorizeSilently: this.#authorizeSilently,
      now: clock.now,
    });
    const { subject, name, sessionEndsAt: endsAt, claims } = tokens;
    forgetOthers(subject);
    this.#set({
      status: 'signed_in',
      user: { subject, name, signedInAt: claims.auth_time },
      endsAt,
      problem,
    });
  }

  #noteEnd({ sessionEndsAt: endsAt }: TokenSet): void {
    if (this.#state.status !== 'signed_in' || this.#state.endsAt === endsAt) return;
    this.#set({ ...this.#state, endsAt });
  }

  #endBecause(fault: QueueFault): void {
    if (fault.fault === 'other_user') this.#end('other_user');
    else if (isSignInNeeded(fault.problem)) this.#end('ended');
    else this.#end('failed', fault.problem);
  }

  /** Somebody who has not signed out, and finds the session over, goes on with what they typed after the next sign-in. */
  #end(cause: SignedOutCause, problem?: SignInProblem): void {
    this.#queue = undefined;
    if (ENDS_FOR_GOOD.has(cause)) this.#options.forgetOthers(undefined);
    this.#set({ status: 'signed_out', cause, problem });
  }

  #set(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
