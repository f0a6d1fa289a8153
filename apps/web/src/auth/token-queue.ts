import type { TokenOutcome, TokenSet } from './authorization-server.ts';
import { type SignInProblem } from './sign-in-problem.ts';

export interface TokenQueuePorts {
  /** Spends `tokens.refreshToken`. */
  readonly refresh: (tokens: TokenSet, resource: string) => Promise<TokenOutcome>;
  /** A new authorization request that shows nothing. */
  readonly authorizeSilently: () => Promise<TokenOutcome>;
  /** Epoch seconds by the server's clock. */
  readonly now: () => number;
}

export type QueueFault =
  /** The login goes on as another user. */
  | { readonly ok: false; readonly fault: 'other_user' }
  /** `ended`: the login is over. `unavailable`: nothing is known about it, because no usable answer came. */
  | { readonly ok: false; readonly fault: 'ended' | 'unavailable'; readonly problem: SignInProblem };

export type AccessTokenAnswer = { readonly ok: true; readonly accessToken: string } | QueueFault;
export type Reauthorization = { readonly ok: true; readonly tokens: TokenSet } | QueueFault;

type HeldToken = Pick<TokenSet, 'accessToken' | 'expiresAt'>;

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

  /** The newest tokens of the login. The access token may have expired. */
  get tokens(): TokenSet {
    return this.#tokens;
  }

  /** See Session.accessToken. Faults are values; nothing is thrown. */
  async accessToken(resource: string, rejected?: string): Promise<AccessTokenAnswer> {
    const held = this.#usable(resource, rejected);
    if (held) return { ok: true, accessToken: held };
    return this.#inTurn(async () => {
      // A request that was before this one in the queue may have renewed the token.
      const renewed = this.#usable(resource, rejected);
      return renewed ? { ok: true, accessToken: renewed } : this.#renew(resource);
    });
  }

  /** Asks at the authorization endpoint, silently, whether the login goes on, and takes the tokens of the answer. */
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
    if (refreshed?.ok) return { ok: true, accessToken: refreshed.tokens.accessToken };
    // One time limit is long enough to wait. The next call goes through the authorization endpoint.
    if (refreshed?.problem.timedOut) return { ok: false, fault: 'unavailable', problem: refreshed.problem };
    const outcome = await this.#reauthorize();
    if (!outcome.ok) return outcome;
    if (outcome.tokens.resource === resource) return { ok: true, accessToken: outcome.tokens.accessToken };
    const forResource = await this.#spendRefreshToken(resource);
    if (forResource?.ok) return { ok: true, accessToken: forResource.tokens.accessToken };
    return {
      ok: false,
      fault: 'unavailable',
      problem: forResource?.problem ?? { kind: 'invalid_answer', detail: 'no refresh token' },
    };
  }

  async #reauthorize(): Promise<Reauthorization> {
    const outcome = await this.#ports.authorizeSilently();
    if (!outcome.ok) {
      const { problem } = outcome;
      return { ok: false, fault: problem.kind === 'refused' ? 'ended' : 'unavailable', problem };
    }
    if (outcome.tokens.subject !== this.#tokens.subject) return { ok: false, fault: 'other_user' };
    this.#accept(outcome.tokens);
    return { ok: true, tokens: outcome.tokens };
  }

  /** Undefined when there is none. */
  async #spendRefreshToken(resource: string): Promise<TokenOutcome | undefined> {
    const spent = this.#tokens;
    if (spent.refreshToken === undefined) return undefined;
    this.#tokens = { ...spent, refreshToken: undefined };
    const outcome = await this.#ports.refresh(spent, resource);
    if (outcome.ok) this.#accept(outcome.tokens);
    return outcome;
  }

  #accept(tokens: TokenSet): void {
    this.#tokens = tokens;
    this.#held.set(tokens.resource, tokens);
  }

  /** A token without an expiry is used until an API refuses it. */
  #usable(resource: string, rejected: string | undefined): string | undefined {
    const held = this.#held.get(resource);
    if (!held || held.accessToken === rejected) return undefined;
    const { accessToken, expiresAt } = held;
    const isGood = expiresAt === undefined || expiresAt - RENEW_BEFORE_EXPIRY_SECONDS > this.#ports.now();
    return isGood ? accessToken : undefined;
  }
}
