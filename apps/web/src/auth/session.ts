import type { AuthorizationServer, SignInOptions, TokenSet } from './authorization-server.ts';
import { TokenQueue } from './token-queue.ts';
import type { AskUnseen } from './unseen.ts';

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
  /** The authorization server refused the sign-in. */
  | 'refused';

export interface User {
  readonly subject: string;
  readonly name: string;
  readonly email: string | undefined;
}

export type SessionState =
  | { readonly status: 'restoring' }
  | {
      readonly status: 'signed_in';
      readonly user: User;
      /** Epoch seconds: when the login session ends, and nothing but a sign-in goes on. Undefined: not known. */
      readonly endsAt?: number | undefined;
    }
  /** `user` is who was signed in before, so that what they typed can be kept for them. */
  | {
      readonly status: 'signed_out';
      readonly cause: SignedOutCause;
      readonly detail?: string;
      readonly user?: User;
    }
  /** The authorization server did not answer; whether somebody is signed in is not known. */
  | { readonly status: 'unreachable' };

/** What tabs tell each other. Never a token. */
export type TabMessage =
  { readonly type: 'signed_out' } | { readonly type: 'signed_in'; readonly subject: string };

export interface SessionOptions {
  readonly authorizationServer: AuthorizationServer;
  readonly askUnseen: AskUnseen;
  readonly tellOtherTabs: (message: TabMessage) => void;
  /** Epoch seconds. */
  readonly now: () => number;
}

export class SessionEnded extends Error {
  override readonly name = 'SessionEnded';
}

export class AuthorizationServerUnreachable extends Error {
  override readonly name = 'AuthorizationServerUnreachable';
}

/**
 * One tab's session. Every tab has its own, from its own authorization request: tabs share the login session at the
 * authorization server and never a refresh token, so strict rotation cannot catch one tab with a token that another
 * has spent, and no tab waits for a frozen one. Within the tab one queue spends the refresh token, whatever the audience.
 */
export class Session {
  #state: SessionState = { status: 'restoring' };
  readonly #listeners = new Set<() => void>();
  readonly #options: SessionOptions;
  #queue: TokenQueue | undefined;
  #restoring: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  readonly state = (): SessionState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks the authorization server, unseen, whether the login session still lives. Never throws. */
  restore(): Promise<void> {
    this.#restoring ??= this.#restore().finally(() => (this.#restoring = undefined));
    return this.#restoring;
  }

  /** The address of the sign-in page. Throws when the authorization server cannot be reached. */
  signInUrl(returnTo: string, options?: SignInOptions): Promise<string> {
    return this.#options.authorizationServer.signInUrl(returnTo, options);
  }

  /** Epoch seconds, by the clock that `endsAt` is told by. */
  now(): number {
    return this.#options.now();
  }

  /**
   * Asks the authorization server, unseen, whether the session goes on: another tab may have prolonged it. Ends it here when
   * it is over; does nothing when there is no answer. Never throws.
   */
  async checkEnd(): Promise<void> {
    const queue = this.#queue;
    const answer = await queue?.reauthorize();
    if (answer === undefined || queue !== this.#queue) return;
    if (answer.ok) this.#noteEnd(answer.tokens);
    else if (answer.fault !== 'unreachable') this.#end(answer.fault);
  }

  /** Finishes a sign-in by redirect; returns where to go on. Never throws: a refusal is in the state. */
  async completeSignIn(callbackUrl: string): Promise<string> {
    const outcome = await this.#options.authorizationServer.redeem(callbackUrl);
    if (outcome.ok) {
      this.#begin(outcome.tokens);
      this.#options.tellOtherTabs({ type: 'signed_in', subject: outcome.tokens.subject });
      return outcome.tokens.returnTo ?? '/accounts';
    }
    if (outcome.fault === 'refused') this.#end('refused', outcome.description || outcome.error);
    // A page that was reloaded, or an answer that was lost: the code is spent, the login session may well be there.
    else await this.restore();
    return '/';
  }

  /** Forgets the tokens and returns the address that ends the login session. Throws when it cannot be had. */
  async signOutUrl(): Promise<string> {
    const idToken = this.#queue?.tokens.idToken;
    if (idToken === undefined) throw new SessionEnded('Nobody is signed in.');
    return this.#options.authorizationServer.signOutUrl(idToken);
  }

  /** The login session has been ended by this tab. */
  completeSignOut(): void {
    this.#end('signed_out');
    this.#options.tellOtherTabs({ type: 'signed_out' });
  }

  /** What another tab has said. */
  readonly hear = (message: TabMessage): void => {
    const signedIn = this.#state.status === 'signed_in' ? this.#state.user : undefined;
    if (message.type === 'signed_out') {
      if (signedIn) this.#end('other_tab');
    } else if (signedIn && signedIn.subject !== message.subject) {
      this.#end('other_user');
    } else if (signedIn) {
      void this.checkEnd();
    } else {
      void this.restore();
    }
  };

  /**
   * An access token for `resource` that is good for some time yet. `rejected` is one that an API has just refused: it is
   * not handed out again. Throws SessionEnded when nobody is signed in any more, AuthorizationServerUnreachable when that
   * cannot be found out.
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
    if (answer.fault === 'unreachable') {
      throw new AuthorizationServerUnreachable('The sign-in service did not answer.');
    }
    if (queue === this.#queue) this.#end(answer.fault);
    throw new SessionEnded('The session has ended.');
  }

  async #restore(): Promise<void> {
    this.#set({ status: 'restoring' });
    const { authorizationServer, askUnseen } = this.#options;
    const answer = await askUnseenAndRedeem(authorizationServer, askUnseen);
    if (answer?.ok) this.#begin(answer.tokens);
    else if (answer?.fault === 'refused') this.#set({ status: 'signed_out', cause: 'nobody' });
    else this.#set({ status: 'unreachable' });
  }

  #begin(tokens: TokenSet): void {
    const { authorizationServer, askUnseen, now } = this.#options;
    this.#queue = new TokenQueue(tokens, {
      refresh: (current, resource) => authorizationServer.refresh(current, resource),
      authorizeUnseen: () => askUnseenAndRedeem(authorizationServer, askUnseen),
      now,
    });
    const { subject, name, email, sessionEndsAt: endsAt } = tokens;
    this.#set({ status: 'signed_in', user: { subject, name, email }, endsAt });
  }

  #noteEnd({ sessionEndsAt: endsAt }: TokenSet): void {
    if (this.#state.status !== 'signed_in' || this.#state.endsAt === endsAt) return;
    this.#set({ ...this.#state, endsAt });
  }

  #end(cause: SignedOutCause, detail?: string): void {
    const user = this.#state.status === 'signed_in' ? this.#state.user : undefined;
    this.#queue = undefined;
    this.#set({
      status: 'signed_out',
      cause,
      ...(detail === undefined ? {} : { detail }),
      ...(user === undefined ? {} : { user }),
    });
  }

  #set(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** Undefined when no answer came: the server cannot be reached, or refuses to be framed. */
async function askUnseenAndRedeem(authorizationServer: AuthorizationServer, askUnseen: AskUnseen) {
  try {
    const callbackUrl = await askUnseen(await authorizationServer.unseenUrl());
    return callbackUrl === undefined ? undefined : await authorizationServer.redeem(callbackUrl);
  } catch {
    return undefined;
  }
}
