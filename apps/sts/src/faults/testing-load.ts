/** Clients at work, and what the service has acknowledged to them. */
import { expect } from 'vitest';
import { basic, refresh, signIn } from '../testing/sign-in.ts';
import { delegate, isActive, send, type Answer } from './testing-requests.ts';

/** A client's refresh tokens, of which the last one counts. */
interface Chain {
  refreshToken: string;
  /** False while a request is under way, and for good when no answer came: nobody knows then whether it was used. */
  settled: boolean;
}

const EXCHANGERS = 4;
const CHAINS = 2;

export class Load {
  /** Access tokens that were handed out and not revoked since. */
  readonly issued = new Set<string>();
  /** Access tokens whose revocation was acknowledged. */
  readonly revoked = new Set<string>();
  readonly #checked = { issued: new Set<string>(), revoked: new Set<string>() };
  #chains: Chain[] = [];
  #accessToken = '';

  /** `signInAt`: the issuer. */
  async begin(signInAt: string): Promise<void> {
    const logins = await Promise.all(Array.from({ length: CHAINS }, () => signIn(signInAt)));
    this.#chains = logins.map(({ refreshToken }) => ({ refreshToken, settled: true }));
    this.#accessToken = logins[0]?.accessToken ?? '';
  }

  /** Works without a pause until the service is gone. `onProgress` hears of every acknowledged exchange. */
  async run(at: string, onProgress: () => void): Promise<void> {
    const [resting, ...busy] = this.#chains;
    // One rests after its turn, so that there is always an acknowledged refresh token that nobody has used since.
    if (resting !== undefined) await this.#renew(at, resting);
    await Promise.all([
      ...Array.from({ length: EXCHANGERS }, () => untilGone(() => this.#exchange(at, onProgress))),
      untilGone(() => this.#revoke(at)),
      ...busy.map((chain) => untilGone(() => this.#renew(at, chain))),
    ]);
  }

  /** All that was acknowledged still holds. Chains whose last answer was lost begin anew. */
  async expectKept(at: string, signInAt: string): Promise<void> {
    expect(await statesOf(at, this.issued)).toEqual([true]);
    if (this.revoked.size > 0) expect(await statesOf(at, this.revoked)).toEqual([false]);
    for (const chain of this.#chains) {
      if (chain.settled) expect(await this.#renew(at, chain)).toBe(true);
      else Object.assign(chain, { refreshToken: (await signIn(signInAt)).refreshToken, settled: true });
    }
  }

  /** What has been checked is not checked again before the end. */
  setAside(): void {
    for (const token of this.issued) this.#checked.issued.add(token);
    for (const token of this.revoked) this.#checked.revoked.add(token);
    this.issued.clear();
    this.revoked.clear();
  }

  /** The same of everything since the beginning. */
  async expectAllKept(at: string): Promise<void> {
    expect(await statesOf(at, this.#checked.issued)).toEqual([true]);
    expect(await statesOf(at, this.#checked.revoked)).toEqual([false]);
  }

  async #exchange(at: string, onProgress: () => void): Promise<boolean> {
    const answer = await answerOf(delegate(at, this.#accessToken));
    if (answer === undefined) return false;
    this.issued.add(String(answer.body['access_token']));
    onProgress();
    return true;
  }

  async #revoke(at: string): Promise<boolean> {
    const answer = await answerOf(delegate(at, this.#accessToken));
    if (answer === undefined) return false;
    const token = String(answer.body['access_token']);
    const revoked = await answerOf(
      send(`${at}/connect/revocation`, { form: { token }, headers: basic('api1.client') }),
    );
    if (revoked === undefined) return false;
    this.revoked.add(token);
    return true;
  }

  async #renew(at: string, chain: Chain): Promise<boolean> {
    if (!chain.settled) return false;
    chain.settled = false;
    const answer = await answerOf(refresh(at, chain.refreshToken));
    if (answer === undefined) return false;
    Object.assign(chain, { refreshToken: String(answer.body['refresh_token']), settled: true });
    this.issued.add(String(answer.body['access_token']));
    return true;
  }
}

async function untilGone(work: () => Promise<boolean>): Promise<void> {
  while (await work());
}

/** Undefined when the service went away; any answer but 200 is a fault. */
async function answerOf<One extends Pick<Answer, 'status' | 'body'>>(
  sent: Promise<One>,
): Promise<One | undefined> {
  const answer = await sent.catch(() => undefined);
  if (answer !== undefined) expect([answer.status, answer.body]).toEqual([200, answer.body]);
  return answer;
}

async function statesOf(at: string, tokens: ReadonlySet<string>): Promise<unknown[]> {
  return [...new Set(await Promise.all([...tokens].map((token) => isActive(at, token))))];
}
