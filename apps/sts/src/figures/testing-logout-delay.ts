import { formOf } from '../../test/support/browser.ts';
import { startReplicas } from '../../test/support/replicas.ts';
import { delegate } from '../../test/support/requests.ts';
import { signIn } from '../../test/support/sign-in.ts';

/**
 * How long after a logout was answered at one replica the other still granted an exchange: it is asked without a pause from
 * before the logout on. Negative: it refused before the answer was back.
 */
export async function measureLogout(server: string, logouts: number): Promise<string> {
  const replicas = await startReplicas({ engine: 'postgres', count: 2, server });
  const [one, other] = replicas.running;
  if (one === undefined || other === undefined) throw new Error('two replicas were expected');
  const delaysMs: number[] = [];
  for (let logout = 0; logout < logouts; logout += 1) {
    const { browser, idToken, accessToken } = await signIn(replicas.issuer);
    const question = await browser.open(`/connect/endsession?id_token_hint=${idToken}`);
    if (formOf(question).action === '') throw new Error('no question');
    const refused = (async () => {
      while ((await delegate(other.url, accessToken)).status === 200);
      return performance.now();
    })();
    await browser.submit(question, { logout: 'yes' });
    const answeredAt = performance.now();
    delaysMs.push((await refused) - answeredAt);
  }
  await replicas.close();
  const sorted = delaysMs.toSorted((one, another) => one - another);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
  return `| logouts | p50 ms | p99 ms | longest ms |\n| --- | --- | --- | --- |\n| ${logouts} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |\n`;
}
