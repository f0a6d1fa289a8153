/** Clients at work, and what the service has acknowledged to them. */

import { type Answer, delegate, isActive, send } from './requests.ts';
import { basic, refresh, signIn } from './sign-in.ts';

/** A client's refresh tokens, of which the last one counts. */
interface Chain {
  refreshToken: string;
  /** False while a request is under way, and for good when no answer came, because it may have been used. */
  settled: boolean;
}

interface Acknowledged {
  readonly issued: Set<string>;
  readonly revoked: Set<string>;
}

const EXCHANGERS = 4;

const CHAINS = 2;

export class Load {
  /** Access tokens that were handed out and not revoked since. */
  readonly issued = new Set<string>();
  /** Access tokens whose revocation was acknowledged. */
  readonly revoked = new Set<string>();
  readonly #checked: Acknowledged = { issued: new Set(), revoked: new Set() };
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

  /**
   * What does not hold any more of all that was acknowledged since the last call: none, if all is well. Chains whose last
   * answer was lost begin anew.
   */
  async lost(at: string, signInAt: string): Promise<readonly string[]> {
    const faults = await this.#faultsOf(at, this);
    for (const token of this.issued) this.#checked.issued.add(token);
    for (const token of this.revoked) this.#checked.revoked.add(token);
    this.issued.clear();
    this.revoked.clear();
    for (const chain of this.#chains) {
      if (!chain.settled) {
        Object.assign(chain, { refreshToken: (await signIn(signInAt)).refreshToken, settled: true });
      } else if (!(await this.#renew(at, chain))) faults.push('a refresh token does not work');
    }
    return faults;
  }

  /** The same of everything since the beginning. */
  lostEver(at: string): Promise<readonly string[]> {
    return this.#faultsOf(at, this.#checked);
  }

  async #faultsOf(at: string, { issued, revoked }: Acknowledged): Promise<string[]> {
    const dead = await withState(at, issued, false);
    const revived = await withState(at, revoked, true);
    return [...dead.map(() => 'an issued token is dead'), ...revived.map(() => 'a revoked token lives')];
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
  if (answer !== undefined && answer.status !== 200) {
    throw new Error(`refused: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  return answer;
}

async function withState(at: string, tokens: ReadonlySet<string>, active: boolean): Promise<string[]> {
  const states = await Promise.all(
    [...tokens].map(async (token) => ({ token, is: await isActive(at, token) })),
  );
  return states.filter(({ is }) => is === active).map(({ token }) => token);
}
