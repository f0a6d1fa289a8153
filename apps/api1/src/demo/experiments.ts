import { type DelegationClient, DelegationError } from '@behalf/auth';
import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly, problem, stepsOf, traceOf, type Upstream, type UpstreamAnswer } from '@behalf/service';
import { type RequestHandler, Router } from 'express';
import { reportedToBrowser } from '../routes/relay.ts';

export interface ExperimentDependencies {
  readonly authenticate: RequestHandler;
  readonly delegation: DelegationClient;
  /** API2. */
  readonly upstream: Upstream;
  /** Epoch seconds. */
  readonly now: () => number;
}

/**
 * What one must not do, on purpose, and what comes of it. Mounted only while experiments are switched on. The routes take
 * no input but their name, and use only the caller's own tokens.
 */
export function experimentRoutes(dependencies: ExperimentDependencies): Router {
  const forTheUser = [dependencies.authenticate, requireScope('api1')];
  const experiments = [
    forwardedToken,
    oneScopeTooMany,
    tokenOfSomeoneElse,
    splicedChains,
    createAfterLogout(dependencies.now),
  ];
  const routes = Router();

  routes.get('/experiments', ...forTheUser, (_request, response) => {
    response.json({ experiments: experiments.map(({ name }) => name) });
  });
  routes.all('/experiments', allowOnly('GET'));

  for (const { name, run } of experiments) {
    routes.get(`/experiments/${name}`, reportedToBrowser, ...forTheUser, async (request, response) => {
      const { token, sessionId } = authOf(request);
      const trace = traceOf(request);
      const result = await run({
        token,
        sessionId,
        delegation: dependencies.delegation.observedBy(trace.onExchange),
        upstream: trace.observe(dependencies.upstream, 'api2'),
      });
      response.json({ ...result, ...stepsOf(request, 200) });
    });
    routes.all(`/experiments/${name}`, allowOnly('GET'));
  }
  return routes;
}

/** What an experiment may use: the caller's own token, and the ways to the STS and to API2. There is no other input. */
export interface ExperimentContext {
  /** The user's token, as it came. */
  readonly token: string;
  /** The login session behind it; undefined for a token without a user. */
  readonly sessionId: string | undefined;
  readonly delegation: DelegationClient;
  /** API2. */
  readonly upstream: Upstream;
}

/**
 * Something that one must not do, done on purpose with real tokens at the real services, to show what comes of it.
 * Throws only when a service does not answer, or when what has to go well before does not.
 */
export interface Experiment {
  readonly name: string;
  run(context: ExperimentContext): Promise<Readonly<Record<string, unknown>>>;
}

export interface Refusal {
  readonly status: number | null;
  readonly error: string | null;
  readonly reason: string | null;
  readonly description: string | null;
}

/** How the STS refused; null when it did not. Throws when it gave no answer. */
export async function refusalOf(wish: Promise<unknown>): Promise<Refusal | null> {
  try {
    await wish;
    return null;
  } catch (error) {
    if (!(error instanceof DelegationError) || error.kind === 'unavailable') throw error;
    const { status = null, error: code = null, reason = null, description = null } = error;
    return { status, error: code, reason, description };
  }
}

/** What came of a call: a problem when it was refused, never what it would have given. */
export function callOutcome({ status, headers, json }: UpstreamAnswer) {
  return {
    status,
    challenge: headers.get('www-authenticate'),
    problem: status < 400 ? null : (json ?? null),
  };
}

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

/** "Poor man's delegation": the user's own token is forwarded to API2, which refuses it; then a delegated one is used. */
export const forwardedToken: Experiment = {
  name: 'forwarded-token',
  async run({ token, delegation, upstream }) {
    const forwarded = await upstream.send({ path: '/accounts', accessToken: token });
    const delegated = await delegation.withToken(
      () => delegation.delegate({ token, scopes: ['api2'] }),
      ({ accessToken }) => upstream.send({ path: '/accounts', accessToken }),
    );
    return { forwarded: callOutcome(forwarded), delegated: { status: delegated.status } };
  },
};

/** Asks for the scope that the policy allows and for one that it does not: the whole request is refused, nothing is narrowed. */
export const oneScopeTooMany: Experiment = {
  name: 'one-scope-too-many',
  run: async ({ token, delegation }) => ({
    refused: await refusalOf(delegation.delegate({ token, scopes: ['api2', 'api2.premium'] })),
  }),
};

/** Takes the subject from one chain and the actor from another: a user's token as actor token, which only a client's own may be. */
export const splicedChains: Experiment = {
  name: 'spliced-chains',
  async run({ token, delegation }) {
    const { accessToken } = await delegation.delegate({ token, scopes: ['api2'] });
    return {
      refused: await refusalOf(
        delegation.exchange({ subjectToken: token, actorToken: accessToken, scopes: ['api2'] }),
      ),
    };
  },
};

/** Presents a token that was meant for API2 as if it had been meant for this service (RFC 8693 §2.1). */
export const tokenOfSomeoneElse: Experiment = {
  name: 'token-of-someone-else',
  async run({ token, delegation }) {
    const { accessToken } = await delegation.delegate({ token, scopes: ['api2'] });
    return { refused: await refusalOf(delegation.delegate({ token: accessToken, scopes: ['api2'] })) };
  },
};
