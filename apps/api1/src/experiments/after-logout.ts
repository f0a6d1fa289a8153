import { problem } from '@behalf/service';
import { callOutcome, refusalOf, type Experiment, type ExperimentContext } from './experiment.ts';

const KEPT_SECONDS = 120;
const MAXIMUM_KEPT = 100;

/**
 * Called twice. The first time it obtains a token and keeps it for this login session; logout does not reach it, as it
 * would not reach a thief's copy. Called again after the session has ended, it shows who still takes the token and who
 * asks, and forgets it. `now` gives epoch seconds.
 */
export function createAfterLogout(now: () => number): Experiment {
  const kept = createKeptTokens(now);
  return {
    name: 'after-logout',
    async run(context) {
      const { sessionId } = context;
      if (sessionId === undefined) throw noSession();
      const accessToken = kept.take(sessionId);
      if (accessToken !== undefined) return { state: 'done', ...(await useOldToken(accessToken, context)) };
      kept.keep(sessionId, (await obtain(context)).accessToken);
      return { state: 'ready' };
    },
  };
}

async function useOldToken(accessToken: string, context: ExperimentContext) {
  const { upstream } = context;
  const offline = await upstream.send({ path: '/accounts', accessToken });
  const live = await upstream.send({ path: '/experiments/live-check', accessToken });
  return {
    offline: callOutcome(offline),
    live: callOutcome(live),
    exchange: { refused: await refusalOf(obtain(context)) },
  };
}

/** Past the cache, which a logout empties. */
function obtain({ token, delegation }: ExperimentContext) {
  return delegation.requestCustomGrant('delegation', { token, scope: 'api2' }, { cache: false });
}

/** One token per login session, for a short while; the oldest makes room. */
function createKeptTokens(now: () => number) {
  const tokens = new Map<string, { readonly accessToken: string; readonly until: number }>();
  const dropOld = () => {
    for (const [session, { until }] of tokens)
      if (until <= now() || tokens.size >= MAXIMUM_KEPT) tokens.delete(session);
  };
  return {
    keep(sessionId: string, accessToken: string): void {
      dropOld();
      tokens.set(sessionId, { accessToken, until: now() + KEPT_SECONDS });
    },
    /** The session's token, at most once. */
    take(sessionId: string): string | undefined {
      const entry = tokens.get(sessionId);
      tokens.delete(sessionId);
      return entry !== undefined && entry.until > now() ? entry.accessToken : undefined;
    },
  };
}

function noSession() {
  return problem({
    status: 403,
    type: 'no-session',
    title: 'No login session',
    detail: 'The access token hangs from no login session that could end.',
  });
}
