import type { TokenOutcome, TokenSet } from './authorization-server.ts';

export interface TokenQueuePorts {
  /** Spends `tokens.refreshToken`. */
  readonly refresh: (tokens: TokenSet, resource: string) => Promise<TokenOutcome>;
  /** A new authorization request that shows nothing. Undefined: no answer. */
  readonly authorizeUnseen: () => Promise<TokenOutcome | undefined>;
  /** Epoch seconds. */
  readonly now: () => number;
}

export type AccessTokenAnswer =
  | { readonly ok: true; readonly accessToken: string }
  | { readonly ok: false; readonly fault: 'ended' | 'other_user' | 'unreachable' };

export type Reauthorization =
  { readonly ok: true; readonly tokens: TokenSet } | Extract<AccessTokenAnswer, { ok: false }>;

interface HeldToken {
  readonly accessToken: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** A token with less left is renewed first: it must outlive the call that carries it, and clocks differ. */
const RENEW_BEFORE_EXPIRY_SECONDS = 30;

/**
 * Holds one login's access tokens, one per audience, and renews them one at a time. Rotation is strict (RFC 9700
 * §4.14.2): a refresh token that is sent twice ends the login. So it is taken out before it is sent, is put back only as its
 * successor, and after an answer that was lost or a refusal the way leads through the authorization endpoint.
 */
export class TokenQueue {
  readonly #ports: TokenQueuePorts;
  readonly #held = new Map<string, HeldToken>();
  #tokens: TokenSet;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(tokens: TokenSet, ports: TokenQueuePorts) {
    this.#ports = ports;
    this.#tokens = tokens;
    this.#accept(tokens);
  }

  /** What the login has brought last. Its access token may have expired. */
  get tokens(): TokenSet {
    return this.#tokens;
  }

  /** See Session.accessToken. Faults are values; nothing is thrown. */
  async accessToken(resource: string, rejected?: string): Promise<AccessTokenAnswer> {
    const held = this.#usable(resource, rejected);
    if (held) return { ok: true, accessToken: held };
    return this.#inTurn(async () => {
      // Whoever waited before us may have brought what we need.
      const renewed = this.#usable(resource, rejected);
      return renewed ? { ok: true, accessToken: renewed } : this.#renew(resource);
    });
  }

  /** Asks at the authorization endpoint, unseen, whether the login goes on; what that brings takes the place of what was. */
  reauthorize(): Promise<Reauthorization> {
    return this.#inTurn(() => this.#reauthorize());
  }

  #inTurn<Answer>(run: () => Promise<Answer>): Promise<Answer> {
    const turn = this.#tail.then(run);
    this.#tail = turn;
    return turn;
  }

  async #renew(resource: string): Promise<AccessTokenAnswer> {
    const refreshed = await this.#spendRefreshToken(resource);
    if (refreshed) return { ok: true, accessToken: refreshed };
    const outcome = await this.#reauthorize();
    if (!outcome.ok) return outcome;
    if (outcome.tokens.resource === resource) return { ok: true, accessToken: outcome.tokens.accessToken };
    const forResource = await this.#spendRefreshToken(resource);
    return forResource ? { ok: true, accessToken: forResource } : { ok: false, fault: 'unreachable' };
  }

  async #reauthorize(): Promise<Reauthorization> {
    const outcome = await this.#ports.authorizeUnseen();
    if (!outcome || (!outcome.ok && outcome.fault === 'lost')) return { ok: false, fault: 'unreachable' };
    if (!outcome.ok) return { ok: false, fault: 'ended' };
    if (outcome.tokens.subject !== this.#tokens.subject) return { ok: false, fault: 'other_user' };
    this.#accept(outcome.tokens);
    return { ok: true, tokens: outcome.tokens };
  }

  async #spendRefreshToken(resource: string): Promise<string | undefined> {
    const spent = this.#tokens;
    if (spent.refreshToken === undefined) return undefined;
    this.#tokens = { ...spent, refreshToken: undefined };
    const outcome = await this.#ports.refresh(spent, resource);
    if (!outcome.ok) return undefined;
    this.#accept(outcome.tokens);
    return outcome.tokens.accessToken;
  }

  #accept(tokens: TokenSet): void {
    this.#tokens = tokens;
    this.#held.set(tokens.resource, { accessToken: tokens.accessToken, expiresAt: tokens.expiresAt });
  }

  #usable(resource: string, rejected: string | undefined): string | undefined {
    const held = this.#held.get(resource);
    if (!held || held.accessToken === rejected) return undefined;
    return held.expiresAt - RENEW_BEFORE_EXPIRY_SECONDS > this.#ports.now() ? held.accessToken : undefined;
  }
}
